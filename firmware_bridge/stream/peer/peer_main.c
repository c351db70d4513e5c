/* Glasses made of files, to be run on a computer: what firmware does around glint_peer.h, in small.
 *
 *     peer --tcp 7000 --microphone question.wav --photo photo.jpg --speaker said.wav --display shown.ppm
 *
 * Standard input takes one command a line; an empty one presses the button. */
#define _XOPEN_SOURCE 700

#include "glint_peer.h"
#include "peer_files.h"
#include "peer_line.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK 480 /* samples that a microphone gives at once: what fits into a frame */
#define MOST_DISPLAY 1000000u

static const char usage[] =
    "usage: peer (--tcp PORT [--listen ADDRESS] | --pty) [--microphone WAV] [--photo JPEG] [--speaker WAV]\n"
    "            [--rate HZ] [--display FILE] [--format rgb565|grey4|mono|lines] [--size WIDTHxHEIGHT]\n"
    "            [--formats 0|1|2|3] [--name TEXT] [--sizes]\n"
    "commands:   (empty) press the button    battery PERCENT [DEGREES]    photo JPEG    microphone WAV\n"
    "            error SENTENCE    cut    mute    unmute    reset    quit\n";

static glint_peer peer;
static glint_abilities abilities;
static volatile sig_atomic_t ended;

static int16_t *heard;
static size_t count_heard, at_heard;
static int microphone_on;
static uint64_t next_block_us;

static uint8_t *photo;
static size_t photo_size;

static FILE *speaker_file;
static int16_t ring[16000];
static size_t ring_first, ring_count;
static uint64_t played_at_us;

static const char *display_path;
static uint8_t *shown;
static size_t shown_size, shown_from, shown_bytes;
static uint8_t shown_format;

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void on_microphone(void *user, int on)
{
    (void)user;
    microphone_on = on;
    next_block_us = now_us();
    printf("microphone %s\n", on ? "on" : "off");
}

static void on_light(void *user, uint8_t light)
{
    static const char *const names[] = {"off", "green", "yellow", "blue"};
    (void)user;
    printf("light %s\n", names[light]);
}

static void on_speaker(void *user, const int16_t *samples, size_t count)
{
    (void)user;
    if (ring_count == 0)
        played_at_us = now_us();
    while (count-- && ring_count < sizeof ring / sizeof *ring)
        ring[(ring_first + ring_count++) % (sizeof ring / sizeof *ring)] = *samples++;
}

static void on_speaker_stop(void *user)
{
    (void)user;
    if (ring_count)
        printf("silenced\n");
    ring_count = 0;
}

static size_t stride(uint8_t format)
{
    unsigned width = abilities.width;
    return format == GLINT_RGB565 ? width * 2u : format == GLINT_GREY4 ? (width + 1u) / 2u : (width + 7u) / 8u;
}

static void on_display(void *user, uint8_t format, uint16_t top, uint16_t rows, uint32_t total)
{
    (void)user;
    (void)rows;
    shown_format = format;
    shown_from = format == GLINT_LINES ? 0 : top * stride(format);
    shown_bytes = total < shown_size ? total : shown_size;
}

static void on_display_bytes(void *user, uint32_t offset, const uint8_t *bytes, size_t count)
{
    size_t at = shown_from + offset;
    (void)user;
    if (at < shown_size && count <= shown_size - at)
        memcpy(shown + at, bytes, count);
}

static void on_display_end(void *user)
{
    (void)user;
    if (display_path)
        display_write(display_path, shown_format, abilities.width, abilities.height, shown, shown_bytes);
    printf("display %lu bytes\n", (unsigned long)shown_bytes);
}

static void on_display_clear(void *user)
{
    (void)user;
    if (shown_bytes == 0)
        return;
    shown_bytes = 0;
    memset(shown, 0, shown_size);
    if (display_path)
        display_write(display_path, shown_format, abilities.width, abilities.height, shown, 0);
    printf("display cleared\n");
}

static void on_photo(void *user, uint8_t quality, uint16_t side)
{
    (void)user;
    printf("photo quality %u side %u\n", quality, side);
    glint_peer_photo(&peer, (uint32_t)photo_size);
}

static void on_photo_read(void *user, uint32_t offset, uint8_t *to, size_t count)
{
    (void)user;
    memset(to, 0, count); /* a host may still ask for what has been replaced by a shorter one */
    if (offset < photo_size)
        memcpy(to, photo + offset, count < photo_size - offset ? count : photo_size - offset);
}

static const glint_callbacks callbacks = {
    line_write, line_room, on_microphone, on_light, on_speaker, on_speaker_stop,
    on_display, on_display_bytes, on_display_end, on_display_clear, on_photo, on_photo_read,
};

static void listen_a_while(uint64_t now)
{
    int16_t block[BLOCK];
    size_t i;
    while (microphone_on && now >= next_block_us) {
        for (i = 0; i < BLOCK; i++)
            block[i] = at_heard < count_heard ? heard[at_heard++] : 0;
        glint_peer_heard(&peer, block, BLOCK);
        next_block_us += BLOCK * UINT64_C(1000000) / abilities.microphone_rate;
    }
}

static void play_a_while(uint64_t now)
{
    size_t due = (size_t)((now - played_at_us) * abilities.speaker_rate / 1000000u), count;
    if (ring_count == 0 || due < abilities.speaker_rate / 100)
        return;
    played_at_us += due * UINT64_C(1000000) / abilities.speaker_rate;
    for (due = due < ring_count ? due : ring_count; due; due -= count) {
        size_t to_end = sizeof ring / sizeof *ring - ring_first;
        count = due < to_end ? due : to_end;
        if (speaker_file)
            wav_append(speaker_file, ring + ring_first, count);
        ring_first = (ring_first + count) % (sizeof ring / sizeof *ring);
        ring_count -= count;
        glint_peer_played(&peer, (uint32_t)count);
    }
}

static void obey(const char *line)
{
    unsigned percent;
    double degrees = 25;
    uint32_t rate;
    if (!*line) {
        glint_peer_pressed(&peer);
    } else if (sscanf(line, "battery %u %lf", &percent, &degrees) >= 1) {
        glint_peer_condition(&peer, (uint8_t)percent, (int16_t)(degrees * 10));
    } else if (!strncmp(line, "photo ", 6)) {
        free(photo);
        photo = file_read(line + 6, &photo_size);
    } else if (!strncmp(line, "microphone ", 11)) {
        free(heard);
        heard = wav_read(line + 11, &count_heard, &rate);
        at_heard = 0;
    } else if (!strncmp(line, "error ", 6)) {
        glint_peer_error(&peer, 1, line + 6);
    } else if (!strcmp(line, "cut")) {
        line_cut();
    } else if (!strcmp(line, "mute") || !strcmp(line, "unmute")) {
        line_mute(*line == 'm');
    } else if (!strcmp(line, "reset")) {
        ring_count = 0;
        microphone_on = 0;
        glint_peer_init(&peer, &abilities, &callbacks, NULL);
    } else if (!strcmp(line, "quit")) {
        ended = 1;
    } else {
        fputs(usage, stderr);
    }
}

static void end(int signal_number)
{
    (void)signal_number;
    ended = 1;
}

static void run(void)
{
    uint8_t bytes[1024];
    char line[1024];
    unsigned there = 0, was_there;
    int more = 1, burst;
    while (!ended) {
        uint64_t now;
        size_t got;
        was_there = there;
        there = line_wait(5);
        now = now_us();
        if (was_there && there != was_there)
            glint_peer_cut(&peer);
        if (there && there != was_there)
            glint_peer_init(&peer, &abilities, &callbacks, NULL);
        while ((got = line_receive(bytes, sizeof bytes)) > 0)
            glint_peer_receive(&peer, bytes, got, (uint32_t)(now / 1000u));
        now = now_us();
        listen_a_while(now); /* first what must not wait */
        play_a_while(now);
        for (burst = 0; burst < 4; burst++)
            glint_peer_poll(&peer, (uint32_t)(now / 1000u));
        while (more > 0 && (more = line_command(line, sizeof line)) > 0)
            obey(line);
        more = more < 0 ? -1 : 1;
        fflush(stdout);
    }
}

int main(int count, char **values)
{
    const char *tcp = NULL, *host = "127.0.0.1", *speaker = NULL;
    unsigned width = 256, height = 256;
    int pty = 0, i;
    abilities.parts = GLINT_HAS_BUTTON | GLINT_HAS_LIGHT;
    abilities.microphone_rate = abilities.speaker_rate = 16000;
    abilities.speaker_buffer = sizeof ring / sizeof *ring;
    abilities.microphone = abilities.speaker = 3;
    abilities.display = GLINT_RGB565;
    abilities.name = "reference peer";
    for (i = 1; i < count; i++) {
        const char *name = values[i];
        if (!strcmp(name, "--pty")) {
            pty = 1;
            continue;
        }
        if (!strcmp(name, "--sizes")) {
            printf("state %lu payload %u\n", (unsigned long)sizeof peer, GLINT_PAYLOAD);
            return 0;
        }
        if (++i == count) {
            fputs(usage, stderr);
            return 2;
        }
        if (!strcmp(name, "--tcp")) {
            tcp = values[i];
        } else if (!strcmp(name, "--listen")) {
            host = values[i];
        } else if (!strcmp(name, "--microphone")) {
            heard = wav_read(values[i], &count_heard, &abilities.microphone_rate);
        } else if (!strcmp(name, "--photo")) {
            photo = file_read(values[i], &photo_size);
            abilities.parts |= GLINT_HAS_CAMERA;
        } else if (!strcmp(name, "--speaker")) {
            speaker = values[i];
        } else if (!strcmp(name, "--rate")) {
            abilities.speaker_rate = (uint32_t)strtoul(values[i], NULL, 10);
        } else if (!strcmp(name, "--display")) {
            display_path = values[i];
        } else if (!strcmp(name, "--format")) {
            abilities.display = !strcmp(values[i], "lines")   ? GLINT_LINES
                                : !strcmp(values[i], "mono")  ? GLINT_MONO
                                : !strcmp(values[i], "grey4") ? GLINT_GREY4
                                                              : GLINT_RGB565;
        } else if (!strcmp(name, "--formats")) {
            abilities.microphone = abilities.speaker = (uint8_t)strtoul(values[i], NULL, 10);
        } else if (!strcmp(name, "--name")) {
            abilities.name = values[i];
        } else if (strcmp(name, "--size") || sscanf(values[i], "%ux%u", &width, &height) != 2) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if ((!tcp && !pty) || width > 1024 || height > 1024 || abilities.speaker_rate < 8000) {
        fputs(usage, stderr);
        return 2;
    }
    abilities.width = (uint16_t)width;
    abilities.height = (uint16_t)height;
    shown_size = abilities.display == GLINT_LINES ? MOST_DISPLAY : stride(abilities.display) * height;
    shown = calloc(1, shown_size);
    if (speaker)
        speaker_file = wav_create(speaker, abilities.speaker_rate);
    signal(SIGTERM, end);
    signal(SIGINT, end);
    signal(SIGPIPE, SIG_IGN);
    if (pty)
        line_pty();
    else
        line_listen(host, (unsigned)strtoul(tcp, NULL, 10));
    run();
    return 0;
}
