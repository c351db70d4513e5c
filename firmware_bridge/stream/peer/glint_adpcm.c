#include "glint_adpcm.h"

static const int16_t steps[89] = {
    7,     8,     9,     10,    11,    12,    13,    14,    16,    17,    19,    21,    23,    25,    28,
    31,    34,    37,    41,    45,    50,    55,    60,    66,    73,    80,    88,    97,    107,   118,
    130,   143,   157,   173,   190,   209,   230,   253,   279,   307,   337,   371,   408,   449,   494,
    544,   598,   658,   724,   796,   876,   963,   1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,
    2272,  2499,  2749,  3024,  3327,  3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,
    9493,  10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
};

void glint_adpcm_head(const glint_adpcm *state, uint8_t head[GLINT_ADPCM_HEAD])
{
    uint16_t predicted = (uint16_t)state->predicted;
    head[0] = (uint8_t)(predicted >> 8);
    head[1] = (uint8_t)(predicted & 0xffu);
    head[2] = state->index;
    head[3] = 0;
}

void glint_adpcm_begin(glint_adpcm *state, const uint8_t head[GLINT_ADPCM_HEAD])
{
    int32_t predicted = (int32_t)(head[0] << 8 | head[1]);
    state->predicted = (int16_t)(predicted > 32767 ? predicted - 65536 : predicted);
    state->index = head[2] > 88 ? 88 : head[2];
}

int16_t glint_adpcm_decode(glint_adpcm *state, uint8_t code)
{
    static const int8_t moves[8] = {-1, -1, -1, -1, 2, 4, 6, 8};
    int32_t step = steps[state->index], change = step >> 3, value;
    int index = state->index + moves[code & 7u];
    if (code & 4u)
        change += step;
    if (code & 2u)
        change += step >> 1;
    if (code & 1u)
        change += step >> 2;
    value = state->predicted + (code & 8u ? -change : change);
    state->predicted = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    state->index = (uint8_t)(index < 0 ? 0 : index > 88 ? 88 : index);
    return state->predicted;
}

uint8_t glint_adpcm_encode(glint_adpcm *state, int16_t sample)
{
    int32_t step = steps[state->index], off = sample - state->predicted;
    uint8_t code = 0, bit;
    if (off < 0) {
        code = 8;
        off = -off;
    }
    for (bit = 4; bit; bit >>= 1, step >>= 1) {
        if (off >= step) {
            code |= bit;
            off -= step;
        }
    }
    glint_adpcm_decode(state, code);
    return code;
}
