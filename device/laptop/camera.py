"""A camera of the system's, as the assistant sees through it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from device.glasses import Frame, Unplugged
from device.keeper import CLOSING_S, Keeper

_NAMES = Path("/sys/class/video4linux")  # where Linux says what its cameras are called


class Camera:
    """Implements device.glasses.Camera. `device` is a number, as OpenCV counts, a path as /dev/video2, or, on Linux, a
    name or a part of one. Frames are as large as the camera makes them unasked.

    A camera that brings no frame for 2 s counts as unplugged.
    """

    def __init__(self, device: int | str = 0) -> None:
        self._device = device
        self._keeper = Keeper("camera", opens=self._open, step=self._grab, release=self._release)
        self._capture: Any = None
        self._newest: Frame | None = None

    def latest(self) -> Frame | None:
        """As the protocol says; the first call starts to open the camera. Raises GlintError after `close`."""
        self._keeper.start()
        self._keeper.check()
        return self._newest

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Releases the camera. May be called twice."""
        self._keeper.close(timeout_s)

    def _open(self) -> None:
        import cv2

        source = _found(self._device)
        with _quiet():
            self._capture = cv2.VideoCapture(source)
        if not self._capture.isOpened():
            hint = "plug it in, close what else uses it, or choose another"
            if sys.platform == "darwin":
                hint += "; for the permission to use it run: glint doctor"  # macOS grants it to a main thread only
            raise Unplugged(f"The camera {self._device} cannot be opened; {hint}.")

    def _grab(self) -> None:
        import cv2

        good, pixels = self._capture.read()
        if not good:
            raise Unplugged(f"The camera {self._device} brings no more pictures; plug it in again or choose another.")
        self._newest = Frame(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), time.monotonic())

    def _release(self) -> None:
        self._newest = None
        if self._capture is not None:
            self._capture.release()


def _found(device: int | str) -> int | str:
    """What to hand to OpenCV. Raises Unplugged where Linux says that there is no such camera."""
    if not sys.platform.startswith("linux"):
        return device
    path = Path(f"/dev/video{device}") if isinstance(device, int) else Path(device)
    if path.exists():
        return device
    names = {int(entry.name[len("video") :]): _name(entry) for entry in _NAMES.glob("video*")}
    if isinstance(device, str):
        # A camera may have several numbers, the first of which is the one that brings pictures.
        for number in sorted(names):
            if device.casefold() in names[number].casefold():
                return number
    known = ", ".join(f"{number} ({names[number]})" for number in sorted(names))
    raise Unplugged(f"There is no camera {device}; plug it in" + (f" or choose one of {known}." if known else "."))


def _name(entry: Path) -> str:
    try:
        return (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "unknown"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what OpenCV has to say, once a second while a camera is away, out of the terminal."""
    from cv2.utils import logging

    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)
