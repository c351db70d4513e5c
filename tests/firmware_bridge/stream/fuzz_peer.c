/* Throws random, damaged and malicious input at the C core, with a fixed seed; run under the sanitizers.
 *
 *     fuzz SEED INPUTS       prints what it did; aborts at the first broken promise */
#include "glint_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                   \
    do {                                                              \
        if (!(what)) {                                                \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what);        \
            abort();                                                  \
        }                                                             \
    } while (0)

static uint64_t state;
static unsigned long inputs, accepted, spoilt, callbacks_called;

static uint32_t random32(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static uint32_t below(uint32_t limit)
{
    return random32() % limit;
}

/* A line that damages what goes over it. */
static uint8_t line[1 << 16];
static size_t on_line;

static void to_line(void *user, const uint8_t *bytes, size_t count)
{
    (void)user;
    CHECK(count <= sizeof line - on_line);
    memcpy(line + on_line, bytes, count);
    on_line += count;
}

static void damage(size_t from)
{
    size_t length = on_line - from, at = from + below((uint32_t)length), some;
    switch (below(6)) {
    case 0: line[at] ^= (uint8_t)(1u << below(8)); break;
    case 1: line[at] = (uint8_t)random32(); break;
    case 2: on_line = at; break; /* cut short */
    case 3:                      /* some bytes are missing */
        some = 1 + below(8);
        if (some > on_line - at)
            some = on_line - at;
        memmove(line + at, line + at + some, on_line - at - some);
        on_line -= some;
        break;
    case 4: /* some more */
        some = 1 + below(8);
        memmove(line + at + some, line + at, on_line - at);
        while (some--)
            line[at + some] = (uint8_t)random32();
        on_line += 8;
        break;
    default: /* a burst */
        for (some = below(40); some && at < on_line; some--)
            line[at++] = (uint8_t)random32();
    }
    spoilt++;
}

/* Every payload that is sent carries the means to recognise it, apart from the CRC. */
static void fill(uint8_t *payload, size_t length)
{
    uint32_t sum = 2166136261u, kind = below(3);
    size_t i;
    for (i = 4; i < length; i++) {
        payload[i] = kind == 0 ? 0 : kind == 1 ? (uint8_t)(random32() | 1u) : (uint8_t)random32();
        sum = (sum ^ payload[i]) * 16777619u;
    }
    glint_put32(payload, sum ^ (uint32_t)length);
}

static int is_one(const uint8_t *payload, size_t length)
{
    uint32_t sum = 2166136261u;
    size_t i;
    if (length < 4)
        return 0;
    for (i = 4; i < length; i++)
        sum = (sum ^ payload[i]) * 16777619u;
    return glint_get32(payload) == (sum ^ (uint32_t)length);
}

static void fuzz_decoder(unsigned long count)
{
    static glint_decoder decoder;
    static glint_encoder encoder;
    uint8_t payload[GLINT_PAYLOAD];
    unsigned long i;
    size_t at;
    glint_decoder_init(&decoder);
    glint_encoder_init(&encoder, to_line, NULL);
    for (i = 0; i < count; i++, inputs++) {
        on_line = 0;
        if (below(8) == 0) {
            for (at = below(64); at; at--) /* noise between frames */
                line[on_line++] = (uint8_t)random32();
        } else {
            size_t length = below(4) ? 4 + below(60) : 4 + below(GLINT_PAYLOAD - 3);
            size_t from = on_line;
            fill(payload, length);
            glint_frame_begin(&encoder, (uint8_t)(2 + below(100)), (uint16_t)length);
            glint_frame_bytes(&encoder, payload, length);
            glint_frame_end(&encoder);
            if (below(3) == 0)
                damage(from);
        }
        for (at = 0; at < on_line; at++) {
            if (glint_decode(&decoder, line[at])) {
                accepted++;
                CHECK(is_one(decoder.payload, decoder.length));
            }
        }
    }
    CHECK(accepted > count / 3);
}

/* The peer, whose firmware holds it to its promises. */
static glint_peer peer;
static const glint_abilities abilities = {7, 3, 3, GLINT_RGB565, 16000, 16000, 4000, 64, 64, "fuzzed"};
static size_t room, queued;
static uint32_t photo_size, display_total, display_at;
static int microphone_on, photo_due;

static void on_write(void *user, const uint8_t *bytes, size_t count)
{
    static glint_decoder host;
    (void)user;
    CHECK(count <= room);
    room -= count;
    while (count--) {
        if (glint_decode(&host, *bytes++)) {
            CHECK(host.kind >= 0x80 && host.length <= GLINT_PAYLOAD);
            callbacks_called++;
        }
    }
    CHECK(host.damaged == 0 && host.lost == 0 && host.late == 0);
}

static size_t on_room(void *user)
{
    (void)user;
    return room;
}

static void on_microphone(void *user, int on)
{
    (void)user;
    CHECK(on != microphone_on);
    microphone_on = on;
}

static void on_light(void *user, uint8_t light)
{
    (void)user;
    CHECK(light <= 3);
}

static void on_speaker(void *user, const int16_t *samples, size_t count)
{
    static volatile int32_t sum;
    (void)user;
    CHECK(count && count <= 64);
    queued += count;
    CHECK(queued <= abilities.speaker_buffer);
    while (count--)
        sum += *samples++ & 1;
}

static void on_speaker_stop(void *user)
{
    (void)user;
    queued = 0;
}

static void on_display(void *user, uint8_t format, uint16_t top, uint16_t rows, uint32_t total)
{
    (void)user;
    (void)top;
    (void)rows;
    CHECK(format == GLINT_RGB565);
    display_total = total;
    display_at = 0;
}

static void on_display_bytes(void *user, uint32_t offset, const uint8_t *bytes, size_t count)
{
    static volatile uint8_t last;
    (void)user;
    CHECK(offset == display_at && count && count <= display_total - offset);
    display_at += (uint32_t)count;
    last = bytes[count - 1];
    (void)last;
}

static void on_display_end(void *user)
{
    (void)user;
    CHECK(display_at == display_total);
}

static void on_display_clear(void *user)
{
    (void)user;
    display_total = display_at = 0;
}

static void on_photo(void *user, uint8_t quality, uint16_t side)
{
    (void)user;
    (void)quality;
    (void)side;
    photo_due = 1;
}

static void on_photo_read(void *user, uint32_t offset, uint8_t *to, size_t count)
{
    (void)user;
    CHECK(offset + count <= photo_size);
    memset(to, (int)(offset & 255u), count);
}

static const glint_callbacks callbacks = {
    on_write,   on_room,          on_microphone,  on_light,         on_speaker, on_speaker_stop,
    on_display, on_display_bytes, on_display_end, on_display_clear, on_photo,   on_photo_read,
};

static size_t message(uint8_t kind, uint8_t *payload)
{
    size_t length = below(3) ? 8 + below(40) : below(GLINT_PAYLOAD + 1), i;
    for (i = 0; i < length; i++)
        payload[i] = (uint8_t)random32();
    if (kind == GLINT_HELLO && length >= 12) {
        memcpy(payload, "GLNT", below(8) ? 4 : 2);
        payload[4] = below(8) ? GLINT_VERSION : payload[4];
        glint_put16(payload + 6, (uint16_t)(below(4) ? 1024 : random32()));
    } else if (kind == GLINT_CONTROL && length >= 8) {
        payload[2] = (uint8_t)below(4);
        if (below(16))
            glint_put32(payload + 4, peer.played + (below(4) ? 0 : below(8000)));
    } else if (kind == GLINT_SPEAKER && length >= 5) {
        payload[4] = (uint8_t)below(3);
        if (below(8))
            glint_put32(payload, peer.received + (below(4) ? 0 : below(4000)));
    } else if (kind == GLINT_DISPLAY && length >= 14) {
        payload[0] = (uint8_t)below(3);
        payload[1] = GLINT_RGB565;
        glint_put32(payload + 6, below(4) ? below(3000) : random32());
        glint_put32(payload + 10, below(3) ? peer.display_next : below(3000));
    } else if (kind == GLINT_PHOTO_TAKE || (kind == GLINT_PHOTO_READ && length >= 9)) {
        payload[0] = (uint8_t)below(3);
        if (kind == GLINT_PHOTO_READ && below(4)) {
            glint_put32(payload + 1, below(5000));
            glint_put32(payload + 5, below(5000));
        }
    }
    return length;
}

static void fuzz_peer(unsigned long count)
{
    static glint_encoder encoder;
    uint8_t payload[GLINT_PAYLOAD];
    int16_t samples[600] = {0};
    uint32_t now = 0xffff0000u; /* it wraps around on the way */
    unsigned long i;
    room = 4096;
    glint_encoder_init(&encoder, to_line, NULL);
    glint_peer_init(&peer, &abilities, &callbacks, NULL);
    for (i = 0; i < count; i++, inputs++) {
        uint8_t kind = (uint8_t)(below(40) ? 2 + below(6) : GLINT_HELLO);
        size_t length = message(kind, payload), some;
        on_line = 0;
        room = below(16) ? 4096 : below(1200);
        glint_frame_begin(&encoder, kind, (uint16_t)length);
        glint_frame_bytes(&encoder, payload, length);
        glint_frame_end(&encoder);
        if (below(8) == 0)
            damage(0);
        if (below(200) == 0) {
            now += 3000;
            glint_peer_poll(&peer, now);
            CHECK(!peer.session && !microphone_on && !peer.microphone && queued == 0);
        }
        glint_peer_receive(&peer, line, on_line, now += below(20));
        if (photo_due && below(4)) {
            photo_due = 0;
            photo_size = below(8) ? below(5000) : 0;
            peer.photo_is == 1 ? glint_peer_photo(&peer, photo_size) : (void)0;
        }
        CHECK(peer.received - peer.played == queued);
        some = below(2) ? below((uint32_t)queued + 1u) : 0;
        queued -= some;
        glint_peer_played(&peer, (uint32_t)some);
        glint_peer_heard(&peer, samples, 2 * below(300));
        if (below(50) == 0)
            glint_peer_pressed(&peer);
        if (below(50) == 0)
            glint_peer_condition(&peer, (uint8_t)random32(), (int16_t)random32());
        if (below(100) == 0)
            glint_peer_error(&peer, 1, "Something is wrong.");
        if (below(500) == 0) {
            glint_peer_cut(&peer);
            CHECK(!peer.session && !microphone_on && queued == 0);
        }
        glint_peer_poll(&peer, now);
        CHECK(peer.session || !microphone_on);
    }
    CHECK(callbacks_called > count / 20);
}

int main(int count, char **values)
{
    unsigned long wanted = count > 2 ? strtoul(values[2], NULL, 10) : 100000;
    state = 0x9e3779b97f4a7c15u ^ (count > 1 ? strtoul(values[1], NULL, 10) : 0);
    fuzz_decoder(wanted / 2);
    fuzz_peer(wanted - wanted / 2);
    printf("inputs %lu spoilt %lu accepted %lu answers %lu\n", inputs, spoilt, accepted, callbacks_called);
    return 0;
}
