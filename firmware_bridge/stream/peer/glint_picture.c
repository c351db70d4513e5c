#include "glint_peer_parts.h"

#define PART_HEAD 5u

void glint_take_display(glint_peer *peer, const uint8_t *bytes, uint16_t count)
{
    uint8_t answer[5];
    uint32_t offset, part;
    if (count < 14 || bytes[1] != peer->abilities->display || bytes[1] == GLINT_NO_DISPLAY)
        return;
    offset = glint_get32(bytes + 10);
    part = count - 14u;
    if (peer->display_is == GLINT_NONE || bytes[0] != peer->display_number) {
        peer->display_number = bytes[0];
        peer->display_next = 0;
        peer->display_is = offset == 0 ? GLINT_BUSY : GLINT_NONE;
        if (peer->display_is == GLINT_BUSY) {
            peer->display_total = glint_get32(bytes + 6);
            peer->callbacks->display(
                peer->user, bytes[1], glint_get16(bytes + 2), glint_get16(bytes + 4), peer->display_total);
        }
    }
    if (peer->display_is == GLINT_BUSY && offset == peer->display_next && part <= peer->display_total - offset) {
        if (part)
            peer->callbacks->display_bytes(peer->user, offset, bytes + 14, part);
        peer->display_next += part;
        if (peer->display_next == peer->display_total) {
            peer->display_is = GLINT_READY;
            peer->callbacks->display_end(peer->user);
        }
    }
    answer[0] = bytes[0];
    glint_put32(answer + 1, peer->display_next);
    if (glint_room_for(peer, sizeof answer))
        glint_send(peer, GLINT_DISPLAY_TAKEN, answer, sizeof answer);
}

static void photo_ready(glint_peer *peer)
{
    uint8_t bytes[9];
    if (!glint_room_for(peer, sizeof bytes))
        return; /* the host asks again */
    bytes[0] = peer->photo_number;
    glint_put32(bytes + 1, peer->photo_size);
    glint_put32(bytes + 5, peer->photo_crc);
    glint_send(peer, GLINT_PHOTO_READY, bytes, sizeof bytes);
}

void glint_take_photo_take(glint_peer *peer, const uint8_t *bytes, uint16_t count)
{
    if (count < 4)
        return;
    if (peer->photo_is != GLINT_NONE && bytes[0] == peer->photo_number) {
        if (peer->photo_is == GLINT_READY)
            photo_ready(peer);
        return;
    }
    peer->photo_number = bytes[0];
    peer->photo_size = peer->part_at = peer->part_end = 0;
    peer->photo_is = GLINT_BUSY;
    if (peer->abilities->parts & GLINT_HAS_CAMERA)
        peer->callbacks->photo(peer->user, bytes[1], glint_get16(bytes + 2));
    else
        glint_peer_photo(peer, 0);
}

void glint_take_photo_read(glint_peer *peer, const uint8_t *bytes, uint16_t count)
{
    uint32_t offset, wanted;
    if (count < 9 || peer->photo_is != GLINT_READY || bytes[0] != peer->photo_number)
        return;
    offset = glint_get32(bytes + 1);
    wanted = glint_get32(bytes + 5);
    if (offset >= peer->photo_size)
        return;
    if (wanted > peer->photo_size - offset)
        wanted = peer->photo_size - offset;
    peer->part_at = offset;
    peer->part_end = offset + wanted;
}

void glint_send_photo_part(glint_peer *peer)
{
    uint8_t bytes[GLINT_CHUNK];
    uint32_t count = peer->part_end - peer->part_at, most = peer->host_payload - PART_HEAD, piece;
    if (count > most)
        count = most;
    if (!glint_room_for(peer, PART_HEAD + count))
        return;
    bytes[0] = peer->photo_number;
    glint_put32(bytes + 1, peer->part_at);
    glint_frame_begin(&peer->encoder, GLINT_PHOTO_PART, (uint16_t)(PART_HEAD + count));
    glint_frame_bytes(&peer->encoder, bytes, PART_HEAD);
    for (; count; count -= piece, peer->part_at += piece) {
        piece = count < GLINT_CHUNK ? count : GLINT_CHUNK;
        peer->callbacks->photo_read(peer->user, peer->part_at, bytes, piece);
        glint_frame_bytes(&peer->encoder, bytes, piece);
    }
    glint_frame_end(&peer->encoder);
}

void glint_peer_photo(glint_peer *peer, uint32_t size)
{
    uint8_t bytes[GLINT_CHUNK];
    uint32_t at, piece;
    if (peer->photo_is != GLINT_BUSY)
        return;
    peer->photo_is = GLINT_READY;
    peer->photo_size = size;
    peer->photo_crc = 0;
    for (at = 0; at < size; at += piece) {
        piece = size - at < GLINT_CHUNK ? size - at : GLINT_CHUNK;
        peer->callbacks->photo_read(peer->user, at, bytes, piece);
        peer->photo_crc = glint_crc32(peer->photo_crc, bytes, piece);
    }
    photo_ready(peer);
}
