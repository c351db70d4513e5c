"""How far two arrays are from one another, and how far they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.errors import GlintError

GREEDY_TOKENS = 64

LIMITS = {"fp32": 0.9999, "fp16": 0.9995, "int8": 0.98, "int4": 0.8}
"""The least cosine of a part, by the coarsest precision in it. Rounding stays above: SmolLM2-135M, which suffers most
of all that was tried, has 0.86 in int4 and 0.998 in int8. A layer that is wrong comes out far below."""

PERPLEXITY_LIMITS = {"fp32": 1.001, "fp16": 1.005, "int8": 1.05, "int4": 1.5}
"""The most that perplexity may grow by, where the original knows the language of the text."""

GRAPH_LIMIT = 1e-3
"""The most relative error of the decoder's graph, in float32, against PyTorch with the very values that it stores."""


@dataclass(frozen=True)
class Difference:
    """max_abs, mean_abs: of the single numbers. cosine: of the two arrays as vectors. relative: |a - b| / |b|."""

    max_abs_diff: float
    mean_abs_diff: float
    cosine: float
    relative: float

    @classmethod
    def of(cls, exported: np.ndarray, reference: np.ndarray) -> Difference:
        """Raises GlintError when the shapes differ."""
        if exported.shape != reference.shape:
            raise GlintError(f"The export gives {exported.shape} where the original gives {reference.shape}.")
        a, b = (array.astype(np.float64).ravel() for array in (exported, reference))
        apart = np.abs(a - b)
        norms = float(np.linalg.norm(a) * np.linalg.norm(b))
        cosine = float(a @ b) / norms if norms else float(not apart.any())
        whole = float(np.linalg.norm(b))
        relative = float(np.linalg.norm(apart)) / whole if whole else float(np.linalg.norm(apart))
        return cls(float(apart.max()), float(apart.mean()), cosine, relative)

    @property
    def record(self) -> dict[str, float]:
        return asdict(self)


def compare_logits(exported: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Of logits [n, vocabulary] each, less the mean of a row: adding a constant to all changes no probability.

    kl_divergence: of the exported distribution from the reference's, nats, mean over the rows. top_token_equal: the
    share of rows whose most likely token is the same.
    """
    expected, found = (_log_softmax(logits) for logits in (reference, exported))
    return {
        **Difference.of(centred(exported), centred(reference)).record,
        "kl_divergence": float((np.exp(expected) * (expected - found)).sum(-1).mean()),
        "top_token_equal": float((exported.argmax(-1) == reference.argmax(-1)).mean()),
    }


def centred(logits: np.ndarray) -> np.ndarray:
    return logits - logits.mean(-1, keepdims=True, dtype=np.float64)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    less = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return less - np.log(np.exp(less).sum(-1, keepdims=True))


@dataclass(frozen=True)
class Stage:
    """A place in the network, and how far the export is off there."""

    name: str
    difference: Difference

    @property
    def record(self) -> dict[str, Any]:
        return {"name": self.name, **self.difference.record}


def stages_of(exported: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> list[Stage]:
    """Of what both have, in the reference's order."""
    return [Stage(name, Difference.of(exported[name], reference[name])) for name in reference if name in exported]


def culprit(stages: list[Stage]) -> str | None:
    """The stage at which the relative error grows most: errors come down from there to all that follow."""
    before, worst, most = 0.0, None, 0.0
    for stage in stages:
        grown = stage.difference.relative - before
        if grown > most:
            worst, most = stage.name, grown
        before = stage.difference.relative
    return worst


def equal_leading(exported: list[int], reference: list[int]) -> int:
    """How many tokens are equal before the first that is not."""
    pairs = zip(exported, reference, strict=False)
    return next((count for count, (a, b) in enumerate(pairs) if a != b), min(len(exported), len(reference)))
