/* Frames of Glint's wire format (docs/wire.md) for a microcontroller: no allocation, no floating point, no system. */
#ifndef GLINT_WIRE_H
#define GLINT_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that a frame may carry; less saves as much memory. At least 64, at most 1024. */
#ifndef GLINT_PAYLOAD
#define GLINT_PAYLOAD 1024u
#endif

#define GLINT_HEAD 5u
#define GLINT_OVERHEAD (GLINT_HEAD + 4u)

/* Bytes on the line of a frame with this payload, its 0 and the one that a hello has in front. */
#define GLINT_STUFFED(payload) ((payload) + GLINT_OVERHEAD + ((payload) + GLINT_OVERHEAD) / 254u + 3u)

enum {
    GLINT_HELLO = 0x01,
    GLINT_CONTROL = 0x02,
    GLINT_SPEAKER = 0x03,
    GLINT_DISPLAY = 0x04,
    GLINT_PHOTO_TAKE = 0x05,
    GLINT_PHOTO_READ = 0x06,
    GLINT_ABILITIES = 0x81,
    GLINT_STATUS = 0x82,
    GLINT_MICROPHONE = 0x83,
    GLINT_DISPLAY_TAKEN = 0x84,
    GLINT_PHOTO_READY = 0x85,
    GLINT_PHOTO_PART = 0x86,
    GLINT_ERROR = 0x87
};

/* CRC-32 of IEEE 802.3, as zlib's: begin with 0, go on with what came out. */
uint32_t glint_crc32(uint32_t crc, const uint8_t *bytes, size_t count);

void glint_put16(uint8_t *to, uint16_t value);
void glint_put32(uint8_t *to, uint32_t value);
uint16_t glint_get16(const uint8_t *from);
uint32_t glint_get32(const uint8_t *from);

/* Writes frames piece by piece, so that none has to lie in memory. `write` takes all it is given. */
typedef struct {
    void (*write)(void *user, const uint8_t *bytes, size_t count);
    void *user;
    uint32_t crc;
    uint16_t sequence;
    uint8_t used;       /* bytes in block behind its code */
    uint8_t block[255]; /* a code and what it covers */
} glint_encoder;

void glint_encoder_init(glint_encoder *encoder, void (*write)(void *, const uint8_t *, size_t), void *user);

/* A frame is begun, given exactly `length` bytes of payload in any pieces, and ended. */
void glint_frame_begin(glint_encoder *encoder, uint8_t kind, uint16_t length);
void glint_frame_bytes(glint_encoder *encoder, const uint8_t *bytes, size_t count);
void glint_frame_end(glint_encoder *encoder);

/* Finds frames in what comes. After glint_decode has said 1, kind, length and payload are one, until the next call. */
typedef struct {
    uint32_t good, damaged, lost, late; /* frames: whole and in order, damaged, missing in the sequence, too old */
    uint16_t length;
    uint8_t kind;
    const uint8_t *payload;
    /* private */
    uint16_t expected, filled;
    uint8_t left;    /* bytes until the next code */
    uint8_t zero;    /* a 0 belongs before it */
    uint8_t spoilt;  /* this frame is too long */
    uint8_t begun;   /* something has come since the last 0 */
    uint8_t buffer[GLINT_PAYLOAD + GLINT_OVERHEAD];
} glint_decoder;

void glint_decoder_init(glint_decoder *decoder);
int glint_decode(glint_decoder *decoder, uint8_t byte);

#endif
