"""The sizes that someone who runs a decoder graph must know: what a bundle's manifest says of its decoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DecoderLayout:
    """Counts, but for the two offsets: bytes into the weights file, where the head's matrix serves as embedding table.

    embedding_values: uint8 [vocabulary, hidden]; embedding_scales: float32 [vocabulary, hidden / embedding_block];
    embedding = (value - 128) * scale of its block.
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
