"""The sizes that someone who runs a decoder graph must know: what a bundle's manifest says of its decoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DecoderLayout:
    """Counts, but for the three offsets: bytes into the weights file, where the head's matrix is the embedding table.

    That is a models.quantize.QuantizedMatrix of 4 bits, [vocabulary, hidden], in blocks of embedding_block weights.
    """

    layers: int
    hidden: int
    kv_heads: int
    head_size: int
    vocabulary: int
    max_tokens: int
    embedding_block: int
    embedding_values: int
    embedding_scales: int
    embedding_zero_points: int
