"""Reads the language model in a Hugging Face folder, one matrix at a time, out of memory-mapped safetensors.

Knows the names that transformers gives the weights of Llama, Mistral and Qwen2. Does not know how they are stored or
used afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from export.tensor_files import tensor_files
from models.errors import GlintError
from models.llama_shape import LlamaShape, rope_scaling

ARCHITECTURES = ("llama", "mistral", "qwen2")  # `model_type` of the language model
MODULES = {
    **{name: f"self_attn.{name}_proj" for name in "qkvo"},
    **{name: f"mlp.{name}_proj" for name in ("gate", "up", "down")},
}
_FLOATS = ("BF16", "F16", "F32")


class SafetensorsWeights:
    """The weights of a model folder as float32 (models.decoder_matrices.DecoderWeights).

    text_config: the part of config.json about the language model; what it leaves out is as transformers has it.
    prefix: before "layers.0...", "model." in a plain language model.

    Raises GlintError when the architecture is another, a shard or tensor is missing, damaged or of another shape.
    """

    def __init__(self, folder: Path, text_config: Mapping[str, Any], prefix: str = "model."):
        self._folder = folder
        self._prefix = prefix
        self.shape, tied = _read_config(text_config)
        self._shard_of = tensor_files(folder)
        self._open_shards: dict[Path, Any] = {}
        for shard in sorted(set(self._shard_of.values())):
            if not shard.exists():
                raise GlintError(f"{folder} lacks {shard.name}, which its index names; fetch it again.")
        heads = ("lm_head.weight", f"{prefix.removesuffix('model.')}lm_head.weight")
        self._head = None if tied else next((name for name in heads if name in self._shard_of), None)

    def projection(self, layer: int, name: str) -> np.ndarray:
        """The matrix [out, in] of one of MODULES, rows of q and k in half-rotation order."""
        size = (self.shape.rows(name), self.shape.columns(name))
        return self._tensor(f"{self._layer(layer)}.{MODULES[name]}.weight", size)

    def bias(self, layer: int, name: str) -> np.ndarray | None:
        """What is added to the outputs [out] of a projection; None where there is none."""
        key = f"{self._layer(layer)}.{MODULES[name]}.bias"
        return self._tensor(key, (self.shape.rows(name),)) if key in self._shard_of else None

    def importance(self, layer: int, name: str) -> np.ndarray | None:
        """None: a checkpoint does not say which columns count."""
        return None

    def attention_norm(self, layer: int) -> np.ndarray:
        """The gain [hidden] before attention."""
        return self._tensor(f"{self._layer(layer)}.input_layernorm.weight", (self.shape.hidden,))

    def feed_forward_norm(self, layer: int) -> np.ndarray:
        """The gain [hidden] before the feed-forward part."""
        return self._tensor(f"{self._layer(layer)}.post_attention_layernorm.weight", (self.shape.hidden,))

    def output_norm(self) -> np.ndarray:
        """The gain [hidden] before the head."""
        return self._tensor(f"{self._prefix}norm.weight", (self.shape.hidden,))

    def embeddings(self, rows: slice = slice(None)) -> np.ndarray:
        """Token embeddings [rows, hidden]."""
        return self._tensor(f"{self._prefix}embed_tokens.weight", (self.shape.vocabulary, self.shape.hidden), rows)

    def head(self, rows: slice = slice(None)) -> np.ndarray | None:
        """Rows of the head [rows, hidden]; None where it is the matrix of the embeddings."""
        if self._head is None:
            return None
        return self._tensor(self._head, (self.shape.vocabulary, self.shape.hidden), rows)

    def _layer(self, layer: int) -> str:
        return f"{self._prefix}layers.{layer}"

    def _tensor(self, name: str, shape: tuple[int, ...], rows: slice = slice(None)) -> np.ndarray:
        shard = self._shard_of.get(name)
        if shard is None:
            raise GlintError(f"The model in {self._folder} has no tensor {name!r}.")
        try:
            if shard not in self._open_shards:
                self._open_shards[shard] = safe_open(shard, framework="numpy")
            part = self._open_shards[shard].get_slice(name)
            kind, size = part.get_dtype(), tuple(part.get_shape())
            if kind not in _FLOATS:
                raise GlintError(f"{name!r} in {shard} is stored as {kind}; take unquantised weights.")
            if size != shape:
                raise GlintError(f"{name!r} in {shard} is {size} where its config makes it {shape}.")
            return np.asarray(part[slice(*rows.indices(size[0]))]).astype(np.float32)
        except (OSError, SafetensorError) as error:
            raise GlintError(f"{shard} is damaged ({error}); fetch it again.") from error


def _read_config(text_config: Mapping[str, Any]) -> tuple[LlamaShape, bool]:
    """The sizes, and whether the head is the embedding table. GlintError for what cannot be computed."""
    kind = text_config.get("model_type")
    if kind not in ARCHITECTURES:
        raise GlintError(f"A language model of type {kind!r} is not supported; {', '.join(ARCHITECTURES)} are.")
    from transformers import AutoConfig

    config = AutoConfig.for_model(**text_config)
    if config.hidden_act != "silu":
        raise GlintError(f"A language model with {config.hidden_act} in its feed-forward part is not supported.")
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    longest = config.max_position_embeddings
    # Within its window, a model with one computes what a model without one does.
    window = config.sliding_window if getattr(config, "use_sliding_window", kind == "mistral") else None
    shape = LlamaShape(
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_size=head_size,
        feed_forward=config.intermediate_size,
        vocabulary=config.vocab_size,
        rope_base=float(config.rope_theta),
        rms_eps=config.rms_norm_eps,
        rope_scaling=rope_scaling(getattr(config, "rope_scaling", None), config.rope_theta, head_size),
        max_positions=min(longest, window or longest),
    )
    return shape, bool(config.tie_word_embeddings)
