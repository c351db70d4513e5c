"""The base model's weights with what was trained put in, one matrix at a time.

Knows the names that both files use for a projection. Does not know how the sum is stored or used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from models.errors import GlintError
from models.gguf_weights import GgufWeights
from models.llama_shape import LlamaShape

PROJECTIONS = {
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "o": "attn_output",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}

_PARTS = ("A", "B", "importance")
_NORMS = ("attention_norm", "feed_forward_norm")


class AdaptedWeights:
    """A Llama-family model as float32: `base` with what `adapter` (a safetensors file) has for it. All keys optional:

    layers.{i}.{projection}.A [rank, in] and .B [out, rank]: B @ A is added; the scale is already in them.
    layers.{i}.{projection}.importance [in]: see quantize_4bit.
    layers.{i}.attention_norm, layers.{i}.feed_forward_norm, output_norm [hidden]: take the place of the base's gains.

    Raises GlintError when it is unreadable or does not fit the base model.
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
            layers = [f"layers.{i}" for i in range(self.shape.layers)]
            known = {f"{layer}.{p}.{part}" for layer in layers for p in PROJECTIONS for part in _PARTS}
            known |= {f"{layer}.{norm}" for layer in layers for norm in _NORMS} | {"output_norm"}
            if stray := sorted(self._keys - known):
                raise GlintError(f"{adapter} has {stray[0]!r}, which the base model has no place for.")

    @property
    def shape(self) -> LlamaShape:
        return self._base.shape

    def projection(self, layer: int, name: str) -> np.ndarray:
        """The matrix [out, in] of one of PROJECTIONS, rows of q and k in half-rotation order."""
        weight = self._base.tensor(f"blk.{layer}.{PROJECTIONS[name]}.weight")
        key = f"layers.{layer}.{name}"
        a, b = self._trained(f"{key}.A"), self._trained(f"{key}.B")
        if a is None or b is None:
            return weight
        if (b.shape[0], a.shape[1]) != weight.shape or a.shape[0] != b.shape[1]:
            raise GlintError(f"The update {key} of shape {b.shape} x {a.shape} does not fit a matrix {weight.shape}.")
        return weight + b @ a

    def attention_norm(self, layer: int) -> np.ndarray:
        """The gain [hidden] before attention."""
        return self._gain(f"layers.{layer}.attention_norm", f"blk.{layer}.attn_norm.weight")

    def feed_forward_norm(self, layer: int) -> np.ndarray:
        """The gain [hidden] before the feed-forward part."""
        return self._gain(f"layers.{layer}.feed_forward_norm", f"blk.{layer}.ffn_norm.weight")

    def output_norm(self) -> np.ndarray:
        """The gain [hidden] before the head."""
        return self._gain("output_norm", "output_norm.weight")

    def importance(self, layer: int, name: str) -> np.ndarray | None:
        """How much an error in each column [in] of a projection counts; None where that was not trained."""
        return self._trained(f"layers.{layer}.{name}.importance")

    def _gain(self, key: str, base_name: str) -> np.ndarray:
        trained = self._trained(key)
        if trained is not None and trained.shape != (self.shape.hidden,):
            raise GlintError(f"The gains {key} of shape {trained.shape} do not fit a width of {self.shape.hidden}.")
        return self._base.tensor(base_name) if trained is None else trained

    def _trained(self, key: str) -> np.ndarray | None:
        if self._adapter is None or key not in self._keys:
            return None
        return np.asarray(self._adapter.get_tensor(key)).astype(np.float32)

    def bias(self, layer: int, name: str) -> np.ndarray | None:
        """What is added to the outputs [out] of a projection; None where the base has none."""
        return self._base.optional(f"blk.{layer}.{PROJECTIONS[name]}.bias")

    def embeddings(self, rows: slice = slice(None)) -> np.ndarray:
        """Token embeddings [rows, hidden]."""
        return self._base.embeddings(rows)

    def head(self, rows: slice = slice(None)) -> np.ndarray | None:
        """Rows of the head [rows, hidden]; None where it is the matrix of the embeddings."""
        return self._base.head(rows)
