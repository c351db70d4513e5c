/* DVI4 of RFC 3551, section 4.5.1 (IMA ADPCM): a block is 4 bytes of state, then two samples a byte, the first high. */
#ifndef GLINT_ADPCM_H
#define GLINT_ADPCM_H

#include <stdint.h>

typedef struct {
    int16_t predicted;
    uint8_t index;
} glint_adpcm;

#define GLINT_ADPCM_HEAD 4u

void glint_adpcm_head(const glint_adpcm *state, uint8_t head[GLINT_ADPCM_HEAD]);
void glint_adpcm_begin(glint_adpcm *state, const uint8_t head[GLINT_ADPCM_HEAD]);

/* One sample to 4 bits, and back. Both move the state alike. */
uint8_t glint_adpcm_encode(glint_adpcm *state, int16_t sample);
int16_t glint_adpcm_decode(glint_adpcm *state, uint8_t code);

#endif
