"""The colours of a part of a picture, as paint: shadows, highlights and the colour of the light are taken out.

A surface is a set of pixels of one chromaticity, however they are shaded. Knows no questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from device.evidence import Box
from device.experts.colour.light import Light, estimate_light
from models.colour_names import NAMES, describe, name_chances
from models.colour_space import from_oklab, to_linear, to_oklab, to_srgb

CENTRE: Box = (0.36, 0.33, 0.64, 0.67)
_SAMPLES = 72  # pixels a side of what is looked at
_LEAST = 0.12  # of the region: what is smaller is not a colour of it
_AROUND = 0.3  # of the picture: so much around a thing shows the light
_SAME = 0.055  # chroma distance up to which two clusters are one surface in light and shade


@dataclass(frozen=True)
class Surface:
    """oklab: its colour by day [3]. share: of the region, 0..1. chances: by basic name, best first, adding up to 1."""

    oklab: np.ndarray
    share: float
    chances: dict[str, float]

    @property
    def name(self) -> str:
        """As it is called: "light blue"."""
        return describe(self.basic, self.oklab)

    @property
    def basic(self) -> str:
        return next(iter(self.chances))

    @property
    def confidence(self) -> float:
        return self.chances[self.basic]

    @property
    def rivals(self) -> tuple[str, ...]:
        """The names that are about as likely as the best one, that one first."""
        return tuple(name for name, chance in self.chances.items() if chance > 0.6 * self.confidence)

    @property
    def rgb(self) -> tuple[int, int, int]:
        """sRGB as it looks by day."""
        red, green, blue = to_srgb(from_oklab(self.oklab))
        return int(red), int(green), int(blue)


def shrink(pixels: np.ndarray, side: int = _SAMPLES) -> np.ndarray:
    """uint8 RGB -> linear light [h, w, 3], at most `side` a side."""
    height, width = pixels.shape[:2]
    size = (max(1, min(side, width)), max(1, min(side, height)))
    return to_linear(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def crop(pixels: np.ndarray, box: Box) -> np.ndarray:
    """The part of the picture in the box; at least one pixel."""
    height, width = pixels.shape[:2]
    left = int(np.clip(box[0] * width, 0, width - 1))
    top = int(np.clip(box[1] * height, 0, height - 1))
    return pixels[top : max(top + 1, round(box[3] * height)), left : max(left + 1, round(box[2] * width))]


def light_of(pixels: np.ndarray, box: Box = CENTRE) -> Light:
    """The light in a picture, uint8 RGB [height, width, 3]; the thing in the box does not vote, as long as it is not
    nearly all there is: a beige cup is no evidence of a yellow lamp.
    """
    linear = shrink(pixels)
    rows, columns = np.mgrid[0 : 1 : linear.shape[0] * 1j, 0 : 1 : linear.shape[1] * 1j]
    outside = (columns < box[0]) | (columns > box[2]) | (rows < box[1]) | (rows > box[3])
    return estimate_light(linear[outside] if outside.mean() > _AROUND else linear.reshape(-1, 3))


def surfaces(pixels: np.ndarray, box: Box = CENTRE, light: Light | None = None) -> tuple[Surface, ...]:
    """The surfaces in a box of a picture, the largest first; pixels near the box's middle count more."""
    linear = shrink(crop(pixels, box))
    rows, columns = np.mgrid[-1 : 1 : linear.shape[0] * 1j, -1 : 1 : linear.shape[1] * 1j]
    weights = np.exp(-0.5 * (rows**2 + columns**2) / 0.8**2).ravel()
    linear = linear.reshape(-1, 3)
    blown = linear.max(1) > 0.97
    if 0 < blown.sum() < 0.6 * len(blown):  # a highlight, not the paint
        linear, weights = linear[~blown], weights[~blown]
    light = light or light_of(pixels, box)
    lab = to_oklab(linear * light.gains)
    found = []
    for members in _group(lab, weights):
        share = float(weights[members].sum() / weights.sum())
        if share >= _LEAST:
            found.append(_surface(lab[members], share))
    return tuple(sorted(found, key=lambda surface: -surface.share))


def _surface(lab: np.ndarray, share: float) -> Surface:
    """From the pixels of one surface: its well lit half without the brightest tenth stands for it."""
    order = np.sort(lab[:, 0])
    low, high = order[int(0.45 * (len(order) - 1))], order[int(0.92 * (len(order) - 1))]
    lit = lab[(lab[:, 0] >= low) & (lab[:, 0] <= high)]
    chances = name_chances(lit[:: max(1, len(lit) // 200)]).mean(0)
    order = np.argsort(-chances)
    return Surface(
        np.median(lit, 0), share, {NAMES[i]: round(float(chances[i]), 3) for i in order if chances[i] > 0.005}
    )


def _group(lab: np.ndarray, weights: np.ndarray, clusters: int = 5) -> list[np.ndarray]:
    """Index arrays of the surfaces: clusters in which lightness counts a third, those of one chroma joined."""
    if len(lab) < clusters:
        return [np.arange(len(lab))]
    points = (lab * [0.35, 1, 1]).astype(np.float32)
    cv2.setRNGSeed(1)  # the same answer every time
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 15, 0.002)
    _, labels, centres = cv2.kmeans(points, clusters, None, stop, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    labels = labels.ravel()
    sizes = np.bincount(labels, weights, clusters)
    owner = np.arange(clusters)
    for one in np.argsort(-sizes):
        for other in range(clusters):
            if owner[other] == other != one and owner[one] == one and _one_paint(centres[one], centres[other]):
                owner[other] = one
    return [np.flatnonzero(owner[labels] == one) for one in range(clusters) if owner[one] == one and sizes[one] > 0]


def _one_paint(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two cluster centres can be one paint in different light: chroma in proportion to lightness."""
    bright, dark = (one, other) if one[0] >= other[0] else (other, one)
    if dark[0] < 0.4 * bright[0]:
        return False
    return float(np.hypot(*(bright[1:] * dark[0] / max(bright[0], 1e-3) - dark[1:]))) < _SAME * (bright[0] / 0.35)
