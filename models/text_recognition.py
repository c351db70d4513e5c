"""Reads one line of text at a time out of a picture, letter by letter, with the place and the chance of each.

Runs PP-OCR's recogniser, whose alphabet (18,708 characters, most of them Chinese) lies in its file. Does not know where
text is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.errors import GlintError
from models.onnx_session import open_session

HEIGHT = 48  # pixels, of every line, as the network has learnt it
SHORTEST = 48  # pixels
LONGEST = 2400  # pixels; a longer line is squeezed
BATCH_PIXELS = 1920  # of length; the network's output takes 9 KB a pixel
BLANK = 0
UPRIGHT = 1.5  # a crop that is so many times higher than wide holds a line that runs up or down


@dataclass(frozen=True)
class Reading:
    """text: what stands there. chances: 0..1, float32 [n], of each of its n characters. places: float32 [n], the middle
    of each, 0..1 of the line's length."""

    text: str
    chances: np.ndarray
    places: np.ndarray

    @property
    def confidence(self) -> float:
        """0..1, of the line as a whole; 0 where nothing was read."""
        return float(self.chances.mean()) if self.text.strip() else 0.0


class TextRecognizer:
    """file: the recogniser as ONNX. threads: of onnxruntime. Raises GlintError for a file without an alphabet."""

    def __init__(self, file: Path, threads: int = 2) -> None:
        self._session = open_session(file, threads)
        alphabet = self._session.get_modelmeta().custom_metadata_map.get("character", "").splitlines()
        if not alphabet:
            raise GlintError(f"{file} has no alphabet; install rapidocr again.")
        self._characters = ["", *alphabet, " "]

    def read(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """crops: uint8 RGB [height, width, 3], a line of text each, upright. Returns a reading of each."""
        lengths = [_length(crop) for crop in crops]
        readings: dict[int, Reading] = {}
        for batch in _batches(lengths):
            pixels = np.zeros((len(batch), 3, HEIGHT, max(SHORTEST, lengths[batch[-1]])), np.float32)
            for row, index in enumerate(batch):
                pixels[row, :, :, : lengths[index]] = _normalised(crops[index], lengths[index])
            chances = self._session.run(None, {"x": pixels})[0]
            for row, index in enumerate(batch):
                readings[index] = self._decode(chances[row], lengths[index] / pixels.shape[3])
        return [readings[index] for index in range(len(crops))]

    def _decode(self, chances: np.ndarray, share: float) -> Reading:
        """Best path of CTC. chances: [steps, characters]. share: of the steps that the line takes; padding follows."""
        best = chances.argmax(1)
        kept = np.flatnonzero((best != BLANK) & np.r_[True, best[1:] != best[:-1]])
        places = np.minimum((kept + 0.5) / len(best) / share, 1)
        text = "".join(self._characters[index] for index in best[kept])
        return Reading(text, chances[kept, best[kept]], places.astype(np.float32))


def _length(crop: np.ndarray) -> int:
    return min(LONGEST, max(8, math.ceil(HEIGHT * crop.shape[1] / crop.shape[0])))


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices in batches of lines of about the same length, the shortest first."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * max(SHORTEST, lengths[index]) > BATCH_PIXELS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _normalised(crop: np.ndarray, length: int) -> np.ndarray:
    """float32 [3, HEIGHT, length] in -1..1, BGR, which the network was trained on."""
    shrinks = crop.shape[0] > 2 * HEIGHT
    scaled = cv2.resize(crop, (length, HEIGHT), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return scaled[..., ::-1].transpose(2, 0, 1).astype(np.float32) / 127.5 - 1


def straighten(picture: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """What stands inside a quad, uint8 RGB, its first side on top."""
    width, height = (
        max(1, round(max(np.linalg.norm(quad[i] - quad[j]), np.linalg.norm(quad[k] - quad[m]))))
        for i, j, k, m in ((0, 1, 3, 2), (0, 3, 1, 2))
    )
    goal = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    # A transform of the part around the quad only: OpenCV takes no picture with a side above 32,767 pixels.
    low = np.maximum(np.floor(quad.min(0)).astype(int) - 2, 0)
    high = np.ceil(quad.max(0)).astype(int) + 3
    part = picture[low[1] : high[1], low[0] : high[0]]
    matrix = cv2.getPerspectiveTransform((quad - low).astype(np.float32), goal)
    return cv2.warpPerspective(part, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
