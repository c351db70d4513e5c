"""The base model's weights with the trained low-rank updates added, one matrix at a time.

Knows the names that both files use for a projection. Does not know how the sum is stored or used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from models.errors import GlintError
from models.gguf_weights import GgufWeights, LlamaShape

PROJECTIONS = {
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "o": "attn_output",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


class AdaptedWeights:
    """A Llama-family model as float32: `base` plus, where `adapter` is given, B @ A for every projection it names.

    `adapter` is a safetensors file with keys `layers.{i}.{projection}.A` [rank, in] and `.B` [out, rank]; the scale is
    already in them. Raises GlintError when it is unreadable or does not fit the base model.
    """

    def __init__(self, base: GgufWeights, adapter: Path | None = None):
        self._base = base
        self._adapter = None
        self._keys: frozenset[str] = frozenset()
        if adapter is not None:
            try:
                self._adapter = safe_open(adapter, framework="numpy")
                self._keys = frozenset(self._adapter.keys())
            except (OSError, SafetensorError) as error:
                raise GlintError(f"{adapter} is not a readable safetensors file ({error}); fetch it again.") from error
            known = {f"layers.{i}.{p}.{ab}" for i in range(self.shape.layers) for p in PROJECTIONS for ab in "AB"}
            if stray := sorted(self._keys - known):
                raise GlintError(f"{adapter} has {stray[0]!r}, which the base model has no place for.")

    @property
    def shape(self) -> LlamaShape:
        return self._base.shape

    def projection(self, layer: int, name: str) -> np.ndarray:
        """The matrix [out, in] of one of PROJECTIONS, rows of q and k in half-rotation order."""
        weight = self._base.tensor(f"blk.{layer}.{PROJECTIONS[name]}.weight")
        key = f"layers.{layer}.{name}"
        if self._adapter is None or f"{key}.A" not in self._keys:
            return weight
        a = self._adapter.get_tensor(f"{key}.A").astype(np.float32)
        b = self._adapter.get_tensor(f"{key}.B").astype(np.float32)
        if (b.shape[0], a.shape[1]) != weight.shape or a.shape[0] != b.shape[1]:
            raise GlintError(f"The update {key} of shape {b.shape} x {a.shape} does not fit a matrix {weight.shape}.")
        return weight + b @ a

    def attention_norm(self, layer: int) -> np.ndarray:
        """The gain [hidden] before attention."""
        return self._base.tensor(f"blk.{layer}.attn_norm.weight")

    def feed_forward_norm(self, layer: int) -> np.ndarray:
        """The gain [hidden] before the feed-forward part."""
        return self._base.tensor(f"blk.{layer}.ffn_norm.weight")

    def output_norm(self) -> np.ndarray:
        """The gain [hidden] before the head."""
        return self._base.tensor("output_norm.weight")

    def embeddings(self, rows: slice = slice(None)) -> np.ndarray:
        """Token embeddings [rows, hidden]; the head is the same matrix."""
        return self._base.embeddings(rows)
