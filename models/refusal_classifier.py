"""How surely a question is one to refuse: a linear classifier over its words plus a small network over their vectors.

The network is that of Kim (2014, arXiv:1408.5882): filters over one, two, three and five words in a row, of each the
place where it answers most; it carries over to words that no phrasing had. Trained by
`python -m export.recipe.refusals`, which takes its features from here. Knows words alone, no picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import crc32

import numpy as np

from models.errors import GlintError
from models.refusals import FOLDER, HARMLESS, Rule, meant
from models.word_vectors import word_vectors

BUCKETS = 1 << 13
LENGTH = 24  # words that the network sees of a question
WIDTHS = (1, 2, 3, 5)  # words that a filter spans
UNRULED, RULED, EXCUSED = 0.78, 0.4, 0.9
"""From which chance on a question is refused that no rule knows, that a rule refuses, and that a rule excuses."""
DOUBT, LEAN = 4.0, 0.35
"""How far below the threshold a second opinion is still asked for, and what is added to it (docs/refusals.md)."""
_LEAST = 1e-6
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


def rows_of(words: Sequence[str]) -> np.ndarray:
    """The rows of the words in the table of vectors, int64 [LENGTH], 0 after the last."""
    known = word_vectors()
    rows = np.zeros(LENGTH, np.int64)
    for place, word in enumerate(words[:LENGTH]):
        rows[place] = known.row(word)
    return rows


class RefusalClassifier:
    """kinds: HARMLESS first. arrays, by name: what `export.recipe.refusals.Network` learns, int8 or float32; of the
    int8 ones `NAME.unit` is the unit."""

    def __init__(self, kinds: Sequence[str], arrays: Mapping[str, np.ndarray]):
        self.kinds = tuple(kinds)
        self._arrays = dict(arrays)
        self._parts = {
            name: array.astype(np.float32) * arrays[f"{name}.unit"]
            for name, array in arrays.items()
            if f"{name}.unit" in arrays and name != "pieces.weight"
        } | {name: array for name, array in arrays.items() if array.dtype == np.float32}

    @classmethod
    def load(cls, file: Path = FOLDER / "classifier.npz") -> RefusalClassifier:
        """Raises GlintError when the file is missing or damaged."""
        try:
            with np.load(file) as parts:
                return cls(tuple(map(str, parts["kinds"])), {name: parts[name] for name in parts if name != "kinds"})
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise GlintError(f"{file} cannot be read ({error}); install Glint again.") from error

    def save(self, file: Path) -> None:
        arrays: dict[str, Any] = {"kinds": np.array(self.kinds), **self._arrays}
        np.savez_compressed(file, **arrays)

    def chances(self, words: Sequence[str]) -> np.ndarray:
        """float [kinds], adding up to 1."""
        buckets, value = features(words)
        parts, rows = self._parts, rows_of(words)
        pieces = self._arrays["pieces.weight"][buckets].sum(0, dtype=np.int64) * (parts["pieces.weight.unit"] * value)
        seen = word_vectors().vectors[rows] @ parts["project.weight"].T + parts["project.bias"]
        summary = [(seen * (rows > 0)[:, None]).sum(0) / (np.count_nonzero(rows) + 1)]
        for width in WIDTHS:
            before = width // 2
            padded = np.pad(seen, ((before, before), (0, 0)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, width, 0).reshape(-1, seen.shape[1] * width)
            weight = parts[f"filters.{width}.weight"]
            answers = windows @ weight.reshape(len(weight), -1).T + parts[f"filters.{width}.bias"]
            summary.append(np.maximum(answers.max(0), 0))
        logits = np.concatenate(summary) @ parts["out.weight"].T + parts["out.bias"] + pieces
        exp = np.exp(logits - logits.max())
        return exp / exp.sum()


def margin(rule: Rule | None, chances: np.ndarray) -> float:
    """By how much the log-odds of refusing pass those that are asked for; refused from 0 on."""
    asked = UNRULED if rule is None else EXCUSED if rule.kind == HARMLESS else RULED
    harmless = min(max(float(chances[0]), _LEAST), 1 - _LEAST)
    return math.log((1 - harmless) / harmless) - math.log(asked / (1 - asked))


def is_open(rule: Rule | None, chances: np.ndarray) -> bool:
    """Whether a second opinion could change the verdict."""
    return margin(rule, chances) > -DOUBT


def verdict(kinds: Sequence[str], rule: Rule | None, chances: np.ndarray, logits: np.ndarray | None = None) -> str:
    """HARMLESS or the kind of refusal, from the first rule that matches and the chances of the kinds together.

    logits: of the kinds, a second opinion (models.refusal_probe); its log-odds are added.
    """
    over, scores = margin(rule, chances), np.log(np.maximum(chances, _LEAST))
    if logits is not None:
        over += float(np.logaddexp.reduce(logits[1:]) - logits[0]) + LEAN
        scores = scores + logits
    if over < 0:
        return HARMLESS
    likeliest = 1 + int(scores[1:].argmax())
    ruled = rule is not None and rule.kind != HARMLESS and chances[likeliest] < UNRULED
    return rule.kind if rule is not None and ruled else kinds[likeliest]


@lru_cache(1)
def classifier() -> RefusalClassifier:
    """The shipped one, loaded when it is first needed."""
    return RefusalClassifier.load()
