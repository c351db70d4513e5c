"""Chooses a short answer out of a list, or none of them: `answers.onnx` of a bundle.

People ask much that is answered in a word or two. A small network that has seen only such answers chooses better among
them than the language model writes them; but it knows no others. It is given what the layers of the language model put
into the cache while they read the question behind the picture, and what the encoder saw. The language model has its say
(a product of experts, Hinton 2002): what it would begin with counts as well, for every answer and for leaving it to say
something else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from models.errors import GlintError
from models.onnx_session import open_session
from models.vision import Seen

QUESTION, CELLS, PRESENCE, HINTS, LOG_PROBABILITIES = "question", "cells", "presence", "hints", "log_probabilities"
ABOUT = "about"  # its property: JSON of the arguments of About


@dataclass(frozen=True)
class About:
    """answers: as they are spoken. layers: of the language model that are looked at. trust: exponent of what the
    language model thinks. temperature: divides the logarithms of chances, so that they are as right as they say.
    adapter: SHA-256 of what the language model was adapted with that all this was learned from.
    """

    answers: tuple[str, ...]
    layers: tuple[int, ...]
    trust: float
    temperature: float
    adapter: str


@dataclass(frozen=True)
class Choice:
    """answer: one of the list; None where the language model is to say what it would. chance: 0..1, of that choice."""

    answer: str | None
    chance: float


def summary(values: np.ndarray, layers: tuple[int, ...]) -> np.ndarray:
    """What the network is given of a question: float32 [len(layers) * 2 * width], mean and last of its tokens.

    values: float32 [layers, tokens, width], of the question's tokens in the cache.
    """
    chosen = values[list(layers)]
    return np.stack([chosen.mean(1), chosen[:, -1]], 1).ravel()


def first_tokens(tokenizer: Tokenizer, answers: tuple[str, ...]) -> list[int]:
    """What the language model begins each of them with."""
    return [tokenizer.encode(answer, add_special_tokens=False).ids[0] for answer in answers]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """float [n] -> float32 [n]."""
    shifted = logits.astype(np.float32) - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


class AnswerHead:
    """Raises GlintError when the file is missing or damaged."""

    def __init__(self, path: Path, tokenizer: Tokenizer, threads: int = 2):
        try:
            self._session = open_session(path, threads)
            about = json.loads(self._session.get_modelmeta().custom_metadata_map[ABOUT])
            self.about = About(
                tuple(about["answers"]),
                tuple(about["layers"]),
                *(about[k] for k in ("trust", "temperature", "adapter")),
            )
        except Exception as error:  # onnxruntime has one exception class for each status, without a common base
            raise GlintError(f"{path} cannot be loaded ({error}); fetch the model again.") from error
        self._firsts = first_tokens(tokenizer, self.about.answers)

    def log_probabilities(self, values: np.ndarray, seen: Seen) -> np.ndarray:
        """Of each answer, and of none of them: float32 [answers + 1], the network's own. values: as `summary`."""
        given = {
            QUESTION: summary(values, self.about.layers)[None],
            CELLS: seen.cells,
            PRESENCE: seen.presence[None],
            HINTS: seen.scores[None],
        }
        return self._session.run([LOG_PROBABILITIES], given)[0][0]

    def choose(self, values: np.ndarray, seen: Seen, logits: np.ndarray) -> Choice:
        """values: as `summary`; logits: float32 [vocabulary], of what the language model's answer begins with."""
        said = log_softmax(logits)
        begun = np.append(said[self._firsts], said.max())
        scores = self.log_probabilities(values, seen) + self.about.trust * begun
        chances = log_softmax(scores / self.about.temperature)
        best = int(chances.argmax())
        return Choice((*self.about.answers, None)[best], float(np.exp(chances[best])))
