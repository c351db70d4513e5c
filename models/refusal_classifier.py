"""Which questions are refused that no rule of models.refusals foresees: a linear classifier over their words.

Trained by `python -m export.recipe.refusals`, which takes its features from here. Knows words alone, no picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from zlib import crc32

import numpy as np

from models.errors import GlintError
from models.refusals import FOLDER, HARMLESS, meant

BUCKETS = 1 << 14
_LENGTHS = (1, 2, 3)
_REACH = 5  # words that two are apart, at most, to be seen together


def _pieces(words: Sequence[str]) -> Iterator[str]:
    """Up to three words in a row; words and kinds of words alone, next to each other and near each other."""
    said = ["^", *words, "$"]
    kinds = [sorted(meant(word)) for word in said]
    for length in _LENGTHS:
        for start in range(len(said) - length + 1):
            yield f"w{' '.join(said[start : start + length])}"
    for place, firsts in enumerate(kinds):
        for first in firsts:
            yield f"k{first}"
            for further, seconds in enumerate(kinds[place + 1 : place + 1 + _REACH]):
                mark = "p" if further else "n"
                for second in seconds:
                    yield f"{mark}{first} {second}"
    for first, second in combinations(sorted({kind for of_one in kinds for kind in of_one if kind.isupper()}), 2):
        yield f"s{first} {second}"


def features(words: Sequence[str]) -> tuple[np.ndarray, float]:
    """The buckets that are set, int64 [n], and the value that each has, so that the vector's length is 1."""
    buckets = sorted({crc32(piece.encode()) % BUCKETS for piece in _pieces(words)})
    return np.array(buckets, np.int64), len(buckets) ** -0.5


class RefusalClassifier:
    """kinds: HARMLESS first. weights: int8 [BUCKETS, kinds], scale and bias: float32 [kinds]. surely: from which chance
    of not being harmless on a question is refused."""

    def __init__(self, kinds: Sequence[str], weights: np.ndarray, scale: np.ndarray, bias: np.ndarray, surely: float):
        self.kinds, self.surely = tuple(kinds), surely
        self._weights, self._scale, self._bias = weights, scale, bias

    @classmethod
    def load(cls, file: Path = FOLDER / "classifier.npz") -> RefusalClassifier:
        """Raises GlintError when the file is missing or damaged."""
        try:
            with np.load(file) as parts:
                kinds = tuple(map(str, parts["kinds"]))
                return cls(kinds, parts["weights"], parts["scale"], parts["bias"], float(parts["surely"]))
        except (OSError, ValueError, KeyError) as error:
            raise GlintError(f"{file} cannot be read ({error}); install Glint again.") from error

    def save(self, file: Path) -> None:
        np.savez_compressed(
            file,
            kinds=np.array(self.kinds),
            weights=self._weights,
            scale=self._scale,
            bias=self._bias,
            surely=np.float32(self.surely),
        )

    def chances(self, words: Sequence[str]) -> np.ndarray:
        """float [kinds], adding up to 1."""
        buckets, value = features(words)
        logits = self._weights[buckets].sum(0, dtype=np.int64) * (self._scale * value) + self._bias
        exp = np.exp(logits - logits.max())
        return exp / exp.sum()

    def kind(self, words: Sequence[str]) -> str:
        """HARMLESS, or the likeliest kind of a question that is surely not."""
        chances = self.chances(words)
        return HARMLESS if 1 - chances[0] < self.surely else self.kinds[1 + int(chances[1:].argmax())]


@lru_cache(1)
def classifier() -> RefusalClassifier:
    """The shipped one, loaded when it is first needed."""
    return RefusalClassifier.load()
