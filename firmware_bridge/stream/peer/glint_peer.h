/* What a pair of glasses does on the other end of Glint's stream (docs/wire.md).
 *
 * The firmware gives bytes and samples to the functions below, all from one thread, and is told what to do by
 * callbacks. */
#ifndef GLINT_PEER_H
#define GLINT_PEER_H

#include "glint_adpcm.h"
#include "glint_wire.h"

#define GLINT_VERSION 1u
#define GLINT_SILENT_MS 2000u /* without a frame from the host: the link is down */

enum { GLINT_OFF = 0, GLINT_PCM = 1, GLINT_ADPCM = 2 };
enum { GLINT_HAS_CAMERA = 1, GLINT_HAS_BUTTON = 2, GLINT_HAS_LIGHT = 4 };
enum { GLINT_NO_DISPLAY = 0, GLINT_LINES = 1, GLINT_MONO = 2, GLINT_GREY4 = 3, GLINT_RGB565 = 4 };

/* What this pair has. Rates in Hz, buffer in samples; formats: bit 0 for PCM, bit 1 for ADPCM. */
typedef struct {
    uint8_t parts, microphone, speaker, display;
    uint32_t microphone_rate, speaker_rate, speaker_buffer;
    uint16_t width, height;
    const char *name; /* UTF-8, at most 64 bytes */
} glint_abilities;

/* All must be there, if only to do nothing. They are called from within glint_peer_receive, glint_peer_poll and the
 * functions that report something. */
typedef struct {
    void (*write)(void *user, const uint8_t *bytes, size_t count); /* takes all; at most what `room` has said */
    size_t (*room)(void *user);                                    /* bytes that can be written without waiting */
    void (*microphone)(void *user, int on);
    void (*light)(void *user, uint8_t light);                               /* 0 off, 1 green, 2 yellow, 3 blue */
    void (*speaker)(void *user, const int16_t *samples, size_t count);      /* at most 64, behind what is queued */
    void (*speaker_stop)(void *user);                                       /* forget what is queued, be silent */
    void (*display)(void *user, uint8_t format, uint16_t top, uint16_t rows, uint32_t total); /* an update begins */
    void (*display_bytes)(void *user, uint32_t offset, const uint8_t *bytes, size_t count);   /* in order */
    void (*display_end)(void *user);
    void (*display_clear)(void *user); /* nothing is to be seen */
    void (*photo)(void *user, uint8_t quality, uint16_t side); /* take one, then call glint_peer_photo */
    void (*photo_read)(void *user, uint32_t offset, uint8_t *to, size_t count);
} glint_callbacks;

typedef struct {
    const glint_abilities *abilities;
    const glint_callbacks *callbacks;
    void *user;
    glint_decoder decoder;
    glint_encoder encoder;
    uint32_t heard_ms;     /* when the host last sent something whole */
    uint32_t session;      /* 0 while there is none */
    uint16_t host_payload; /* bytes that the host takes in a frame */
    uint16_t token;
    uint8_t microphone, light, presses, battery, status_due, photo_number, photo_is, display_number, display_is;
    int16_t temperature;
    uint32_t received, played; /* samples of the speaker */
    uint32_t position;         /* samples of the microphone */
    uint32_t microphone_lost;  /* samples for which there was no room */
    uint32_t photo_size, photo_crc, part_at, part_end;
    uint32_t display_next, display_total;
    uint32_t reported; /* of `played` */
    glint_adpcm coded;
} glint_peer;

/* Both tables must stay where they are. Announces itself, so that a host that knew an earlier start begins anew. */
void glint_peer_init(glint_peer *peer, const glint_abilities *abilities, const glint_callbacks *callbacks, void *user);

/* What has come from the host, and often (each 10 ms or so) that time passes. now_ms may wrap around. */
void glint_peer_receive(glint_peer *peer, const uint8_t *bytes, size_t count, uint32_t now_ms);
void glint_peer_poll(glint_peer *peer, uint32_t now_ms);

/* The line is known to be cut: everything goes off at once, not only after GLINT_SILENT_MS. */
void glint_peer_cut(glint_peer *peer);

void glint_peer_heard(glint_peer *peer, const int16_t *samples, size_t count); /* an even count; any, when it is off */
void glint_peer_played(glint_peer *peer, uint32_t samples); /* of what `speaker` was given, as they are heard */
void glint_peer_pressed(glint_peer *peer);
void glint_peer_condition(glint_peer *peer, uint8_t percent, int16_t tenths); /* 255, -32768: unknown */
void glint_peer_photo(glint_peer *peer, uint32_t size); /* a JPEG lies ready until the next; 0: there is none */
void glint_peer_error(glint_peer *peer, uint8_t code, const char *sentence);

#endif
