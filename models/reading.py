"""Reads the text in a picture: lines, in reading order, each with its place and how sure the reader is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from models import fetch
from models.errors import GlintError
from models.reading_order import reading_order
from models.text_detection import TextDetector
from models.text_recognition import UPRIGHT, Reading, TextRecognizer, straighten

Network = TypeVar("Network")
MODEL = "pp-ocrv6-small"
DETECTOR, RECOGNIZER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"

KEPT = 0.85  # confidence; what is read with less is wrong too often and is not passed on
TURNED_BELOW = 0.85  # confidence below which a line is tried upside down as well
TURNED_SURE = 0.9  # confidence from which the other way up is believed
DRAWN_IN = 0.1  # of a line's height, above and below; a line is cut out with so much around its letters


@dataclass(frozen=True)
class Word:
    """quad: float32 [4, 2], x and y in pixels of the picture, clockwise from the text's own top left."""

    text: str
    quad: np.ndarray
    confidence: float


@dataclass(frozen=True)
class Line:
    """quad: as of a Word. confidence: 0..1, of the line as a whole."""

    text: str
    quad: np.ndarray
    confidence: float
    words: tuple[Word, ...] = ()


class TextReader:
    """PP-OCRv6's small networks through onnxruntime.

    threads: of onnxruntime. sparing: each network is opened for its step and closed after it, so that the two are never
    in memory together; that takes some 0.3 s a picture. Otherwise they are opened here. Raises GlintError when the
    networks are damaged, or missing and not to be had.
    """

    def __init__(self, threads: int = 2, offline: bool = False, sparing: bool = False) -> None:
        self._threads, self._offline, self._sparing = threads, offline, sparing
        self._kept = None if sparing else (self._detector(), self._recognizer())

    def read(self, picture: np.ndarray) -> tuple[Line, ...]:
        """picture: uint8 RGB [height, width, 3]. Returns the lines in reading order; none where there is no text.

        What is read with less confidence than KEPT is left out.
        """
        quads = [_turned(quad) for quad in self._find(picture)]
        readings = self._read(picture, quads) if quads else []
        kept = [i for i, reading in enumerate(readings) if reading.confidence >= KEPT]
        order = reading_order([quads[i] for i in kept], [len(readings[i].text) for i in kept])
        return tuple(_line(readings[kept[i]], quads[kept[i]]) for row in order for i in row)

    def _find(self, picture: np.ndarray) -> list[np.ndarray]:
        detector = self._kept[0] if self._kept else self._detector()
        return detector.find(picture)

    def _read(self, picture: np.ndarray, quads: list[np.ndarray]) -> list[Reading]:
        """What stands in each quad; a quad that is better read the other way up is turned."""
        recognizer = self._kept[1] if self._kept else self._recognizer()
        readings = recognizer.read([straighten(picture, quad) for quad in quads])
        doubtful = [i for i, reading in enumerate(readings) if reading.confidence < TURNED_BELOW]
        turned = recognizer.read([straighten(picture, np.roll(quads[i], 2, 0)) for i in doubtful])
        for i, other in zip(doubtful, turned, strict=True):
            if other.confidence >= TURNED_SURE:
                quads[i], readings[i] = np.roll(quads[i], 2, 0), other
        return readings

    def _detector(self) -> TextDetector:
        return self._opened(lambda file: TextDetector(file, self._threads, self._sparing), DETECTOR)

    def _recognizer(self) -> TextRecognizer:
        return self._opened(lambda file: TextRecognizer(file, self._threads), RECOGNIZER)

    def _opened(self, network: Callable[[Path], Network], file: str) -> Network:
        folder = fetch.ensure(MODEL, offline=self._offline)
        try:
            return network(folder / file)
        except GlintError:
            raise
        except Exception as error:  # onnxruntime has no common class of its errors
            raise GlintError(f"The text reader cannot be opened ({error}); run `glint models pull {MODEL}`.") from error


def _turned(quad: np.ndarray) -> np.ndarray:
    """A quad that is higher than wide holds a line that runs up or down: down, until it is read otherwise."""
    width, height = np.linalg.norm(quad[1] - quad[0]), np.linalg.norm(quad[3] - quad[0])
    return np.roll(quad, -1, 0) if height > UPRIGHT * width else quad


def _line(reading: Reading, quad: np.ndarray) -> Line:
    words = tuple(
        Word(match[0], _part(quad, *_span(reading, *match.span())), float(reading.chances[slice(*match.span())].mean()))
        for match in re.finditer(r"\S+", reading.text)
    )
    return Line(" ".join(word.text for word in words), quad, reading.confidence, words)


def _span(reading: Reading, start: int, end: int) -> tuple[float, float]:
    """Where the characters from start to before end begin and end, 0..1 of the line's length."""
    places = reading.places
    half = float(np.median(np.diff(places))) / 2 if len(places) > 1 else 0.5
    left = max(0.0, places[start] - half) if start else 0.0
    right = min(1.0, places[end - 1] + half) if end < len(places) else 1.0
    return left, max(left, right)


def _part(quad: np.ndarray, left: float, right: float) -> np.ndarray:
    """The part of a line's quad from left to right, 0..1 of its length, drawn in to the letters' height."""
    top, bottom = quad[1] - quad[0], quad[2] - quad[3]
    corners = quad[0] + left * top, quad[0] + right * top, quad[3] + right * bottom, quad[3] + left * bottom
    down = np.array([corners[3] - corners[0], corners[2] - corners[1]])[[0, 1, 1, 0]]
    return (np.array(corners) + DRAWN_IN * down * np.array([[1], [1], [-1], [-1]])).astype(np.float32)
