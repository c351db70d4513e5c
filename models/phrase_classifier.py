"""A classifier of phrasings: what somebody wants, from the words of one sentence.

Multinomial logistic regression on hashed word and character n-grams (the hashing trick: Weinberger et al., 2009,
arXiv:0902.2206), in plain numpy: 0.2 ms a sentence, 8 bits a weight. Character n-grams forgive what a recogniser
mishears in a word, pairs of words tell "how much is" from "how much is in". Knows no intents but their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise, repeat
from pathlib import Path
from zlib import crc32

import numpy as np

Kinds = Mapping[str, tuple[str, ...]]
"""By word, the kinds of things that it may mean: "salt" is a nutrient."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SHORT = {"'s": " is", "'re": " are", "n't": " not", "'ll": " will", "'ve": " have", "'m": " am", "'d": " would"}
_SHORTENED = re.compile(r"(?:'(?:s|re|ll|ve|m|d)|n't)\b")


MARKED = 1.5  # what a mark counts; a word counts one


def words_of(text: str) -> list[str]:
    """Lower-case words; "what's" and "don't" are two each, so that either way of writing looks alike."""
    spelled = _SHORTENED.sub(lambda found: _SHORT[found[0]], text.lower().replace("\u2019", "'"))
    return _WORD.findall(spelled)


def features(
    words: Sequence[str], kinds: Kinds, buckets: int, marks: Iterable[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """int [n] buckets and float32 [n] values, of Euclidean length 1, for what stands in a sentence.

    marks: what else is known of it, such as the names of patterns that it matches.
    """
    framed = ["^", *words, "$"]
    sorts = [kinds.get(word, ()) for word in framed]
    grams = [(f"b {one} {two}", 0.8) for one, two in pairwise(framed)]
    grams += [(f"s {one} {two}", 0.4) for one, two in zip(framed, framed[2:], strict=False)]
    grams += [(f"k {kind}", 1.0) for kind in dict.fromkeys(kind for sort in sorts for kind in sort)]
    # The word before a kind, and the kind before a word: "how many NUTRIENT", "COLOUR or".
    for (one, left), (two, right) in pairwise(zip(framed, sorts, strict=True)):
        grams += [(f"bk {one} {kind}", 0.6) for kind in right] + [(f"kb {kind} {two}", 0.6) for kind in left]
    grams += [(f"m {mark}", MARKED) for mark in marks]
    hashed = [(crc32(gram.encode()), weight) for gram, weight in grams]
    counted: dict[int, float] = {}
    for code, weight in chain(hashed, *map(_inside, words)):
        # The sign makes grams that share a bucket cancel rather than add, on average.
        counted[code % buckets] = counted.get(code % buckets, 0.0) + (weight if code >> 31 else -weight)
    values = np.fromiter(counted.values(), np.float32, len(counted))
    length = float(np.sqrt(np.square(values).sum())) or 1.0
    return np.fromiter(counted, np.int64, len(counted)), values / length


@lru_cache(512)
def _inside(word: str) -> tuple[tuple[int, float], ...]:
    """Hashes and weights of a word and of the pieces of three and four letters in it."""
    rim = f"<{word}>"
    grams = [(f"w {word}", 1.0)]
    for n in (3, 4):
        pieces = [rim[i : i + n] for i in range(len(rim) - n + 1)]
        grams += [(f"c {piece}", 0.6 / len(pieces) ** 0.5) for piece in pieces]
    return tuple((crc32(gram.encode()), weight) for gram, weight in grams)


@dataclass(frozen=True)
class PhraseClassifier:
    """names: of the classes. weights: int8 [buckets, classes]; scale: float32 [classes], of their units, the sharpness
    that was calibrated on phrasings left out of training included; bias: float32 [classes].
    """

    names: tuple[str, ...]
    kinds: Kinds
    weights: np.ndarray
    scale: np.ndarray
    bias: np.ndarray

    @classmethod
    def load(cls, file: Path) -> PhraseClassifier:
        with np.load(file, allow_pickle=False) as saved:
            kinds = {
                word: tuple(sorts.split()) for word, sorts in map(str.split, map(str, saved["kinds"]), repeat("\t"))
            }
            return cls(tuple(map(str, saved["names"])), kinds, saved["weights"], saved["scale"], saved["bias"])

    def save(self, file: Path) -> None:
        kinds = np.array([f"{word}\t{' '.join(sorts)}" for word, sorts in sorted(self.kinds.items())])
        names = np.array(self.names)
        np.savez_compressed(file, names=names, kinds=kinds, weights=self.weights, scale=self.scale, bias=self.bias)

    def chances(self, text: str, marks: Iterable[str] = ()) -> dict[str, float]:
        """The probability of each class; that of a text without words says what is common. marks: as in features."""
        buckets, values = features(words_of(text), self.kinds, len(self.weights), marks)
        logits = values @ self.weights[buckets].astype(np.float32) * self.scale + self.bias
        shares = np.exp(logits - logits.max())
        return dict(zip(self.names, (shares / shares.sum()).tolist(), strict=True))
