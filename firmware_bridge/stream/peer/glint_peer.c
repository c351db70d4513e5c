#include "glint_peer_parts.h"

#include <string.h>

#define STATUS_BYTES 20u
#define ABILITIES_BYTES 32u

int glint_room_for(glint_peer *peer, uint32_t payload)
{
    return peer->callbacks->room(peer->user) >= GLINT_STUFFED(payload);
}

void glint_send(glint_peer *peer, uint8_t kind, const uint8_t *bytes, uint16_t count)
{
    glint_frame_begin(&peer->encoder, kind, count);
    glint_frame_bytes(&peer->encoder, bytes, count);
    glint_frame_end(&peer->encoder);
}

/* Without a session nothing is on. */
static void off(glint_peer *peer)
{
    uint8_t light = peer->light, microphone = peer->microphone;
    peer->session = 0;
    peer->microphone = peer->light = peer->status_due = 0;
    peer->photo_is = peer->display_is = GLINT_NONE;
    peer->part_at = peer->part_end = 0;
    peer->received = peer->played = peer->reported = peer->position = 0;
    peer->token = 0;
    if (microphone)
        peer->callbacks->microphone(peer->user, 0);
    if (light)
        peer->callbacks->light(peer->user, 0);
    peer->callbacks->speaker_stop(peer->user);
    peer->callbacks->display_clear(peer->user);
}

static void announce(glint_peer *peer)
{
    uint8_t bytes[ABILITIES_BYTES + 64] = "GLNT";
    const glint_abilities *has = peer->abilities;
    size_t name = has->name ? strlen(has->name) : 0;
    if (name > 64)
        name = 64;
    if (!glint_room_for(peer, ABILITIES_BYTES + (uint32_t)name))
        return; /* the host asks again */
    bytes[4] = GLINT_VERSION;
    bytes[5] = has->parts;
    glint_put16(bytes + 6, GLINT_PAYLOAD);
    glint_put32(bytes + 8, peer->session);
    bytes[12] = has->microphone;
    bytes[13] = has->speaker;
    glint_put32(bytes + 14, has->microphone_rate);
    glint_put32(bytes + 18, has->speaker_rate);
    glint_put32(bytes + 22, has->speaker_buffer);
    bytes[26] = has->display;
    glint_put16(bytes + 28, has->width);
    glint_put16(bytes + 30, has->height);
    if (name)
        memcpy(bytes + ABILITIES_BYTES, has->name, name);
    glint_send(peer, GLINT_ABILITIES, bytes, (uint16_t)(ABILITIES_BYTES + name));
}

static void status(glint_peer *peer)
{
    uint8_t bytes[STATUS_BYTES];
    if (!glint_room_for(peer, STATUS_BYTES))
        return; /* it stays due */
    glint_put16(bytes, peer->token);
    bytes[2] = peer->microphone;
    bytes[3] = peer->light;
    bytes[4] = peer->presses;
    bytes[5] = peer->battery;
    glint_put16(bytes + 6, (uint16_t)peer->temperature);
    glint_put32(bytes + 8, peer->received);
    glint_put32(bytes + 12, peer->played);
    glint_put16(bytes + 16, (uint16_t)(peer->decoder.damaged & 0xffffu));
    glint_put16(bytes + 18, (uint16_t)(peer->decoder.lost & 0xffffu));
    peer->status_due = 0;
    peer->reported = peer->played;
    glint_send(peer, GLINT_STATUS, bytes, sizeof bytes);
}

static void hello(glint_peer *peer, const uint8_t *bytes, uint16_t count)
{
    uint16_t payload;
    if (count < 12 || memcmp(bytes, "GLNT", 4) != 0)
        return;
    payload = glint_get16(bytes + 6);
    off(peer);
    if (bytes[4] == GLINT_VERSION && payload >= 64)
        peer->session = glint_get32(bytes + 8);
    peer->host_payload = payload < GLINT_PAYLOAD ? payload : GLINT_PAYLOAD;
    announce(peer);
}

static void control(glint_peer *peer, const uint8_t *bytes, uint16_t count)
{
    uint8_t microphone, light;
    uint32_t floor;
    if (count < 8)
        return;
    peer->token = glint_get16(bytes);
    microphone = bytes[2] == GLINT_PCM || bytes[2] == GLINT_ADPCM ? bytes[2] & peer->abilities->microphone : GLINT_OFF;
    light = bytes[3] <= 3 ? bytes[3] : 0;
    floor = glint_get32(bytes + 4);
    if (!microphone != !peer->microphone)
        peer->callbacks->microphone(peer->user, microphone != 0);
    if (microphone != peer->microphone)
        memset(&peer->coded, 0, sizeof peer->coded);
    peer->microphone = microphone;
    if (light != peer->light)
        peer->callbacks->light(peer->user, light);
    peer->light = light;
    if ((int32_t)(floor - peer->played) > 0) {
        /* All that is queued is older, for the host sends nothing past the floor before it. */
        peer->callbacks->speaker_stop(peer->user);
        peer->received = peer->played = floor;
    }
    peer->status_due = 1;
}

static void take(glint_peer *peer)
{
    const uint8_t *bytes = peer->decoder.payload;
    uint16_t count = peer->decoder.length;
    if (peer->decoder.kind == GLINT_HELLO) {
        hello(peer, bytes, count);
    } else if (peer->session) {
        switch (peer->decoder.kind) {
        case GLINT_CONTROL: control(peer, bytes, count); break;
        case GLINT_SPEAKER: glint_take_speaker(peer, bytes, count); break;
        case GLINT_DISPLAY: glint_take_display(peer, bytes, count); break;
        case GLINT_PHOTO_TAKE: glint_take_photo_take(peer, bytes, count); break;
        case GLINT_PHOTO_READ: glint_take_photo_read(peer, bytes, count); break;
        default: break; /* of a later version */
        }
    }
}

void glint_peer_init(glint_peer *peer, const glint_abilities *abilities, const glint_callbacks *callbacks, void *user)
{
    memset(peer, 0, sizeof *peer);
    peer->abilities = abilities;
    peer->callbacks = callbacks;
    peer->user = user;
    peer->battery = 255;
    peer->temperature = -32768;
    glint_decoder_init(&peer->decoder);
    glint_encoder_init(&peer->encoder, callbacks->write, user);
    announce(peer);
}

void glint_peer_receive(glint_peer *peer, const uint8_t *bytes, size_t count, uint32_t now_ms)
{
    while (count--) {
        if (glint_decode(&peer->decoder, *bytes++)) {
            peer->heard_ms = now_ms;
            take(peer);
        }
    }
    glint_peer_poll(peer, now_ms);
}

void glint_peer_poll(glint_peer *peer, uint32_t now_ms)
{
    if (!peer->session)
        return;
    if (now_ms - peer->heard_ms > GLINT_SILENT_MS) {
        off(peer);
        return;
    }
    if (peer->status_due)
        status(peer);
    if (peer->photo_is == GLINT_READY && peer->part_at < peer->part_end)
        glint_send_photo_part(peer);
}

void glint_peer_cut(glint_peer *peer)
{
    off(peer);
    glint_decoder_init(&peer->decoder);
}

void glint_peer_pressed(glint_peer *peer)
{
    peer->presses++;
    peer->status_due = 1;
}

void glint_peer_condition(glint_peer *peer, uint8_t percent, int16_t tenths)
{
    peer->status_due |= percent != peer->battery;
    peer->battery = percent;
    peer->temperature = tenths;
}

void glint_peer_error(glint_peer *peer, uint8_t code, const char *sentence)
{
    size_t count = strlen(sentence), most = peer->host_payload ? peer->host_payload - 1u : 0;
    if (count > most)
        count = most;
    if (!peer->session || !glint_room_for(peer, (uint32_t)count + 1u))
        return;
    glint_frame_begin(&peer->encoder, GLINT_ERROR, (uint16_t)(count + 1));
    glint_frame_bytes(&peer->encoder, &code, 1);
    glint_frame_bytes(&peer->encoder, (const uint8_t *)sentence, count);
    glint_frame_end(&peer->encoder);
}
