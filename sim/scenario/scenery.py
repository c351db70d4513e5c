"""What the camera sees over time: pictures, folders of them, videos, a drawn word, the dark.

Its clock is the sound's, so that what is seen at which word does not depend on the speed a scenario is played at.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from device.files import VIDEOS, Folder, Pictures, Video
from device.glasses import Frame
from sim.scenario.script import Scenario, See

RATE = 15.0  # frames a second
_SIZE = 240, 320  # height, width of what is drawn and of the dark
_ARRIVES = 0.4  # of a picture that is cut short


class Scenery:
    """Shows nothing until `see`."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._see = See(show="nothing")
        self._pictures: Pictures | None = None
        self._since_s = 0.0
        self._random = np.random.default_rng(4)
        self._frame: Frame | None = None
        self._number = -1  # of the frame that was shown last

    def see(self, see: See, now_s: float) -> None:
        """From now on this. Raises GlintError for a picture that cannot be read."""
        self.close()
        self._see, self._since_s = see, now_s
        self._frame, self._number = None, -1
        if see.picture is not None:
            self._pictures = _open(self._scenario.beside(see.picture), see.rate)
        elif see.text is not None:
            self._pictures = _Drawn(see.text)
        elif see.show == "dark":
            self._pictures = _Drawn("")

    def frame(self, now_s: float, cut: bool = False) -> Frame | None:
        """The newest, taken at a moment of the sound's clock; None where nothing is shown. cut: it comes incomplete."""
        if self._pictures is None:
            return None
        number = int((now_s - self._since_s) * RATE)
        if self._frame is None or number != self._number:
            self._number = number
            pixels = self._pictures.picture(int((now_s - self._since_s) * self._pictures.rate))
            pixels = self._as_seen(pixels)
            self._frame = Frame(_cut_short(pixels) if cut else pixels, now_s)
        return self._frame

    def _as_seen(self, pixels: np.ndarray) -> np.ndarray:
        see = self._see
        if see.show == "dark":
            return np.zeros_like(pixels)
        if see.blur:
            pixels = cv2.GaussianBlur(pixels, (0, 0), see.blur * min(pixels.shape[:2]) / 192)
        if see.dark or see.noise:
            light = pixels.astype(np.float32) * (1 - see.dark)
            light += self._random.normal(0, 1, pixels.shape).astype(np.float32) * see.noise
            pixels = np.clip(light, 0, 255).astype(np.uint8)
        return pixels

    def close(self) -> None:
        """May be called twice."""
        if self._pictures is not None:
            self._pictures.close()
            self._pictures = None


class _Drawn:
    """A word in black on white, as on a sign; nothing at all without one. Implements device.files.Pictures."""

    rate = RATE

    def __init__(self, text: str) -> None:
        height, width = _SIZE
        image = Image.new("RGB", (width, height), "white")
        if text:
            draw = ImageDraw.Draw(image)
            size = 90
            while size > 12 and draw.textlength(text, ImageFont.load_default(size)) > 0.9 * width:
                size -= 4
            draw.text((width / 2, height / 2), text, "black", ImageFont.load_default(size), "mm")
        self._pixels = np.asarray(image)

    def picture(self, number: int) -> np.ndarray:
        return self._pixels

    def close(self) -> None:
        pass


def _open(path: Path, rate: float) -> Pictures:
    return Video(path) if path.suffix.lower() in VIDEOS and path.is_file() else Folder(path, rate)


def _cut_short(pixels: np.ndarray) -> np.ndarray:
    """As a decoder shows a JPEG whose end was lost on the way: what is missing is grey."""
    cut = pixels.copy()
    cut[int(_ARRIVES * len(cut)) :] = 128
    return cut
