/* What the files of the state machine have of each other; firmware needs glint_peer.h alone. */
#ifndef GLINT_PEER_PARTS_H
#define GLINT_PEER_PARTS_H

#include "glint_peer.h"

#define GLINT_CHUNK 64u /* samples or bytes that are handled at once, on the stack */

enum { GLINT_NONE, GLINT_BUSY, GLINT_READY }; /* a photo or an update of the display */

int glint_room_for(glint_peer *peer, uint32_t payload);
void glint_send(glint_peer *peer, uint8_t kind, const uint8_t *bytes, uint16_t count);

void glint_take_speaker(glint_peer *peer, const uint8_t *bytes, uint16_t count);
void glint_take_display(glint_peer *peer, const uint8_t *bytes, uint16_t count);
void glint_take_photo_take(glint_peer *peer, const uint8_t *bytes, uint16_t count);
void glint_take_photo_read(glint_peer *peer, const uint8_t *bytes, uint16_t count);
void glint_send_photo_part(glint_peer *peer);

#endif
