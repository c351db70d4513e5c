"""`frame.camera`, which the vendor's emulator lacks: takes photos of what it is given, as lua_camera.c does."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from sim.radio.ears_and_mouth import option

_QUALITY = {"VERY_HIGH": 95, "HIGH": 85, "MEDIUM": 65, "LOW": 40, "VERY_LOW": 40}
_SIZE = (640, 480)
_EXPOSURE_S = 0.25  # three frames are thrown away, the fourth is compressed


class Camera:
    """picture: uint8 RGB [height, width, 3]. The next photos are spoilt by what is put into `spoil`."""

    def __init__(self, now: Callable[[], float], picture: np.ndarray) -> None:
        self._now = now
        self.picture = picture
        self.taken: list[bytes] = []  # every JPEG, as it was meant to be
        self.spoil: list[Callable[[bytes], bytes | None]] = []  # None: the capture fails
        self._coded: dict[tuple[int, int], bytes] = {}
        self._asleep, self._failed = True, False
        self._jpeg, self._at = b"", 0
        self._ready_at = float("inf")

    def power_save(self, enable: Any) -> None:
        if not isinstance(enable, bool):
            raise ValueError("value must be true or false")
        self._asleep = enable

    def capture(self, options: Any = None) -> None:
        self._awake()
        if int(option(options, "resolution", 640)) != 640:
            raise ValueError("camera resolution not supported")
        quality = str(option(options, "quality", "VERY_HIGH"))
        if quality not in _QUALITY:
            raise ValueError("quality must be either VERY_HIGH, HIGH, MEDIUM, LOW or VERY_LOW")
        jpeg = self._coded_as(_QUALITY[quality])
        self.taken.append(jpeg)
        spoilt = self.spoil.pop(0)(jpeg) if self.spoil else jpeg
        self._failed = spoilt is None
        self._jpeg, self._at, self._ready_at = spoilt or b"", 0, self._now() + _EXPOSURE_S

    def image_ready(self) -> bool:
        self._awake()
        ready = self._now() >= self._ready_at
        if ready and self._failed:
            self._failed, self._ready_at = False, float("inf")
            raise RuntimeError("Capture error occurred")
        return ready

    def read(self, count: Any) -> str | None:
        if int(count) <= 0:
            raise ValueError("bytes must be greater than 0")
        if self._now() < self._ready_at or self._at >= len(self._jpeg):
            return None
        piece = self._jpeg[self._at : self._at + int(count)]
        self._at += len(piece)
        return piece.decode("latin-1")

    def reset(self) -> None:
        """As when the Lua machine starts or is interrupted."""
        self._asleep, self._failed, self._jpeg, self._ready_at = True, False, b"", float("inf")

    def _awake(self) -> None:
        if self._asleep:
            raise RuntimeError("camera is asleep")

    def _coded_as(self, quality: int) -> bytes:
        key = (id(self.picture), quality)
        if key not in self._coded:
            made = io.BytesIO()
            Image.fromarray(self.picture).resize(_SIZE).save(made, "JPEG", quality=quality)
            self._coded[key] = made.getvalue()
        return self._coded[key]
