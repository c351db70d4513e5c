"""The camera at the other end: one photo at a time, fetched in parts, each asked for again until it is there."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterable

import cv2
import numpy as np

from device.glasses import Frame, Unplugged
from firmware_bridge.stream.link import Link
from firmware_bridge.stream.messages import CAMERA, Abilities, Message, PhotoPart, PhotoRead, PhotoReady, PhotoTake

SIDE, QUALITY = 640, 80  # of what is asked for
SLOW_SIDE, SLOW_QUALITY = 400, 60
LARGEST = 4_000_000  # bytes of a JPEG
EVERY_S = 0.2  # between two photos: more would cost the glasses power and tell nothing
STALE_S = 10.0  # an older photo is of the last time somebody looked
_AT_ONCE = 16_384  # bytes asked for with one message
_TAKE_AGAIN_S, _TAKING_S = 1.0, 5.0
_READ_AGAIN_S = 0.3  # without a part
_STUCK_S = 5.0


class Eye:
    """Implements device.glasses.Camera and link.Part. A photo is taken when `latest` is called, so none is asleep.

    photos, broken: how many have come whole, and how many were no JPEG in spite of that or never came to an end.
    """

    def __init__(self, slow: bool) -> None:
        self.photos = self.broken = self.again = 0
        self.jpeg = b""  # the newest
        self.link: Link
        self._side, self._quality = (SLOW_SIDE, SLOW_QUALITY) if slow else (SIDE, QUALITY)
        self._lock = threading.Lock()
        self._number = 0
        self.begin(Abilities(session=0))

    def begin(self, abilities: Abilities) -> None:
        """As the protocol of a part says."""
        with self._lock:
            self._abilities = abilities
            self._looked = False  # somebody waits for a photo
            self._asked_at: float | None = None  # when the photo was begun that is on its way
            self._begun_at = self._sent_at = self._came_at = 0.0
            self._ready: PhotoReady | None = None
            self._ready_at = 0.0
            self._photo = bytearray()
            self._missing: list[tuple[int, int]] = []  # ranges of bytes, in order
            self._until = 0  # of the range that was asked for
            self._coming: tuple[bytes, float] | None = None  # not decoded yet
            self._frame: Frame | None = None
            self._trouble = ""

    def latest(self) -> Frame | None:
        """As the protocol says. The JPEG is decoded here, once, so that the link's thread is not kept from sound."""
        self.link.check()
        if self._abilities.session and not self._abilities.parts & CAMERA:
            raise Unplugged("These glasses have no camera; wear others or choose another camera.")
        with self._lock:
            self._looked = True
            coming, self._coming = self._coming, None
        if coming is not None:
            frame = _decoded(*coming)
            with self._lock:
                if frame is None:
                    self.broken += 1
                else:
                    self.jpeg, self._frame = coming[0], frame
                    self.photos += 1
        with self._lock:
            if self._trouble:
                raise Unplugged(self._trouble)
            if self._frame is not None and time.monotonic() - self._frame.at > STALE_S:
                self._frame = None
            return self._frame

    def take(self, message: Message) -> None:
        """As the protocol of a part says."""
        with self._lock:
            if self._asked_at is None or getattr(message, "number", None) != self._number:
                return
            if isinstance(message, PhotoReady) and self._ready is None:
                self._begin_photo(message)
            elif isinstance(message, PhotoPart) and self._ready is not None:
                self._add(message)

    def due(self, now: float) -> Iterable[Message]:
        """As the protocol of a part says."""
        with self._lock:
            if not self._abilities.session or not self._abilities.parts & CAMERA:
                return
            if self._asked_at is None:
                if self._looked and now - self._begun_at >= (_TAKE_AGAIN_S if self._trouble else EVERY_S):
                    self._looked, self._ready = False, None
                    self._asked_at = self._begun_at = now
                    self._number = (self._number + 1) & 0xFF
                    yield self._take_message(now)
            elif self._ready is None:
                if now - self._asked_at > _TAKING_S:
                    self._give_up("The camera of the glasses takes no picture; restart the glasses.")
                elif now - self._sent_at > _TAKE_AGAIN_S:
                    yield self._take_message(now)
            elif now - self._came_at > _STUCK_S:
                self._give_up("The picture of the glasses does not come through; come nearer.")
            elif self._missing and (self._until == 0 or now - max(self._sent_at, self._came_at) > _READ_AGAIN_S):
                self.again += self._until != 0
                start, end = self._missing[0]
                self._until, self._sent_at = min(end, start + _AT_ONCE), now
                yield PhotoRead(number=self._number, offset=start, count=self._until - start)

    def _take_message(self, now: float) -> PhotoTake:
        self._sent_at = now
        return PhotoTake(number=self._number, quality=self._quality, side=self._side)

    def _begin_photo(self, ready: PhotoReady) -> None:
        if not 0 < ready.size <= LARGEST:
            self._give_up("The camera of the glasses takes no picture; restart the glasses.")
            return
        self._ready, self._ready_at = ready, time.monotonic()
        self._came_at = self._ready_at
        self._photo = bytearray(ready.size)
        self._missing, self._until = [(0, ready.size)], 0

    def _add(self, part: PhotoPart) -> None:
        start, end = part.offset, part.offset + len(part.data)
        if end > len(self._photo) or start == end:
            return
        self._photo[start:end] = part.data
        self._came_at = time.monotonic()
        self._missing = [
            piece
            for first, last in self._missing
            for piece in ((first, min(last, start)), (max(first, end), last))
            if piece[0] < piece[1]
        ]
        if end >= self._until:
            self._until = 0  # what the range still lacks has been lost, and is asked for next
        if not self._missing:
            self._end_photo()

    def _end_photo(self) -> None:
        assert self._ready is not None
        self._asked_at = None
        if zlib.crc32(self._photo) == self._ready.crc:
            self._coming, self._trouble = (bytes(self._photo), self._ready_at), ""
        else:
            self.broken += 1

    def _give_up(self, trouble: str) -> None:
        self.broken += 1
        self._asked_at, self._trouble = None, trouble


def _decoded(jpeg: bytes, at: float) -> Frame | None:
    try:
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        pixels = None
    return None if pixels is None else Frame(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), at)
