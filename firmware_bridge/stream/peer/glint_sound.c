#include "glint_peer_parts.h"

#define SOUND_HEAD 5u

static void play(glint_peer *peer, const uint8_t *bytes, uint32_t samples, uint8_t format)
{
    int16_t chunk[GLINT_CHUNK];
    glint_adpcm state = {0, 0};
    uint32_t at = 0, count;
    if (format == GLINT_ADPCM) {
        glint_adpcm_begin(&state, bytes);
        bytes += GLINT_ADPCM_HEAD;
    }
    for (; samples; samples -= count) {
        for (count = 0; count < GLINT_CHUNK && count < samples; count++, at++) {
            if (format == GLINT_OFF) {
                chunk[count] = 0;
            } else if (format == GLINT_PCM) {
                uint16_t value = glint_get16(bytes + 2 * at);
                chunk[count] = (int16_t)(value > 32767 ? value - 65536 : value);
            } else {
                uint8_t pair = bytes[at / 2];
                chunk[count] = glint_adpcm_decode(&state, (uint8_t)(at & 1u ? pair & 15u : pair >> 4));
            }
        }
        peer->callbacks->speaker(peer->user, chunk, count);
    }
}

void glint_take_speaker(glint_peer *peer, const uint8_t *bytes, uint16_t count)
{
    uint32_t samples, gap, queued = peer->received - peer->played, buffer = peer->abilities->speaker_buffer;
    uint8_t format;
    if (count < SOUND_HEAD)
        return;
    format = bytes[4];
    if (format == GLINT_PCM)
        samples = (count - SOUND_HEAD) / 2u;
    else if (format == GLINT_ADPCM && count >= SOUND_HEAD + GLINT_ADPCM_HEAD)
        samples = (count - SOUND_HEAD - GLINT_ADPCM_HEAD) * 2u;
    else
        return;
    gap = glint_get32(bytes) - peer->received;
    if (gap >= 0x80000000u)
        return; /* too late */
    if (gap && queued == 0) {
        peer->received = peer->played += gap; /* nothing plays whose time would have to be kept */
        gap = 0;
    }
    if (gap > buffer - queued || samples > buffer - queued - gap)
        return; /* more than the host may send */
    play(peer, bytes, gap, GLINT_OFF);
    play(peer, bytes + SOUND_HEAD, samples, format);
    peer->received += gap + samples;
}

void glint_peer_heard(glint_peer *peer, const int16_t *samples, size_t count)
{
    uint8_t bytes[GLINT_CHUNK], format = peer->microphone;
    size_t most = peer->host_payload - SOUND_HEAD, piece, at, some;
    most = format == GLINT_ADPCM ? (most - GLINT_ADPCM_HEAD) * 2u : most / 2u & ~(size_t)1;
    for (count = format ? count & ~(size_t)1 : 0; count; count -= piece, samples += piece) {
        size_t length, at_once = format == GLINT_ADPCM ? 2u * GLINT_CHUNK : GLINT_CHUNK / 2u;
        piece = count < most ? count : most;
        length = SOUND_HEAD + (format == GLINT_ADPCM ? GLINT_ADPCM_HEAD + piece / 2u : 2u * piece);
        glint_put32(bytes, peer->position);
        peer->position += (uint32_t)piece;
        if (!glint_room_for(peer, (uint32_t)length)) {
            peer->microphone_lost += (uint32_t)piece;
            continue;
        }
        bytes[4] = format;
        glint_frame_begin(&peer->encoder, GLINT_MICROPHONE, (uint16_t)length);
        glint_frame_bytes(&peer->encoder, bytes, SOUND_HEAD);
        if (format == GLINT_ADPCM) {
            glint_adpcm_head(&peer->coded, bytes);
            glint_frame_bytes(&peer->encoder, bytes, GLINT_ADPCM_HEAD);
        }
        for (at = 0; at < piece; at += some) {
            size_t i, used = 0;
            some = piece - at < at_once ? piece - at : at_once;
            for (i = at; i < at + some; i += format == GLINT_ADPCM ? 2 : 1) {
                if (format == GLINT_ADPCM) {
                    uint8_t high = glint_adpcm_encode(&peer->coded, samples[i]);
                    bytes[used++] = (uint8_t)(high << 4 | glint_adpcm_encode(&peer->coded, samples[i + 1]));
                } else {
                    glint_put16(bytes + used, (uint16_t)samples[i]);
                    used += 2;
                }
            }
            glint_frame_bytes(&peer->encoder, bytes, used);
        }
        glint_frame_end(&peer->encoder);
    }
}

void glint_peer_played(glint_peer *peer, uint32_t samples)
{
    uint32_t queued = peer->received - peer->played;
    peer->played += samples < queued ? samples : queued;
    /* Often enough that the host can go on before the buffer is empty. */
    if (peer->played - peer->reported >= peer->abilities->speaker_buffer / 8u ||
        (queued && peer->played == peer->received))
        peer->status_due = 1;
}
