"""Says what a thing is called, out of a list of names: `names.onnx` of a bundle.

A network of its own that has learned such names alone knows them better than the hints do, which also look for scenes
and words. It knows, too, when a picture shows none of them.

It is opened for each question, which takes some 20 ms: open, it would hold 16 MB.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession

from models.errors import GlintError
from models.onnx_session import open_session

CELLS, CHANCES = "cells", "chances"
ABOUT = "about"  # its property: JSON of the arguments of Names


@dataclass(frozen=True)
class Names:
    """questions: that ask for a name alone. answers: the names, as they are spoken. least: probability of the likeliest
    from which on it is said.
    """

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    least: float


@dataclass(frozen=True)
class Named:
    """answer: a sentence. chance: 0..1, that it is right."""

    answer: str
    chance: float


class Namer:
    """Raises GlintError when the file is missing or damaged."""

    def __init__(self, path: Path, threads: int = 2):
        self._path, self._threads = path, threads
        properties = self._open().get_modelmeta().custom_metadata_map
        try:
            about = json.loads(properties[ABOUT])
            self.names = Names(tuple(about["questions"]), tuple(about["answers"]), about["least"])
        except (LookupError, ValueError) as error:
            raise GlintError(f"{path} cannot be loaded ({error}); fetch the model again.") from error

    def _open(self) -> InferenceSession:
        try:
            return open_session(self._path, self._threads)
        except Exception as error:  # onnxruntime has one exception class for each status, without a common base
            raise GlintError(f"{self._path} cannot be loaded ({error}); fetch the model again.") from error

    def chances(self, cells: np.ndarray) -> np.ndarray:
        """Of each name, and of none of them: float32 [names + 1]. cells: uint8 [49, width], of models.vision.

        Raises GlintError as the constructor.
        """
        return self._open().run([CHANCES], {CELLS: cells})[0][0]

    def name(self, cells: np.ndarray) -> Named | None:
        """The likeliest name; None where none is likely enough. cells: as `chances`."""
        chances = self.chances(cells)[:-1]
        best = int(chances.argmax())
        chance = float(chances[best])
        return Named(self.names.answers[best], chance) if chance >= self.names.least else None
