#include "glint_wire.h"

#include <string.h>

uint32_t glint_crc32(uint32_t crc, const uint8_t *bytes, size_t count)
{
    /* Half a byte at a time: a sixteenth of the usual table's memory. */
    static const uint32_t table[16] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
        0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
    };
    crc = ~crc;
    while (count--) {
        crc ^= *bytes++;
        crc = (crc >> 4) ^ table[crc & 15u];
        crc = (crc >> 4) ^ table[crc & 15u];
    }
    return ~crc;
}

void glint_put16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value & 0xffu);
    to[1] = (uint8_t)(value >> 8);
}

void glint_put32(uint8_t *to, uint32_t value)
{
    glint_put16(to, (uint16_t)(value & 0xffffu));
    glint_put16(to + 2, (uint16_t)(value >> 16));
}

uint16_t glint_get16(const uint8_t *from)
{
    return (uint16_t)(from[0] | (uint16_t)(from[1] << 8));
}

uint32_t glint_get32(const uint8_t *from)
{
    return glint_get16(from) | ((uint32_t)glint_get16(from + 2) << 16);
}

static int is_hello(uint8_t kind)
{
    return kind == GLINT_HELLO || kind == GLINT_ABILITIES;
}

void glint_encoder_init(glint_encoder *encoder, void (*write)(void *, const uint8_t *, size_t), void *user)
{
    memset(encoder, 0, sizeof *encoder);
    encoder->write = write;
    encoder->user = user;
}

static void flush(glint_encoder *encoder)
{
    encoder->block[0] = (uint8_t)(encoder->used + 1u);
    encoder->write(encoder->user, encoder->block, encoder->used + 1u);
    encoder->used = 0;
}

static void stuff(glint_encoder *encoder, const uint8_t *bytes, size_t count)
{
    while (count--) {
        uint8_t byte = *bytes++;
        if (encoder->used == 254)
            flush(encoder);
        if (byte == 0)
            flush(encoder);
        else
            encoder->block[++encoder->used] = byte;
    }
}

void glint_frame_begin(glint_encoder *encoder, uint8_t kind, uint16_t length)
{
    uint8_t head[GLINT_HEAD];
    if (is_hello(kind)) {
        static const uint8_t zero = 0;
        encoder->sequence = 0;
        encoder->write(encoder->user, &zero, 1); /* ends what a line in which something was cut short still has */
    }
    head[0] = kind;
    glint_put16(head + 1, encoder->sequence++);
    glint_put16(head + 3, length);
    encoder->crc = 0;
    encoder->used = 0;
    glint_frame_bytes(encoder, head, sizeof head);
}

void glint_frame_bytes(glint_encoder *encoder, const uint8_t *bytes, size_t count)
{
    encoder->crc = glint_crc32(encoder->crc, bytes, count);
    stuff(encoder, bytes, count);
}

void glint_frame_end(glint_encoder *encoder)
{
    static const uint8_t zero = 0;
    uint8_t crc[4];
    glint_put32(crc, encoder->crc);
    stuff(encoder, crc, sizeof crc);
    flush(encoder);
    encoder->write(encoder->user, &zero, 1);
}

void glint_decoder_init(glint_decoder *decoder)
{
    memset(decoder, 0, sizeof *decoder);
}

static void keep(glint_decoder *decoder, uint8_t byte)
{
    if (decoder->filled < sizeof decoder->buffer)
        decoder->buffer[decoder->filled++] = byte;
    else
        decoder->spoilt = 1;
}

/* The frame in the buffer is whole, and newer than the one before. */
static int taken(glint_decoder *decoder, int whole)
{
    const uint8_t *buffer = decoder->buffer;
    uint16_t filled = decoder->filled, sequence, ahead;
    if (!whole || filled < GLINT_OVERHEAD || glint_get16(buffer + 3) != filled - GLINT_OVERHEAD ||
        glint_crc32(0, buffer, filled - 4u) != glint_get32(buffer + filled - 4)) {
        decoder->damaged++;
        return 0;
    }
    sequence = glint_get16(buffer + 1);
    ahead = (uint16_t)(sequence - decoder->expected);
    if (!is_hello(buffer[0])) {
        if (ahead >= 0x8000u) {
            decoder->late++;
            return 0;
        }
        decoder->lost += ahead;
    }
    decoder->expected = (uint16_t)(sequence + 1u);
    decoder->good++;
    decoder->kind = buffer[0];
    decoder->length = (uint16_t)(filled - GLINT_OVERHEAD);
    decoder->payload = buffer + GLINT_HEAD;
    return 1;
}

int glint_decode(glint_decoder *decoder, uint8_t byte)
{
    int complete = 0;
    if (byte == 0) {
        if (decoder->begun)
            complete = taken(decoder, decoder->left == 0 && !decoder->spoilt);
        decoder->filled = 0;
        decoder->left = decoder->zero = decoder->spoilt = decoder->begun = 0;
    } else if (decoder->left) {
        decoder->left--;
        keep(decoder, byte);
    } else {
        if (decoder->zero)
            keep(decoder, 0);
        decoder->begun = 1;
        decoder->left = (uint8_t)(byte - 1u);
        decoder->zero = byte != 255;
    }
    return complete;
}
