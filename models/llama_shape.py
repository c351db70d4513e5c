"""The sizes of a Llama-family decoder, and the one thing in it that is computed rather than stored: rotary embedding.

Knows no file format and no graph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.errors import GlintError


@dataclass(frozen=True)
class LlamaShape:
    """Sizes of a Llama-family decoder; all counts, except `rope_base` and `rms_eps`.

    rope_scaling: what each of the head_size / 2 rotary frequencies is divided by; None: nothing.
    max_positions: the longest sequence that it computes as trained.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    feed_forward: int
    vocabulary: int
    rope_base: float
    rms_eps: float
    rope_scaling: tuple[float, ...] | None = None
    max_positions: int = 8192

    def rows(self, projection: str) -> int:
        """How many numbers a projection gives."""
        heads = {"q": self.heads, "k": self.kv_heads, "v": self.kv_heads}
        if projection in heads:
            return heads[projection] * self.head_size
        return self.feed_forward if projection in ("gate", "up") else self.hidden

    def columns(self, projection: str) -> int:
        """How many numbers a projection reads."""
        return {"o": self.heads * self.head_size, "down": self.feed_forward}.get(projection, self.hidden)

    def frequencies(self) -> np.ndarray:
        """Radians that each pair of a head's numbers turns by from position to position, float64 [head_size / 2]."""
        half = self.head_size // 2
        plain = self.rope_base ** (-np.arange(half) / half)
        return plain if self.rope_scaling is None else plain / np.array(self.rope_scaling)


def rope_scaling(config: Mapping[str, Any] | None, base: float, head_size: int) -> tuple[float, ...] | None:
    """LlamaShape.rope_scaling for `rope_scaling` of a Hugging Face config: "linear", or Llama 3.1's "llama3".

    That leaves short wavelengths as they are, divides the frequencies of long ones by `factor`, and goes over from one
    to the other between original / high_freq_factor and original / low_freq_factor positions. Raises GlintError for
    another type.
    """
    if not config:
        return None
    kind = config.get("rope_type", config.get("type", "default"))
    half = head_size // 2
    if kind == "default":
        return None
    try:
        factor = float(config["factor"])
        if kind == "linear":
            return (factor,) * half
        if kind == "llama3":
            low, high = float(config["low_freq_factor"]), float(config["high_freq_factor"])
            wavelengths = 2 * math.pi * base ** (np.arange(half) / half)
            kept = (config["original_max_position_embeddings"] / wavelengths - low) / (high - low)
            kept = np.clip(kept, 0, 1)
            return tuple(float(x) for x in 1 / ((1 - kept) / factor + kept))
    except (KeyError, TypeError, ValueError) as error:
        raise GlintError(f"The rope scaling {dict(config)} is not complete ({error}).") from error
    raise GlintError(f"Rope scaling of type {kind!r} is not supported; linear and llama3 are.")
