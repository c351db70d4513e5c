"""The matrices of a decoder in the formats that its settings give: what its graph stores, and what it is checked with.

Knows how a setting becomes a format. Does not know files or graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from models.decoder_settings import SHIPPED, DecoderSettings
from models.errors import GlintError
from models.llama_shape import LlamaShape
from models.quantize import FloatMatrix, Matrix, QuantizedMatrix, block_for, quantize_4bit, quantize_8bit, stack

_ROWS = 4096  # of the embeddings at a time

Quantizer = Callable[[np.ndarray, int, str, int], QuantizedMatrix]
"""(weight float32 [out, in], layer, name of the projection, block): the matrix rounded."""


class DecoderWeights(Protocol):
    """Where the float32 weights come from, one at a time (see AdaptedWeights)."""

    @property
    def shape(self) -> LlamaShape: ...
    def projection(self, layer: int, name: str) -> np.ndarray: ...
    def bias(self, layer: int, name: str) -> np.ndarray | None: ...
    def importance(self, layer: int, name: str) -> np.ndarray | None: ...
    def attention_norm(self, layer: int) -> np.ndarray: ...
    def feed_forward_norm(self, layer: int) -> np.ndarray: ...
    def output_norm(self) -> np.ndarray: ...
    def embeddings(self, rows: slice) -> np.ndarray: ...
    def head(self, rows: slice) -> np.ndarray | None:
        """Rows of the output matrix [vocabulary, hidden]; None where it is the embedding table."""


class DecoderMatrices:
    """`weights` as `settings` store them. quantize: rounds int4 and int8 projections instead of models.quantize."""

    def __init__(
        self,
        weights: DecoderWeights,
        settings: DecoderSettings = SHIPPED,
        quantize: Quantizer | None = None,
    ):
        self._weights = weights
        self._settings = settings
        self._quantize = quantize

    def projections(self, layer: int, *names: str) -> Matrix:
        """Some projections of a layer, under one another. GlintError where a row does not divide into blocks."""
        return stack([self._projection(layer, name) for name in names])

    def _projection(self, layer: int, name: str) -> Matrix:
        weight = self._weights.projection(layer, name)
        if self._quantize is not None and self._settings.projections.startswith("int"):
            return self._quantize(weight, layer, name, _block(weight, self._settings.block))
        return self._stored(
            weight, self._settings.projections, self._settings.block, self._weights.importance(layer, name)
        )

    def bias(self, layer: int, *names: str) -> np.ndarray | None:
        """What is added to the outputs of those projections, zeros for one that has none; None where none has one."""
        biases = [self._weights.bias(layer, name) for name in names]
        if all(bias is None for bias in biases):
            return None
        rows = [self._weights.shape.rows(name) for name in names]
        return np.concatenate([np.zeros(n, np.float32) if b is None else b for b, n in zip(biases, rows, strict=True)])

    def head(self) -> Matrix:
        """The output matrix; it is the embedding table too where they are tied."""
        return self._table(self._weights.embeddings if self.tied else self._weights.head)

    def embeddings(self) -> Matrix:
        """The embedding table, in the head's format."""
        return self._table(self._weights.embeddings)

    @property
    def tied(self) -> bool:
        return self._weights.head(slice(0, 1)) is None

    def _table(self, read: Callable[[slice], np.ndarray | None]) -> Matrix:
        # The largest matrix by far, so that it is not held in memory as float32.
        settings, parts = self._settings, []
        for row in range(0, self._weights.shape.vocabulary, _ROWS):
            part = read(slice(row, row + _ROWS))
            assert part is not None
            parts.append(self._stored(part, settings.head, settings.head_block))
        return stack(parts)

    def _stored(self, weight: np.ndarray, kind: str, most: int | None, importance: np.ndarray | None = None) -> Matrix:
        if kind == "fp32":
            return FloatMatrix(weight)
        if kind == "fp16":
            return FloatMatrix(weight.astype(np.float16))
        if kind == "int8":
            return quantize_8bit(weight, _block(weight, most), self._settings.symmetric)
        return quantize_4bit(weight, _block(weight, most), importance, self._settings.symmetric)


def _block(weight: np.ndarray, most: int | None) -> int:
    try:
        return block_for(weight.shape[1]) if most is None else block_for(weight.shape[1], most)
    except ValueError as error:
        raise GlintError(f"{error} Export this model with fp16 or fp32 matrices.") from error
