/* Where the host of the reference peer is: at the other end of a TCP connection or of a pseudo-terminal. */
#ifndef PEER_LINE_H
#define PEER_LINE_H

#include <stddef.h>
#include <stdint.h>

/* Both print the address to give to Glint; port 0 lets the system choose. Exit with one sentence where it fails. */
void line_listen(const char *host, unsigned port);
void line_pty(void);

/* Waits at most `milliseconds` for bytes, room to write or a line on standard input. Which connection there is, counted
 * from 1; 0 for none. */
unsigned line_wait(int milliseconds);
size_t line_receive(uint8_t *bytes, size_t most);
void line_write(void *user, const uint8_t *bytes, size_t count);
size_t line_room(void *user);

void line_cut(void);        /* closes the connection; the next one is welcome */
void line_mute(int on);     /* neither takes nor gives anything */
int line_command(char *line, size_t most); /* of standard input, without its end; 0: none, -1: there are no more */

#endif
