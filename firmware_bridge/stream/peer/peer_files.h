/* The files that play the sensors of the reference peer and take what it is told. */
#ifndef PEER_FILES_H
#define PEER_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A whole file, to be freed; exits with one sentence where it cannot be read. */
uint8_t *file_read(const char *path, size_t *size);

/* Samples of a 16-bit mono WAV and its rate; exits with one sentence where it is none. */
int16_t *wav_read(const char *path, size_t *count, uint32_t *rate);

/* A 16-bit mono WAV that is whole after every call. */
FILE *wav_create(const char *path, uint32_t rate);
void wav_append(FILE *file, const int16_t *samples, size_t count);

/* Rows in one of the display's formats, as a PPM picture, or lines as text; in place of the file at once. */
void display_write(const char *path, uint8_t format, unsigned width, unsigned height, const uint8_t *rows, size_t size);

#endif
