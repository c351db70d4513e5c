"""Makes a drawn card look photographed: perspective, curl, blur, glare, dim light, noise, JPEG.

Knows pictures only: uint8 RGB [height, width, 3] in and out. Strengths are those of a hand-held camera at half a metre.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from PIL import Image

FRAME = (1280, 720)  # width, height of what `photograph` returns


def perspective(card: np.ndarray, rng: np.random.Generator, frame: tuple[int, int] = FRAME) -> np.ndarray:
    """The card seen askew: each corner moves by up to 7 % of its side, and it turns by up to 6 degrees."""
    return _place(card, rng, frame, tilt=0.07, turn=6.0)


def flat(card: np.ndarray, rng: np.random.Generator, frame: tuple[int, int] = FRAME) -> np.ndarray:
    """The card seen straight on."""
    return _place(card, rng, frame, tilt=0.0, turn=0.0)


def _place(card: np.ndarray, rng: np.random.Generator, frame: tuple[int, int], tilt: float, turn: float) -> np.ndarray:
    """The card on a dull background, scaled to fill about nine tenths of the frame but never enlarged."""
    height, width = card.shape[:2]
    scale = min(1.0, 0.9 * frame[0] / width, 0.9 * frame[1] / height)
    corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]], float) * scale / 2
    corners += rng.uniform(-tilt, tilt, (4, 2)) * (width * scale, height * scale) * (0.5, 0.5)
    angle = np.deg2rad(rng.uniform(-turn, turn))
    corners = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners *= min(1.0, *(0.98 * np.array(frame) / np.ptp(corners, axis=0)))
    room = (np.array(frame) - np.ptp(corners, axis=0)) / 2
    middle = np.array(frame) / 2 - (corners.min(0) + corners.max(0)) / 2 + rng.uniform(-0.5, 0.5, 2) * room
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, (corners + middle).astype(np.float32))
    smaller = cv2.GaussianBlur(card, (0, 0), 0.4 / scale) if scale < 0.7 else card  # against aliasing
    seen = cv2.warpPerspective(smaller, matrix, frame, flags=cv2.INTER_LINEAR)
    covered = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, frame, flags=cv2.INTER_LINEAR)[
        ..., None
    ]
    return np.rint(seen * covered + _background(rng, frame) * (1 - covered)).clip(0, 255).astype(np.uint8)


def _background(rng: np.random.Generator, frame: tuple[int, int]) -> np.ndarray:
    """A blurred surface of two dull colours."""
    one, other = rng.uniform(50, 190, (2, 3))
    share = cv2.resize(rng.random((5, 8)).astype(np.float32), frame, interpolation=cv2.INTER_CUBIC)[..., None]
    return one * share + other * (1 - share)


def curl(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As if wrapped around a bottle whose axis is vertical: narrower and lower towards the sides."""
    height, width = picture.shape[:2]
    bend = rng.uniform(0.5, 0.9)  # radians from the middle to the edge
    across = np.linspace(-1, 1, width)
    angle = np.arcsin(across * np.sin(bend)) / bend
    drop = rng.uniform(0.03, 0.06) * height * (np.cos(angle * bend) - 1) / (np.cos(bend) - 1)
    columns = ((angle + 1) / 2 * (width - 1)).astype(np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None] + drop.astype(np.float32)[None] - drop.max() / 2
    return cv2.remap(
        picture, np.tile(columns, (height, 1)), rows.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def blur(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus a little, and moved by 3 to 6 pixels during the exposure."""
    length, angle = rng.uniform(3, 6), rng.uniform(0, np.pi)
    steps = np.linspace(-length / 2, length / 2, 25)
    kernel = np.zeros((9, 9), np.float32)
    for x, y in np.rint(4 + np.outer(steps, [np.cos(angle), np.sin(angle)])).astype(int):
        kernel[y, x] += 1
    return cv2.GaussianBlur(cv2.filter2D(picture, -1, kernel / kernel.sum()), (0, 0), rng.uniform(0.5, 1.0))


def glare(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A lamp's soft reflection, anywhere: up to 85 % white in its middle."""
    height, width = picture.shape[:2]
    x, y = rng.uniform(0.15, 0.85, 2) * (width, height)
    across, down, angle = rng.uniform(0.06, 0.14) * width, rng.uniform(0.1, 0.3) * height, rng.uniform(0, np.pi)
    columns, rows = np.meshgrid(np.arange(width) - x, np.arange(height) - y)
    along = (columns * np.cos(angle) + rows * np.sin(angle)) / down
    beside = (rows * np.cos(angle) - columns * np.sin(angle)) / across
    share = rng.uniform(0.6, 0.85) * np.exp(-(along**2 + beside**2) / 2)[..., None]
    return np.rint(picture * (1 - share) + 255 * share).astype(np.uint8)


def dim(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uneven evening light, warmer than daylight, and the sensor's noise in it."""
    height, width = picture.shape[:2]
    low, high = rng.uniform(0.25, 0.4), rng.uniform(0.5, 0.8)
    light = np.linspace(low, high, width)[None, :, None] * np.linspace(1, rng.uniform(0.7, 1), height)[:, None, None]
    warm = np.array([1.0, rng.uniform(0.85, 0.95), rng.uniform(0.65, 0.85)])
    return noise(np.rint(picture * light * warm).clip(0, 255).astype(np.uint8), rng, 7.0)


def noise(picture: np.ndarray, rng: np.random.Generator, sigma: float = 4.0) -> np.ndarray:
    """Gaussian noise, sigma in grey levels."""
    return np.rint(picture + rng.normal(0, sigma, picture.shape)).clip(0, 255).astype(np.uint8)


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """As it comes back out of a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=quality)
    return np.asarray(Image.open(file))


Distortion = Callable[[np.ndarray, np.random.Generator], np.ndarray]

DISTORTIONS: dict[str, Sequence[Distortion]] = {  # what happens to the whole frame, in turn
    "flat": (),
    "perspective": (),
    "blur": (blur,),
    "glare": (glare,),
    "curl": (curl,),
    "dim": (dim,),
    "all": (curl, glare, blur),
}
"""The names under which figures are told apart."""


def photograph(
    card: np.ndarray, distortion: str, rng: np.random.Generator, frame: tuple[int, int] = FRAME
) -> np.ndarray:
    """A card as a camera would see it: uint8 RGB of the frame's size, with slight noise and JPEG in every case.

    distortion: a key of DISTORTIONS; all but "flat" are seen askew as well.
    """
    picture = (flat if distortion == "flat" else perspective)(card, rng, frame)
    for step in DISTORTIONS[distortion]:
        picture = step(picture, rng)
    return jpeg(noise(picture, rng, rng.uniform(1, 4)), int(rng.integers(70, 93)))
