"""How sharp a picture is, without another one to compare it with, and whether it was out of focus or moved.

A blurred edge loses little when it is blurred again, a sharp one a lot (the idea of Crete et al., 2007). The loss does
not depend on contrast. It is measured by the direction that edges face: movement spares those along it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 640  # pixels; what is measured on, at most
_TILES = (4, 6)
_EDGES = 0.15  # of a tile's or a direction's pixels, the steepest ones
_FAINT = 6.0  # grey levels a pixel; what is flatter is noise


@dataclass(frozen=True)
class Sharpness:
    """best: the loss, 0 to about 0.6, of the picture's sharpest parts; low is blurred. by_direction: of the edges that
    face right, down right, down, down left. edges: the share of the picture with edges, 0..1.
    """

    best: float
    by_direction: tuple[float, float, float, float]
    edges: float


def working_copy(pixels: np.ndarray) -> np.ndarray:
    """uint8 RGB -> uint8 RGB with at most SIDE on the longer side."""
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return pixels
    return cv2.resize(
        pixels, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )


def edges(grey: np.ndarray) -> float:
    """`Sharpness.edges` alone, in a fraction of the time. grey: uint8 [height, width], a working copy."""
    return float((cv2.magnitude(*_slopes(_calm(grey))) > _FAINT).mean())


def measure(grey: np.ndarray) -> Sharpness:
    """grey: uint8 [height, width], a working copy."""
    calm = _calm(grey)
    across, down = _slopes(calm)
    steep, left = cv2.magnitude(across, down), cv2.magnitude(*_slopes(cv2.GaussianBlur(calm, (0, 0), 1.5)))
    strong = steep > _FAINT
    losses = [
        loss
        for rows in np.array_split(np.arange(grey.shape[0]), _TILES[0])
        for columns in np.array_split(np.arange(grey.shape[1]), _TILES[1])
        if len(rows) and len(columns)
        if (loss := _loss(steep, left, (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)))) is not None
    ]
    direction = np.int8(np.round(np.arctan2(down, across) / (np.pi / 4))) % 4
    by_direction = [_loss(steep, left, direction == k) or 0.0 for k in range(4)]
    best = float(np.sort(losses)[int(0.8 * (len(losses) - 1))]) if losses else 0.0
    return Sharpness(best, tuple(by_direction), float(strong.mean()))  # type: ignore[arg-type]


def _calm(grey: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.6)


def _slopes(level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """To the right and down, grey levels a pixel."""
    return cv2.Sobel(level, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(level, cv2.CV_32F, 0, 1, scale=0.125)


def _loss(steep: np.ndarray, left: np.ndarray, where) -> float | None:
    """Of the steepest edges there; None where there are too few."""
    before, after = steep[where].ravel(), left[where].ravel()
    if not len(before):
        return None
    limit = max(_FAINT, float(np.quantile(before[::4], 1 - _EDGES)))
    edges = before > limit
    if edges.sum() < 30:
        return None
    return float(1 - after[edges].sum() / before[edges].sum())
