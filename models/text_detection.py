"""Finds where text stands in a picture: quads, each around one line or one word of it.

Runs PP-OCR's detector and turns its map of "this pixel is text" into quads, as in Liao et al. 2020, "Real-time scene
text detection with differentiable binarization". Does not know what the text says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from models.onnx_session import open_session
from models.remade import DETECTOR_INPUT as INPUT

LONG_SIDE = 1280  # pixels of a window's longer side at most, as the network sees it
MULTIPLE = 32  # pixels; the network halves five times
LONGEST = 4  # times as long as wide; a longer picture is looked at window by window, or its text would be too small
SMALLEST = 320  # pixels of the longer side; a smaller picture is enlarged, at most threefold
MARGIN = 16  # pixels around the picture, so that text that touches its edge is seen as text

PIXEL_THRESHOLD = 0.3
QUAD_THRESHOLD = 0.5  # mean of the map inside a quad
UNCLIP_RATIO = 1.6  # the network marks the core of the text; how far a quad grows beyond it, times area / circumference
THINNEST = 3  # pixels of the map
MOST = 400  # quads of a window; a page has fewer lines

# Small print alone on a large page leaves specks in the map. Around those the network looks again, close up.
SPECK_PEAK = 0.6
REACH = 40  # pixels of the map around a speck
MOST_SPECKS = 24
MOST_CLOSE_UPS = 4

_Box = tuple[int, int, int, int]


class TextDetector:
    """file: what models.thrifty_detector made. threads: of onnxruntime. sparing: a little slower, in less memory.

    Raises onnxruntime's own errors for a damaged file.
    """

    def __init__(self, file: Path, threads: int = 2, sparing: bool = False) -> None:
        self._session = open_session(file, threads, sparing)

    def find(self, picture: np.ndarray) -> list[np.ndarray]:
        """picture: uint8 RGB [height, width, 3]. Returns quads, float32 [4, 2], x and y in pixels of the picture.

        Their corners go clockwise, beginning at the one that is top left in the picture.
        """
        quads: list[np.ndarray] = []
        for left, top, window in _windows(picture):
            found, specks = self._find_in(window)
            for x, y, right, bottom in _joined(specks)[:MOST_CLOSE_UPS]:
                close_up, _ = self._find_in(window[y:bottom, x:right])
                found += _new([quad + np.array([x, y], np.float32) for quad in close_up], found)
            quads += _new([quad + np.array([left, top], np.float32) for quad in found], quads)
        return quads

    def _find_in(self, window: np.ndarray) -> tuple[list[np.ndarray], list[_Box]]:
        """Quads, and boxes around specks, in pixels of the window."""
        height, width = window.shape[:2]
        longer = max(height, width)
        scale = min(LONG_SIDE / longer, max(1.0, min(3.0, SMALLEST / longer)))
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        shrunk = cv2.resize(window, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        # Where the picture fits the network's multiple already there is no margin: it would cost a row of cells.
        margin = [MARGIN if longer * scale < LONG_SIDE / 2 or side < 2 * MULTIPLE else 0 for side in inner]
        outer = [-(-(side + 2 * m) // MULTIPLE) * MULTIPLE for side, m in zip(inner, margin, strict=True)]
        framed = cv2.copyMakeBorder(
            shrunk,
            margin[1],
            outer[1] - inner[1] - margin[1],
            margin[0],
            outer[0] - inner[0] - margin[0],
            cv2.BORDER_REPLICATE,
        )
        del shrunk
        chance = self._session.run(None, {INPUT: framed[None]})[0][0, 0]
        to_window = np.array([width / inner[0], height / inner[1]], np.float32)
        limit = np.array([width - 1, height - 1], np.float32)
        quads, specks = _quads(chance)
        quads = [np.clip((quad - np.array(margin, np.float32)) * to_window, 0, limit) for quad in quads]
        boxes = []
        for x, y, wide, high in specks:
            corners = np.array([[x - REACH, y - REACH], [x + wide + REACH, y + high + REACH]]) - margin
            (left, top), (right, bottom) = (
                np.clip(np.round(corners * to_window), 0, [width, height]).astype(int).tolist()
            )
            boxes.append((left, top, right, bottom))
        return [quad for quad in quads if min(_sides(quad)) >= 2], boxes


def _windows(picture: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """left, top and pixels of the windows that cover the picture; one, unless it is much longer than wide."""
    height, width = picture.shape[:2]
    side = max(min(height, width) * LONGEST // 2, SMALLEST)
    if max(height, width) <= 2 * side:
        yield 0, 0, picture
        return
    overlap = side // 4
    for start in range(0, max(height, width) - overlap, side - overlap):
        if height > width:
            yield 0, start, picture[start : start + side]
        else:
            yield start, 0, picture[:, start : start + side]


def _quads(chance: np.ndarray) -> tuple[list[np.ndarray], list[_Box]]:
    """The quads of a map [height, width] of 0..1, and its specks (x, y, width, height), in its pixels."""
    mask = cv2.dilate((chance > PIXEL_THRESHOLD).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]
    quads, specks = [], []
    for contour in contours[:MOST]:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        thin = min(width, height) < THINNEST
        if thin or _mean_inside(chance, cv2.boxPoints((centre, (width, height), angle))) < QUAD_THRESHOLD:
            x, y, wide, high = cv2.boundingRect(contour)
            if chance[y : y + high, x : x + wide].max() > SPECK_PEAK:
                specks.append((x, y, wide, high))
            continue
        grown = 2 * width * height * UNCLIP_RATIO / (2 * (width + height))
        quads.append(_clockwise(cv2.boxPoints((centre, (width + grown, height + grown), angle))))
    return quads, specks[:MOST_SPECKS]


def _joined(boxes: Sequence[_Box]) -> list[_Box]:
    """Boxes (left, top, right, bottom), those that overlap made one."""
    apart: list[_Box] = []
    for box in boxes:
        while touching := [b for b in apart if b[0] < box[2] and box[0] < b[2] and b[1] < box[3] and box[1] < b[3]]:
            apart = [b for b in apart if b not in touching]
            lefts, tops, rights, bottoms = zip(box, *touching, strict=True)
            box = min(lefts), min(tops), max(rights), max(bottoms)
        apart.append(box)
    return apart


def _new(found: Sequence[np.ndarray], known: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The quads that are not where one that is known is."""
    return [quad for quad in found if not any(_same_place(quad, other) for other in known)]


def _mean_inside(chance: np.ndarray, corners: np.ndarray) -> float:
    limit = np.array(chance.shape[::-1]) - 1
    left, top = np.clip(np.floor(corners.min(0)).astype(int), 0, limit)
    right, bottom = np.clip(np.ceil(corners.max(0)).astype(int), 0, limit)
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - [left, top]).astype(np.int32)], 1)
    return cv2.mean(chance[top : bottom + 1, left : right + 1], mask)[0]


def _clockwise(corners: np.ndarray) -> np.ndarray:
    """float32 [4, 2], the corners from the one that is top left in the picture on, clockwise."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = (pair[np.argsort(pair[:, 1], kind="stable")] for pair in (by_x[:2], by_x[2:]))
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def _sides(quad: np.ndarray) -> tuple[float, float]:
    """Width and height: the longer of two opposite sides each."""
    along = [float(np.linalg.norm(quad[i] - quad[(i + 1) % 4])) for i in range(4)]
    return max(along[0], along[2]), max(along[1], along[3])


def _same_place(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether the upright boxes around two quads share most of the smaller one."""
    low, high = np.maximum(one.min(0), other.min(0)), np.minimum(one.max(0), other.max(0))
    shared = float(np.prod(np.clip(high - low, 0, None)))
    return shared > 0.5 * min(float(np.prod(np.ptp(one, 0))), float(np.prod(np.ptp(other, 0))))
