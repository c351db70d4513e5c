"""The straightened picture as bars and lines are looked for in it: its colours, smoothed, and where they change."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

NOISY = 0.4  # CIE76 a pixel; from there on the picture is smoothed more

Rectangle = tuple[float, float, float, float]
"""left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class Surface:
    """colours: float32 [height, width, 3], CIE L*a*b*. steps: float32 [height, width], how much they change in a pixel.

    noise: what `steps` is where nothing changes.
    """

    colours: np.ndarray
    steps: np.ndarray
    noise: float

    @classmethod
    def of(cls, pixels: np.ndarray) -> Surface:
        """pixels: uint8 RGB. Dark pictures are brightened first, so that differences mean the same in all."""
        lit = brightened(pixels)
        found = cls._of(lit)
        return cls._of(cv2.bilateralFilter(lit, 9, 45, 4)) if found.noise > NOISY else found

    @classmethod
    def _of(cls, lit: np.ndarray) -> Surface:
        colours = cv2.cvtColor(lit.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        colours = cv2.GaussianBlur(colours, (0, 0), 1.2)
        across, down = cv2.Sobel(colours, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(colours, cv2.CV_32F, 0, 1) / 8
        steps = np.sqrt((across**2 + down**2).sum(axis=2))
        return cls(colours, steps, float(np.median(steps)))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.colours.shape[1], self.colours.shape[0]

    def turned(self) -> Surface:
        """Turned left, as Item.turned."""
        return Surface(
            np.ascontiguousarray(np.rot90(self.colours)), np.ascontiguousarray(np.rot90(self.steps)), self.noise
        )

    def colour(self, left: float, top: float, right: float, bottom: float) -> np.ndarray | None:
        """The median colour of a rectangle, None where it lies outside the picture."""
        rows = slice(max(0, round(top)), max(0, round(max(bottom, top + 1))))
        part = self.colours[rows, max(0, round(left)) : max(0, round(max(right, left + 1)))]
        return np.median(part.reshape(-1, 3), axis=0) if part.size else None


def brightened(pixels: np.ndarray) -> np.ndarray:
    """uint8 RGB with its brightest parts near white, but no more than four times brighter."""
    bright = np.percentile(pixels.max(axis=2)[::4, ::4], 97)
    return np.clip(pixels * (245 / max(bright, 60.0)), 0, 255).astype(np.uint8)


def difference(one: np.ndarray | None, other: np.ndarray | None) -> float:
    """Between two colours, in units of CIE76; 0 where one is missing."""
    return 0.0 if one is None or other is None else float(np.linalg.norm(one - other))
