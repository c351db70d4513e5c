"""How surely a question is one to refuse, from what the layers of the language model make of its words.

A probe (Alain and Bengio 2016, arXiv:1610.01644): the network of Kim (2014, arXiv:1408.5882) over the values that some
layers put into the cache while they read the question, before any picture. The language model has met far more wordings
than the classifier of refusals was taught. The probe says something about the model alone that it was trained on
(`export.recipe.refusal_probe`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from models.errors import GlintError
from models.refusals import FOLDER
from models.vision_language import VisionLanguageModel

LAYERS = (6, 10, 11, 14, 15, 18, 19, 23)
LENGTH = 48  # tokens of a question that are read
WIDTHS = (1, 2, 3)  # tokens that a filter spans
FILE = FOLDER / "probe.npz"


def values_of(model: VisionLanguageModel, words: Sequence[str]) -> np.ndarray:
    """What the probe is given of a question: float32 [tokens, len(LAYERS) * key/value heads * head size]."""
    values = model.values_of("\n" + " ".join(words), LENGTH)[list(LAYERS)]
    return values.transpose(1, 0, 2).reshape(values.shape[1], -1)


class RefusalProbe:
    """kinds: those of models.refusal_classifier, HARMLESS first. adapter: SHA-256 of what the model was adapted with.

    arrays: what `export.recipe.refusal_probe.Network` learns, by name, any kind of float.
    """

    def __init__(self, kinds: Sequence[str], adapter: str, arrays: Mapping[str, np.ndarray]):
        self.kinds, self.adapter = tuple(kinds), adapter
        self._arrays = {name: array.astype(np.float32) for name, array in arrays.items()}

    @classmethod
    def load(cls, file: Path = FILE) -> RefusalProbe:
        """Raises GlintError when the file is missing or damaged."""
        try:
            with np.load(file) as parts:
                arrays = {name: parts[name] for name in parts if name not in ("kinds", "adapter")}
                return cls(tuple(map(str, parts["kinds"])), str(parts["adapter"]), arrays)
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise GlintError(f"{file} cannot be read ({error}); install Glint again.") from error

    def save(self, file: Path = FILE) -> None:
        """Matrices are kept in half precision."""
        arrays = {name: a.astype(np.float16) if a.ndim > 1 else a for name, a in self._arrays.items()}
        np.savez_compressed(file, kinds=np.array(self.kinds), adapter=np.array(self.adapter), **arrays)  # type: ignore[arg-type]

    def logits(self, values: np.ndarray) -> np.ndarray:
        """values: of `values_of` -> float32 [kinds]."""
        parts = self._arrays
        seen = values @ parts["project.weight"].T + parts["project.bias"]
        summary = [seen.sum(0) / (len(seen) + 1)]
        for width in WIDTHS:
            padded = np.pad(seen, ((width, width), (0, 0)))  # so far that a filter meets nothing but padding as well
            windows = np.lib.stride_tricks.sliding_window_view(padded, width, 0).reshape(-1, seen.shape[1] * width)
            weight = parts[f"filters.{width}.weight"]
            answers = windows @ weight.reshape(len(weight), -1).T + parts[f"filters.{width}.bias"]
            summary.append(np.maximum(answers.max(0), 0))
        return np.concatenate(summary) @ parts["out.weight"].T + parts["out.bias"]


@lru_cache(1)
def probe() -> RefusalProbe:
    """The shipped one, loaded when it is first needed."""
    return RefusalProbe.load()


def probe_of(model: VisionLanguageModel) -> RefusalProbe | None:
    """The shipped one, if it was trained on this model."""
    return probe() if model.adapter == probe().adapter else None
