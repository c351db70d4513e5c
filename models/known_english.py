"""Whether words and pairs of words are English that was seen before, by two Bloom filters. Knows no meaning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from zlib import adler32, crc32

import numpy as np

WORD_BITS, PAIR_BITS = 2**18, 2**20


def _places(text: str, bits: int) -> tuple[int, int]:
    data = text.encode()
    return crc32(data) % bits, (crc32(data[::-1]) ^ (adler32(data) << 11)) % bits


def filter_of(texts: Iterable[str], bits: int) -> np.ndarray:
    """uint8 [bits / 8]."""
    found = np.zeros(bits, bool)
    for text in texts:
        found[list(_places(text, bits))] = True
    return np.packbits(found)


def _has(bits: np.ndarray, text: str) -> bool:
    return all(bits[place >> 3] >> (7 - (place & 7)) & 1 for place in _places(text, 8 * len(bits)))


@dataclass(frozen=True)
class KnownEnglish:
    """words, pairs: uint8 arrays of bits, as `filter_of` makes them."""

    words: np.ndarray
    pairs: np.ndarray

    @classmethod
    def load(cls, file: Path) -> KnownEnglish:
        with np.load(file, allow_pickle=False) as saved:
            return cls(saved["words"], saved["pairs"])

    def knows(self, word: str) -> bool:
        return _has(self.words, word)

    def words_known(self, words: Sequence[str]) -> float:
        """The share of words that are known, by their letters: one long word that is not says more than "a" that is."""
        letters = sum(map(len, words))
        return sum(len(word) for word in words if self.knows(word)) / letters if letters else 0.0

    def pairs_known(self, words: Sequence[str]) -> float:
        """The share of neighbours that were seen together, the beginning and the end of a sentence among them."""
        pairs = list(pairwise(["^", *words, "$"]))
        return sum(_has(self.pairs, f"{one} {two}") for one, two in pairs) / len(pairs)
