#include "peer_files.h"

#include "glint_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *path, const char *why)
{
    fprintf(stderr, "%s %s\n", path, why);
    exit(1);
}

uint8_t *file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t held = 0, got = 1;
    *size = 0;
    if (!file)
        fail(path, strerror(errno));
    while (got) {
        if (*size == held && !(bytes = realloc(bytes, held = held * 2 + 65536)))
            fail(path, "does not fit into memory.");
        *size += got = fread(bytes + *size, 1, held - *size, file);
    }
    fclose(file);
    return bytes;
}

int16_t *wav_read(const char *path, size_t *count, uint32_t *rate)
{
    size_t size, at = 12, i;
    uint8_t *bytes = file_read(path, &size);
    int known = 0;
    if (size < 12 || memcmp(bytes, "RIFF", 4) || memcmp(bytes + 8, "WAVE", 4))
        fail(path, "is not a WAV file.");
    while (at + 8 <= size) {
        size_t length = glint_get32(bytes + at + 4);
        const uint8_t *body = bytes + at + 8;
        if (length > size - at - 8)
            length = size - at - 8;
        if (!memcmp(bytes + at, "fmt ", 4) && length >= 16) {
            known = glint_get16(body) == 1 && glint_get16(body + 2) == 1 && glint_get16(body + 14) == 16;
            *rate = glint_get32(body + 4);
        } else if (!memcmp(bytes + at, "data", 4)) {
            int16_t *samples = malloc(length + 2);
            if (!known || !samples)
                fail(path, "must be 16-bit PCM with one channel.");
            *count = length / 2;
            for (i = 0; i < *count; i++)
                samples[i] = (int16_t)glint_get16(body + 2 * i);
            free(bytes);
            return samples;
        }
        at += 8 + length + (length & 1);
    }
    fail(path, "has no sound in it.");
    return NULL;
}

static void wav_head(FILE *file, uint32_t rate, uint32_t bytes)
{
    uint8_t head[44] = "RIFF....WAVEfmt ";
    glint_put32(head + 4, 36 + bytes);
    glint_put32(head + 16, 16);
    glint_put16(head + 20, 1);
    glint_put16(head + 22, 1);
    glint_put32(head + 24, rate);
    glint_put32(head + 28, rate * 2);
    glint_put16(head + 32, 2);
    glint_put16(head + 34, 16);
    memcpy(head + 36, "data", 4);
    glint_put32(head + 40, bytes);
    fseek(file, 0, SEEK_SET);
    fwrite(head, 1, sizeof head, file);
    fseek(file, 0, SEEK_END);
    fflush(file);
}

FILE *wav_create(const char *path, uint32_t rate)
{
    FILE *file = fopen(path, "wb+");
    if (!file)
        fail(path, strerror(errno));
    wav_head(file, rate, 0);
    return file;
}

void wav_append(FILE *file, const int16_t *samples, size_t count)
{
    uint8_t bytes[2];
    uint8_t rate[4];
    size_t i;
    fseek(file, 24, SEEK_SET);
    if (fread(rate, 1, 4, file) != 4)
        return;
    fseek(file, 0, SEEK_END);
    for (i = 0; i < count; i++) {
        glint_put16(bytes, (uint16_t)samples[i]);
        fwrite(bytes, 1, 2, file);
    }
    wav_head(file, glint_get32(rate), (uint32_t)(ftell(file) - 44));
}

void display_write(const char *path, uint8_t format, unsigned width, unsigned height, const uint8_t *rows, size_t size)
{
    char beside[1024];
    FILE *file;
    unsigned x, y;
    snprintf(beside, sizeof beside, "%s.new", path);
    if (!(file = fopen(beside, "wb")))
        fail(beside, strerror(errno));
    if (format == GLINT_LINES) {
        fwrite(rows, 1, size, file);
    } else {
        size_t stride = format == GLINT_RGB565 ? width * 2 : format == GLINT_GREY4 ? (width + 1) / 2 : (width + 7) / 8;
        fprintf(file, "P6\n%u %u\n255\n", width, height);
        for (y = 0; y < height; y++) {
            for (x = 0; x < width; x++) {
                const uint8_t *row = rows + y * stride;
                if (format == GLINT_RGB565) {
                    unsigned value = glint_get16(row + 2 * x);
                    fputc((int)((value >> 11) * 255 / 31), file);
                    fputc((int)((value >> 5 & 63) * 255 / 63), file);
                    fputc((int)((value & 31) * 255 / 31), file);
                } else {
                    int grey = format == GLINT_GREY4 ? (row[x / 2] >> (x & 1 ? 0 : 4) & 15) * 17
                                                     : (row[x / 8] >> (7 - x % 8) & 1) * 255;
                    fputc(grey, file);
                    fputc(grey, file);
                    fputc(grey, file);
                }
            }
        }
    }
    fclose(file);
    rename(beside, path);
}
