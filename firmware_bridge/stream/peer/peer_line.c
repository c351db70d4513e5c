#define _XOPEN_SOURCE 700

#include "peer_line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static int listening = -1, host = -1, slave = -1, pty, muted, readable, asked, input_over;
static unsigned connections;
static uint8_t waiting[4096]; /* small, as in a microcontroller: what is newer and matters more need not wait long */
static size_t count_waiting;
static char typed[1024];
static size_t count_typed;

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

void line_listen(const char *name, unsigned port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int yes = 1;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, name, &address.sin_addr) != 1) {
        fprintf(stderr, "%s is not an IPv4 address\n", name);
        exit(1);
    }
    listening = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (listening < 0 || bind(listening, (struct sockaddr *)&address, size) || listen(listening, 1))
        fail("cannot listen");
    getsockname(listening, (struct sockaddr *)&address, &size);
    printf("tcp://%s:%u\n", name, (unsigned)ntohs(address.sin_port));
    fflush(stdout);
}

void line_pty(void)
{
    struct termios raw;
    pty = 1;
    connections = 1;
    host = posix_openpt(O_RDWR | O_NOCTTY);
    if (host < 0 || grantpt(host) || unlockpt(host) || (slave = open(ptsname(host), O_RDWR | O_NOCTTY)) < 0)
        fail("no pseudo-terminal");
    /* Held open here: a real line does not go away either when the host lets go of it. */
    if (tcgetattr(slave, &raw) == 0) {
        raw.c_iflag = raw.c_oflag = raw.c_lflag = 0;
        raw.c_cflag |= CS8 | CREAD | CLOCAL;
        tcsetattr(slave, TCSANOW, &raw);
    }
    fcntl(host, F_SETFL, O_NONBLOCK);
    printf("serial://%s\n", ptsname(host));
    fflush(stdout);
}

unsigned line_wait(int milliseconds)
{
    struct pollfd watched[2];
    watched[0].fd = host >= 0 ? host : listening;
    watched[0].events = (short)(POLLIN | (host >= 0 && count_waiting ? POLLOUT : 0));
    watched[1].fd = input_over ? -1 : STDIN_FILENO;
    watched[1].events = POLLIN;
    watched[0].revents = watched[1].revents = 0;
    if (muted)
        watched[0].fd = -1;
    poll(watched, 2, milliseconds);
    asked = watched[1].revents != 0;
    readable = 0;
    if (host < 0 && watched[0].revents & POLLIN) {
        int yes = 1;
        host = accept(listening, NULL, NULL);
        if (host >= 0) {
            connections++;
            fcntl(host, F_SETFL, O_NONBLOCK);
            setsockopt(host, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        }
        count_waiting = 0;
    } else if (host >= 0) {
        readable = (watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
        if (count_waiting && !muted) {
            ssize_t gone = write(host, waiting, count_waiting);
            if (gone > 0) {
                count_waiting -= (size_t)gone;
                memmove(waiting, waiting + gone, count_waiting);
            } else if (gone < 0 && errno != EAGAIN && errno != EINTR && !pty) {
                line_cut();
            }
        }
    }
    return host >= 0 ? connections : 0;
}

size_t line_receive(uint8_t *bytes, size_t most)
{
    ssize_t got;
    if (!readable || host < 0 || muted)
        return 0;
    got = read(host, bytes, most);
    readable = got == (ssize_t)most;
    if (got > 0)
        return (size_t)got;
    if (!pty && (got == 0 || (errno != EAGAIN && errno != EINTR)))
        line_cut();
    return 0;
}

void line_write(void *user, const uint8_t *bytes, size_t count)
{
    (void)user;
    if (host < 0 || count > sizeof waiting - count_waiting)
        return;
    memcpy(waiting + count_waiting, bytes, count);
    count_waiting += count;
}

size_t line_room(void *user)
{
    (void)user;
    return host < 0 ? 0 : sizeof waiting - count_waiting;
}

void line_cut(void)
{
    if (!pty && host >= 0) {
        close(host);
        host = -1;
    }
    count_waiting = 0;
}

void line_mute(int on)
{
    muted = on;
}

int line_command(char *line, size_t most)
{
    char *end;
    if (asked) {
        ssize_t got = read(STDIN_FILENO, typed + count_typed, sizeof typed - 1 - count_typed);
        asked = 0;
        if (got <= 0) {
            input_over = 1;
            return -1;
        }
        count_typed += (size_t)got;
        typed[count_typed] = 0;
    }
    end = memchr(typed, '\n', count_typed);
    if (!end) {
        if (count_typed == sizeof typed - 1)
            count_typed = 0;
        return 0;
    }
    *end = 0;
    snprintf(line, most, "%s", typed);
    count_typed -= (size_t)(end + 1 - typed);
    memmove(typed, end + 1, count_typed);
    return 1;
}
