"""Writes one sentence about a picture, out of what the encoder saw in it: `captions.onnx` of a bundle.

A small network of its own, made for this one question, does it sooner than the language model and is right more often
(README of the recipe). The graph chooses the likeliest word after word by itself.

It is opened for each caption, which takes some 40 ms: open, it would hold three times the memory that its weights take
on disk, and pictures are seldom described.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession

from models.errors import GlintError
from models.onnx_session import open_session

CELLS, WORDS, LOG_PROBABILITIES = "cells", "words", "log_probabilities"  # names in the graph
SPOKEN, QUESTION, LEAVES = "words", "question", "leaves"  # its properties
# How captions are split into words for scoring, and how that is written.
_WRITTEN = {" t shirt": " t-shirt", " '": "'", " n't": "n't"}


@dataclass(frozen=True)
class Caption:
    """text: a sentence. log_probabilities: float32 [n], of each word and of the end."""

    text: str
    log_probabilities: np.ndarray


def sentence(words: Sequence[str]) -> str:
    """The words of a caption, as they are told apart for scoring, as a sentence."""
    text = " " + " ".join(words)
    for split, whole in _WRITTEN.items():
        text = text.replace(split, whole)
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}."


class Captioner:
    """question: the one that it answers. leaves: the label of hints; a picture that has such a one is better described
    by the language model, which is told them. Raises GlintError when the file is missing or damaged.
    """

    def __init__(self, path: Path, threads: int = 2):
        self._path, self._threads = path, threads
        properties = self._open().get_modelmeta().custom_metadata_map
        try:
            self.question, self.leaves = properties[QUESTION], properties[LEAVES]
            self._words = properties[SPOKEN].split("\n")
        except LookupError as error:
            raise GlintError(f"{path} cannot be loaded ({error}); fetch the model again.") from error

    def _open(self) -> InferenceSession:
        try:
            return open_session(self._path, self._threads, as_stored=True)
        except Exception as error:  # onnxruntime has one exception class for each status, without a common base
            raise GlintError(f"{self._path} cannot be loaded ({error}); fetch the model again.") from error

    def caption(self, cells: np.ndarray) -> Caption:
        """cells: uint8 [49, width], of models.vision. Raises GlintError as the constructor."""
        words, log_probabilities = self._open().run([WORDS, LOG_PROBABILITIES], {CELLS: cells})
        spoken = [self._words[word] for word in words if word]  # 0 is the end
        return Caption(sentence(spoken), log_probabilities)
