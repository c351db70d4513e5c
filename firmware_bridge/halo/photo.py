"""A photo, put together from its numbered parts and judged. Pure.

A picture that lacks something is never shown as if it were whole: parts must all be there, their bytes be as many as
the glasses say, and the JPEG must begin, end and decode. It is decoded once, here. Pillow forgives pixels that lack
between a beginning and an end that are there: only the count of bytes tells those.
"""

from __future__ import annotations

import io

import numpy as np

from firmware_bridge.halo.messages import PhotoEnd, PhotoPart

LEAST_SIDE = 64  # pixels


class BrokenPhoto(Exception):
    """Says what is wrong with it."""


class LatePhoto(BrokenPhoto):
    """Nothing came of it in time: whoever takes it does not answer."""


class Photo:
    """One photo on its way."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._parts: dict[int, bytes] = {}
        self._end: PhotoEnd | None = None

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return sum(map(len, self._parts.values()))

    def take(self, message: PhotoPart | PhotoEnd) -> bool:
        """Takes in a message of this photo, in any order, twice or not; whether all is there."""
        if message.photo == self.number:
            if isinstance(message, PhotoEnd):
                self._end = message
            else:
                self._parts.setdefault(message.index, message.data)
        return self.whole

    @property
    def whole(self) -> bool:
        return self._end is not None and len(self._parts) >= self._end.parts

    @property
    def ended(self) -> bool:
        return self._end is not None

    def jpeg(self) -> bytes:
        """Raises BrokenPhoto where parts or bytes are missing, or too many."""
        if self._end is None:
            raise BrokenPhoto("its end is missing")
        if missing := [index for index in range(self._end.parts) if index not in self._parts]:
            raise BrokenPhoto(f"{len(missing)} of its {self._end.parts} parts are missing")
        jpeg = b"".join(self._parts[index] for index in range(self._end.parts))
        if len(jpeg) != self._end.size:
            raise BrokenPhoto(f"it has {len(jpeg)} bytes and should have {self._end.size}")
        return jpeg


def decoded(jpeg: bytes, turns: int = 0) -> np.ndarray:
    """uint8 RGB [height, width, 3]. turns: quarter turns against the clock that bring it upright.

    Raises BrokenPhoto.
    """
    from PIL import Image

    if not jpeg.startswith(b"\xff\xd8"):
        raise BrokenPhoto("it does not begin as a JPEG does")
    if not jpeg.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise BrokenPhoto("it does not end as a JPEG does")
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            pixels = np.asarray(image.convert("RGB"))
    except Exception as error:  # Pillow's decoders raise many kinds, SyntaxError among them
        raise BrokenPhoto(f"it cannot be decoded ({error})") from error
    if min(pixels.shape[:2]) < LEAST_SIDE:
        raise BrokenPhoto(f"it is only {pixels.shape[1]} x {pixels.shape[0]} pixels large")
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
