"""How a decoder's matrices are stored and multiplied: what an export chooses and a bundle's manifest tells."""

from __future__ import annotations

from dataclasses import dataclass

from models.quantize import HEAD_BLOCK

FORMATS = ("int4", "int8", "fp16", "fp32")


@dataclass(frozen=True)
class DecoderSettings:
    """The defaults are those of the default model. ValueError for a setting that there is not.

    projections, head: one of FORMATS; the embedding table has the head's. fp16 halves the file, not the memory: without
    kernels that multiply by float16 on x86-64, onnxruntime makes float32 of it while it loads. int8 runs on onnxruntime
    1.22 and newer.
    block, head_block: the most weights of a row that share a scale, a power of two from 16; what does not divide a row
    is halved until it does (models.quantize.block_for). None: 64.
    symmetric: no zero points: every block's codes lie around the middle one.
    accuracy_level: of MatMulNBits; 4 rounds activations to 8 bits (the fast integer kernels), 1 keeps them float32,
    which is slow, and for int8 so slow that it serves comparison alone.
    """

    projections: str = "int4"
    head: str = "int4"
    block: int | None = None
    head_block: int = HEAD_BLOCK
    symmetric: bool = False
    accuracy_level: int = 4

    def __post_init__(self) -> None:
        for kind in (self.projections, self.head):
            if kind not in FORMATS:
                raise ValueError(f"A decoder's matrices are {', '.join(FORMATS)}, not {kind}.")
        for block in (self.block, self.head_block):
            if block is not None and (block < 16 or block & (block - 1)):
                raise ValueError(f"A block has a power of two of weights, 16 or more, not {block}.")
        if self.accuracy_level not in range(5):
            raise ValueError(f"An accuracy level is 0 to 4, not {self.accuracy_level}.")


SHIPPED = DecoderSettings()
