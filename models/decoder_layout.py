"""The sizes that someone who runs a decoder graph must know: what a bundle's manifest says of its decoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DecoderLayout:
    """Counts, but for the three offsets: bytes into the weights file, where the embedding table is.

    That is [vocabulary, hidden] of embedding_bits: a models.quantize.QuantizedMatrix of 4 or 8, in blocks of
    embedding_block weights, without zero points where there is no offset of them; a FloatMatrix of 16 or 32, which has
    neither blocks nor scales.
    """

    layers: int
    hidden: int
    kv_heads: int
    head_size: int
    vocabulary: int
    max_tokens: int
    embedding_block: int | None
    embedding_values: int
    embedding_scales: int | None
    embedding_zero_points: int | None
    embedding_bits: int = 4
