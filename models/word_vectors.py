"""What words mean, as vectors: words that are used alike have vectors that point alike.

Means of what all-MiniLM-L6-v2 (Apache-2.0) makes of single words, cut to their principal components and to 4 bits, as
in model2vec (Tulkens and van Dongen, 2024); made by `python -m export.recipe.word_vectors`. Knows no sentences.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from models.errors import GlintError
from models.refusals import FOLDER

_ENDINGS = (("'s", ""), ("s", ""), ("es", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("ly", ""))


class WordVectors:
    """vectors: float32 [1 + words, size]; the first, all zeros, is that of every unknown word."""

    def __init__(self, words: list[str], vectors: np.ndarray):
        self.vectors = vectors
        self._rows = {word: row for row, word in enumerate(words, 1)}

    @classmethod
    def load(cls, file: Path = FOLDER / "words.npz") -> WordVectors:
        """Raises GlintError when the file is missing or damaged."""
        try:
            with np.load(file) as parts:
                words = bytes(parts["words"]).decode().split()
                packed, scale = parts["vectors"], parts["scale"]
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise GlintError(f"{file} cannot be read ({error}); install Glint again.") from error
        values = np.stack((packed & 15, packed >> 4), -1).reshape(len(packed), -1).astype(np.float32) - 8
        return cls(words, np.concatenate((np.zeros((1, values.shape[1]), np.float32), values * scale)))

    def row(self, word: str) -> int:
        """That of the word, or of what is left of it without an ending; 0 for one that is not known."""
        found = self._rows.get(word)
        if found is None:
            stems = (word.removesuffix(end) + more for end, more in _ENDINGS if word.endswith(end))
            found = next((self._rows[stem] for stem in stems if stem in self._rows), 0)
        return found


@lru_cache(1)
def word_vectors() -> WordVectors:
    """The shipped ones, loaded when they are first needed."""
    return WordVectors.load()
