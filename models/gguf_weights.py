"""Reads a Llama-family GGUF file with numpy alone: its hyper-parameters, its weights and its tokenizer.

Knows the file format and the two conventions that differ from the checkpoint it was made from (quantised blocks and
the row order of q and k). Does not know how the weights are used or stored afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader, dequantize
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from models.errors import GlintError

CONTROL_TOKEN = 3  # gguf's token type for <|im_start|> and its like


@dataclass(frozen=True)
class LlamaShape:
    """Sizes of a Llama-family decoder; all counts, except `rope_base` and `rms_eps`."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    rope_base: float
    rms_eps: float

    @property
    def head_size(self) -> int:
        return self.hidden // self.heads


class _Reader(GGUFReader):
    """A slice of a memmap is a memmap again, which takes longer than all the rest of reading: sliced as an array."""

    @property  # type: ignore[override]
    def data(self) -> np.ndarray:
        return self._mapped

    @data.setter
    def data(self, mapped: np.ndarray) -> None:
        self._mapped = mapped.view(np.ndarray)


class GgufWeights:
    """A GGUF file opened read-only (memory-mapped).

    Raises GlintError when the file is not a readable GGUF file of a Llama-family model.
    """

    def __init__(self, path: Path):
        try:
            self._reader = _Reader(path)
        except Exception as error:  # gguf raises whatever numpy or struct raised
            raise GlintError(f"{path} is not a readable GGUF file ({error}); fetch it again.") from error
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        architecture = self._field("general.architecture")
        if architecture != "llama":
            raise GlintError(f"{path} holds a {architecture} model; only Llama-family models can be read.")

        def value(name: str) -> Any:
            return self._field(f"llama.{name}")

        self.shape = LlamaShape(
            layers=value("block_count"),
            hidden=value("embedding_length"),
            heads=value("attention.head_count"),
            kv_heads=value("attention.head_count_kv"),
            feed_forward=value("feed_forward_length"),
            vocabulary=len(self._reader.fields["tokenizer.ggml.tokens"].data),
            rope_base=value("rope.freq_base"),
            rms_eps=value("attention.layer_norm_rms_epsilon"),
        )

    def _field(self, name: str) -> Any:
        field = self._reader.fields.get(name)
        if field is None:
            raise GlintError(f"The GGUF file has no field {name!r}, so it is not a Llama-family model.")
        return field.contents()

    def embeddings(self, rows: slice = slice(None)) -> np.ndarray:
        """Token embeddings as float32 [rows, hidden]; the head is the same matrix in all models read here."""
        return self._dequantized("token_embd.weight", rows)

    def tensor(self, name: str) -> np.ndarray:
        """One weight as float32, [out, in] (or [n] for norms), in the order of the original checkpoint.

        Row order: GGUF stores q and k rows for interleaved rotary embedding; they are put back to half-rotation order.
        """
        weight = self._dequantized(name)
        if name.endswith(("attn_q.weight", "attn_k.weight")):
            half = self.shape.head_size // 2
            rows = weight.reshape(-1, half, 2, weight.shape[1])
            weight = np.ascontiguousarray(rows.transpose(0, 2, 1, 3)).reshape(weight.shape)
        return weight

    def _dequantized(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        tensor = self._tensors.get(name)
        if tensor is None:
            raise GlintError(f"The GGUF file has no tensor {name!r}.")
        return dequantize(tensor.data[rows], tensor.tensor_type).astype(np.float32, copy=False)

    def tokenizer(self) -> Tokenizer:
        """The byte-level BPE tokenizer that the file carries (GPT-2 style, digits one by one, as SmolLM2 uses)."""
        tokens = self._field("tokenizer.ggml.tokens")
        kinds = self._field("tokenizer.ggml.token_type")
        merges = [tuple(pair.split(" ", 1)) for pair in self._field("tokenizer.ggml.merges")]
        tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        tokenizer.decoder = decoders.ByteLevel()
        special = [t for t, kind in zip(tokens, kinds, strict=True) if kind == CONTROL_TOKEN]
        tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
        return tokenizer
