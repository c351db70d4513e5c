/* The C core as functions over whole buffers, for ctypes. */
#include "glint_adpcm.h"
#include "glint_wire.h"

#include <string.h>

static glint_encoder encoder;
static glint_decoder decoder;
static uint8_t *out;
static size_t filled;

static void collect(void *user, const uint8_t *bytes, size_t count)
{
    (void)user;
    memcpy(out + filled, bytes, count);
    filled += count;
}

void begin(void)
{
    glint_encoder_init(&encoder, collect, NULL);
    glint_decoder_init(&decoder);
}

size_t encode(int kind, const uint8_t *payload, size_t length, uint8_t *to)
{
    size_t first = length / 3; /* in two pieces, as firmware would */
    out = to;
    filled = 0;
    glint_frame_begin(&encoder, (uint8_t)kind, (uint16_t)length);
    glint_frame_bytes(&encoder, payload, first);
    glint_frame_bytes(&encoder, payload + first, length - first);
    glint_frame_end(&encoder);
    return filled;
}

/* Frames as kind u8, length u16, payload, one behind the other. */
size_t decode(const uint8_t *bytes, size_t count, uint8_t *to, uint32_t counts[4])
{
    size_t at = 0;
    while (count--) {
        if (glint_decode(&decoder, *bytes++)) {
            to[at] = decoder.kind;
            glint_put16(to + at + 1, decoder.length);
            memcpy(to + at + 3, decoder.payload, decoder.length);
            at += 3u + decoder.length;
        }
    }
    counts[0] = decoder.good;
    counts[1] = decoder.damaged;
    counts[2] = decoder.lost;
    counts[3] = decoder.late;
    return at;
}

static glint_adpcm coded;

void adpcm_begin(void)
{
    memset(&coded, 0, sizeof coded);
}

void adpcm_block(const int16_t *samples, size_t count, uint8_t *to)
{
    size_t i;
    glint_adpcm_head(&coded, to);
    for (i = 0; i < count; i += 2) {
        uint8_t high = glint_adpcm_encode(&coded, samples[i]);
        to[4 + i / 2] = (uint8_t)(high << 4 | glint_adpcm_encode(&coded, samples[i + 1]));
    }
}

void adpcm_samples(const uint8_t *block, size_t count, int16_t *to)
{
    glint_adpcm state;
    size_t i;
    glint_adpcm_begin(&state, block);
    for (i = 0; i < count; i++)
        to[i] = glint_adpcm_decode(&state, (uint8_t)(i & 1 ? block[4 + i / 2] & 15 : block[4 + i / 2] >> 4));
}
