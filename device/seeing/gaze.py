"""Which of the last frames to look at: sharp, well exposed and still, and recent enough to be what is asked about.

Knows no camera and no model.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from device.glasses import Frame

_SIDE = 160  # pixels; what the scores are computed on
_DARK = 12.0  # mean grey level below which a camera sees nothing


@dataclass(frozen=True)
class Score:
    """sharpness: standard deviation of the Laplacian; exposure: 0 (black or burnt out) to 1; motion: mean change of
    grey level since the frame before; small: uint8 [side, side], the frame in grey.
    """

    sharpness: float
    exposure: float
    motion: float
    small: np.ndarray

    @property
    def total(self) -> float:
        return self.exposure * self.sharpness / (1 + self.motion / 8)

    @property
    def black(self) -> bool:
        return float(self.small.mean()) < _DARK

    def difference(self, other: Score) -> float:
        """Mean change of grey level, 0 to 255, from another frame."""
        return float(cv2.absdiff(self.small, other.small).mean())


class Gaze:
    """Remembers of the last `seconds` the frames that none after them was better than, `apart` seconds apart."""

    def __init__(self, seconds: float = 1.5, apart: float = 0.5):
        self._seconds, self._apart = seconds, apart
        self._kept: deque[tuple[Frame, Score]] = deque()  # the best first, the newest last
        self._before: np.ndarray | None = None

    def see(self, frame: Frame) -> Score | None:
        """Takes a frame in and scores it; None when it is the one seen last."""
        if self._kept and frame.at <= self._kept[-1][0].at:
            return None
        grey = cv2.cvtColor(cv2.resize(frame.pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        clipped = float(((grey < 8) | (grey > 247)).mean())
        motion = 0.0 if self._before is None else float(cv2.absdiff(grey, self._before).mean())
        self._before = grey
        score = Score(float(cv2.Laplacian(grey, cv2.CV_64F).std()), 1 - clipped, motion, grey)
        while self._kept and self._kept[-1][1].total <= score.total:  # will never be the best again
            self._kept.pop()
        if len(self._kept) > 1 and frame.at - self._kept[-2][0].at < self._apart:  # frames are large
            self._kept.pop()
        self._kept.append((frame, score))
        while frame.at - self._kept[0][0].at > self._seconds:
            self._kept.popleft()
        return score

    def forget(self) -> None:
        """Of a camera that was gone, nothing seen before counts."""
        self._kept.clear()
        self._before = None

    def best(self) -> tuple[Frame, Score] | None:
        """The best frame among those no older than `seconds` before the newest; None before the first."""
        return self._kept[0] if self._kept else None
