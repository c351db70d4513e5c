"""Reads a Llama-family GGUF file with numpy alone: its hyper-parameters, its weights and its tokenizer.

Knows the file format and the two conventions that differ from the checkpoint it was made from (quantised blocks and
the row order of q and k). Does not know how the weights are used or stored afterwards.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader, dequantize
from tokenizers import Tokenizer

from models.errors import GlintError
from models.gguf_tokenizer import read_tokenizer
from models.llama_shape import LlamaShape, rope_scaling

_INTERLEAVED = {"llama": True, "qwen2": False}  # by architecture: the row order of q and k; Mistral's are "llama"

_ROLES = ("bos", "eos", "unknown", "padding")


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
        self._path = path
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        self.architecture = self.field("general.architecture")
        if self.architecture not in _INTERLEAVED:
            raise GlintError(f"{path} holds a {self.architecture} model; only Llama-family models can be read.")
        if self._value("expert_count", 0):
            raise GlintError(f"{path} holds a mixture of experts; only plain Llama-family models can be read.")
        self.shape = self._shape()

    def _shape(self) -> LlamaShape:
        heads, hidden = self._value("attention.head_count"), self._value("embedding_length")
        head_size = self._value("attention.key_length", hidden // heads)
        if self._value("attention.value_length", head_size) != head_size:
            raise GlintError(f"{self._path} has keys and values of different sizes, which cannot be read.")
        if self._value("rope.dimension_count", head_size) != head_size:
            raise GlintError(f"{self._path} turns only a part of each head (rotary embedding), which cannot be read.")
        base = self._value("rope.freq_base", 10_000.0)
        longest = self._value("context_length", 2048)
        return LlamaShape(
            layers=self._value("block_count"),
            hidden=hidden,
            heads=heads,
            kv_heads=self._value("attention.head_count_kv", heads),
            head_size=head_size,
            feed_forward=self._value("feed_forward_length"),
            vocabulary=len(self._reader.fields["tokenizer.ggml.tokens"].data),
            rope_base=base,
            rms_eps=self._value("attention.layer_norm_rms_epsilon"),
            rope_scaling=self._rope_scaling(base, head_size),
            max_positions=min(longest, self._value("attention.sliding_window", longest) or longest),
        )

    def _rope_scaling(self, base: float, head_size: int) -> tuple[float, ...] | None:
        factors = self.optional("rope_freqs.weight")  # what "llama3" comes to, put down when the file was written
        if factors is not None:
            return tuple(float(factor) for factor in factors)
        kind = self._value("rope.scaling.type", "none")
        config = {"rope_type": kind, "factor": self._value("rope.scaling.factor", 1.0)}
        return None if kind == "none" else rope_scaling(config, base, head_size)

    def field(self, name: str, default: Any = None) -> Any:
        """A field's content by its full name. GlintError where there is none and no default."""
        field = self._reader.fields.get(name)
        if field is None and default is None:
            raise GlintError(f"{self._path} has no field {name!r}, so it is not a Llama-family model.")
        return default if field is None else field.contents()

    def _value(self, name: str, default: Any = None) -> Any:
        return self.field(f"{self.architecture}.{name}", default)

    def embeddings(self, rows: slice = slice(None)) -> np.ndarray:
        """Token embeddings as float32 [rows, hidden]."""
        return self._dequantized("token_embd.weight", rows)

    def head(self, rows: slice = slice(None)) -> np.ndarray | None:
        """Rows of the head, float32 [rows, hidden]; None where it is the matrix of the embeddings."""
        return self._dequantized("output.weight", rows) if "output.weight" in self._tensors else None

    def optional(self, name: str) -> np.ndarray | None:
        """As `tensor`; None where the file has none."""
        return self.tensor(name) if name in self._tensors else None

    def tensor(self, name: str) -> np.ndarray:
        """One weight as float32, [out, in] (or [n] for norms), in the order of the original checkpoint.

        Row order: GGUF stores q and k rows for interleaved rotary embedding; they are put back to half-rotation order.
        """
        weight = self._dequantized(name)
        if _INTERLEAVED[self.architecture] and name.endswith(("attn_q.weight", "attn_k.weight")):
            half = self.shape.head_size // 2
            rows = weight.reshape(-1, half, 2, weight.shape[1])
            weight = np.ascontiguousarray(rows.transpose(0, 2, 1, 3)).reshape(weight.shape)
        return weight

    def _dequantized(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        tensor = self._tensors.get(name)
        if tensor is None:
            raise GlintError(f"{self._path} has no tensor {name!r}.")
        try:
            return dequantize(tensor.data[rows], tensor.tensor_type).astype(np.float32, copy=False)
        except NotImplementedError as error:
            raise GlintError(
                f"{self._path} holds {name} as {tensor.tensor_type.name}, which cannot be read; "
                "take a file of another quantisation (Q8_0, Q4_K_M, F16)."
            ) from error

    def text_of(self, name: str) -> str | None:
        """A field that is a text, such as "general.license"; None where there is none."""
        text = self.field(name, "")
        return text if isinstance(text, str) and text else None

    def chat_template(self) -> str | None:
        """The Jinja template of its prompts."""
        return self.text_of("tokenizer.chat_template")

    def special_tokens(self) -> dict[str, str]:
        """The tokens that it gives a role ("bos", "eos", "unknown", "padding"), by role."""
        tokens = self.field("tokenizer.ggml.tokens")
        ids = {role: self.field(f"tokenizer.ggml.{role}_token_id", -1) for role in _ROLES}
        return {role: tokens[i] for role, i in ids.items() if 0 <= i < len(tokens)}

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the file carries; it puts nothing before or after a text. GlintError for another kind."""
        return read_tokenizer(self.field)
