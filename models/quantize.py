"""Weight matrices as they are stored: small integers in blocks, laid out for onnxruntime's MatMulNBits, or floats.

Knows nothing of models, files or graphs, and needs numpy alone: a float32 matrix goes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_CLIP_RATIOS = (1.07, 1.03, 1.0, 0.97, 0.94, 0.91, 0.88, 0.84, 0.8)
_SYMMETRIC_RATIOS = (8 / 7, *_CLIP_RATIOS)  # 8 / 7: the extreme is code 15 of the other sign's side
_ROWS_AT_A_TIME = 256  # keeps the temporaries of the search inside the processor's cache


@dataclass(frozen=True)
class QuantizedMatrix:
    """A matrix [out, in] in blocks along its rows; weight = (value - zero point) * scale.

    values: uint8 [out, blocks, block * bits / 8], low nibble first when bits is 4.
    scales: float32 [out, blocks].
    zero_points: uint8 [out, ceil(blocks / 2)], two a byte (low nibble first), for 4 bits, [out, blocks] for 8; None
    means 2^(bits - 1).
    """

    bits: int
    values: np.ndarray
    scales: np.ndarray
    zero_points: np.ndarray | None = None

    @classmethod
    def of_codes(
        cls, codes: np.ndarray, scales: np.ndarray, zero_points: np.ndarray | None = None, bits: int = 4
    ) -> QuantizedMatrix:
        """Packs codes, uint8 [out, blocks, block], and zero points, uint8 [out, blocks], one a byte as yet."""
        if bits == 8:
            return cls(8, codes, scales, zero_points)
        if zero_points is not None:
            zero_points = _pack_nibbles(np.pad(zero_points, ((0, 0), (0, zero_points.shape[1] % 2))))
        return cls(4, _pack_nibbles(codes), scales, zero_points)

    def rows(self, rows: np.ndarray) -> QuantizedMatrix:
        """The matrix of some of its rows: int [n]."""
        zeros = None if self.zero_points is None else self.zero_points[rows]
        return QuantizedMatrix(self.bits, self.values[rows], self.scales[rows], zeros)

    @property
    def block(self) -> int:
        return self.values.shape[2] * 8 // self.bits

    @property
    def shape(self) -> tuple[int, int]:
        return self.scales.shape[0], self.scales.shape[1] * self.block

    def dequantize(self) -> np.ndarray:
        """The float32 matrix [out, in] that the runtime multiplies by."""
        codes = self.values if self.bits == 8 else _unpack_nibbles(self.values)
        if self.zero_points is None:
            zeros = np.full(self.scales.shape, 1 << (self.bits - 1), np.float32)
        elif self.bits == 8:
            zeros = self.zero_points.astype(np.float32)
        else:
            zeros = _unpack_nibbles(self.zero_points)[:, : self.scales.shape[1]].astype(np.float32)
        return ((codes - zeros[..., None]) * self.scales[..., None]).reshape(self.shape)


@dataclass(frozen=True)
class FloatMatrix:
    """A matrix [out, in] that is not quantised: float16 or float32. Has what a QuantizedMatrix has to be looked up."""

    values: np.ndarray

    @property
    def bits(self) -> int:
        return self.values.itemsize * 8

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]

    def rows(self, rows: np.ndarray) -> FloatMatrix:
        """The matrix of some of its rows: int [n]."""
        return FloatMatrix(self.values[rows])

    def dequantize(self) -> np.ndarray:
        """The float32 matrix [out, in] that the runtime multiplies by."""
        return self.values.astype(np.float32)


Matrix = QuantizedMatrix | FloatMatrix

HEAD_BLOCK = 32  # of the head, which suffers more than other matrices from a coarse scale


def block_for(columns: int, most: int = 64) -> int:
    """Weights of a row that share a scale: `most`, halved until it divides the row. ValueError when even 16 does not.

    64 rather than 32 where it fits: fewer scales to read make every product faster.
    """
    block = most
    while columns % block:
        block //= 2
    if block < 16:
        raise ValueError(f"A row of {columns} weights does not divide into blocks of 16 or more.")
    return block


def quantize_4bit(
    weight: np.ndarray, block: int, importance: np.ndarray | None = None, symmetric: bool = False
) -> QuantizedMatrix:
    """Quantises float32 [out, in], in a multiple of `block`, to 4 bits with a scale and an integer zero point a block.

    Each block tries several ranges (the full one, and ones that clip its extremes), rounds to the nearest code, refits
    the scale to the codes by least squares, and keeps the range with the smallest squared error. The refit is the one
    of llama.cpp's k-quants (make_qkx2_quants), here with an integer zero point instead of a free minimum.

    importance: float [in], how much an error in each column counts; the mean square of what the column is multiplied
    by makes it the error of the product (llama.cpp's importance matrix). Default: all alike.
    symmetric: no zero points; the extreme of a block is code 0, so that its scale may be negative (llama.cpp's Q4_0).
    """
    rows, columns = _checked(weight, block)
    blocks = columns // block
    counts = np.ones(columns, np.float32) if importance is None else importance.astype(np.float32)
    if counts.shape != (columns,):
        raise ValueError(f"Importance of shape {counts.shape} does not fit a row of {columns} weights.")
    codes = np.empty((rows, blocks, block), np.uint8)
    zeros = np.empty((rows, blocks), np.uint8)
    scales = np.empty((rows, blocks), np.float32)
    for start in range(0, rows, _ROWS_AT_A_TIME):
        part = slice(start, start + _ROWS_AT_A_TIME)
        codes[part], zeros[part], scales[part] = _search(
            weight[part].reshape(-1, blocks, block), counts.reshape(blocks, block), symmetric
        )
    return QuantizedMatrix.of_codes(codes, scales, None if symmetric else zeros)


def quantize_8bit(weight: np.ndarray, block: int, symmetric: bool = False) -> QuantizedMatrix:
    """Rounds float32 [out, in], in a multiple of `block`, to 8 bits over the full range of each block."""
    blocks = weight.reshape(_checked(weight, block)[0], -1, block)
    if symmetric:
        scales = np.abs(blocks).max(-1) / np.float32(127)
        zeros = np.full(scales.shape, 128, np.float32)
    else:
        low, high = np.minimum(blocks.min(-1), 0), np.maximum(blocks.max(-1), 0)
        scales = (high - low) / np.float32(255)
        zeros = np.rint(-low / np.where(scales == 0, np.float32(1), scales))
    code = np.rint(blocks / np.where(scales == 0, np.float32(1), scales)[..., None]) + zeros[..., None]
    codes = np.clip(code, 0, 255).astype(np.uint8)
    return QuantizedMatrix.of_codes(codes, scales, None if symmetric else zeros.astype(np.uint8), bits=8)


def stack(parts: Sequence[Matrix]) -> Matrix:
    """The matrices, all of one format, under one another: one product then gives the outputs of all, side by side."""
    floats = [part for part in parts if isinstance(part, FloatMatrix)]
    if floats:
        return FloatMatrix(np.concatenate([part.values for part in floats]))
    quantized = [part for part in parts if isinstance(part, QuantizedMatrix)]
    zeros = [part.zero_points for part in quantized if part.zero_points is not None]
    return QuantizedMatrix(
        quantized[0].bits,
        np.concatenate([part.values for part in quantized]),
        np.concatenate([part.scales for part in quantized]),
        np.concatenate(zeros) if zeros else None,
    )


def _checked(weight: np.ndarray, block: int) -> tuple[int, int]:
    rows, columns = weight.shape
    if columns % block:
        raise ValueError(f"A row of {columns} weights does not divide into blocks of {block}.")
    return rows, columns


def _search(blocks: np.ndarray, counts: np.ndarray, symmetric: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    low = np.minimum(blocks.min(-1), 0)
    high = np.maximum(blocks.max(-1), 0)
    best_error = np.full(low.shape, np.inf, np.float32)
    best_zero = np.full(low.shape, 8 * symmetric, np.float32)
    best_scale = np.zeros(low.shape, np.float32)
    for ratio in _SYMMETRIC_RATIOS if symmetric else _CLIP_RATIOS:
        if symmetric:
            step = np.where(high > -low, high, low) * np.float32(ratio / -8)
            step[step == 0] = 1
            zero = np.full_like(step, 8)
        else:
            step = (high - low) * np.float32(ratio / 15)
            step[step == 0] = 1
            zero = np.rint(-low * np.float32(ratio) / step)
        code = blocks / step[..., None]
        np.rint(code, out=code)
        np.clip(code, -zero[..., None], 15 - zero[..., None], out=code)
        # Least squares for a fixed code: scale = <w, c> / <c, c>; what it leaves is <w, w> - <w, c>^2 / <c, c>, of
        # which <w, w> is the same for every candidate. Columns count by importance in all three products.
        counted = code * counts
        along = np.einsum("rbk,rbk->rb", blocks, counted)
        square = np.einsum("rbk,rbk->rb", code, counted)
        square[square == 0] = 1
        error = -along * along / square
        better = error < best_error
        best_error[better] = error[better]
        best_zero[better] = zero[better]
        best_scale[better] = (along / square)[better]
    step = np.where(best_scale == 0, np.float32(1), best_scale)
    code = np.rint(blocks / step[..., None]) + best_zero[..., None]
    return np.clip(code, 0, 15).astype(np.uint8), best_zero.astype(np.uint8), best_scale


def _pack_nibbles(codes: np.ndarray) -> np.ndarray:
    return codes[..., 0::2] | (codes[..., 1::2] << 4)


def _unpack_nibbles(packed: np.ndarray) -> np.ndarray:
    return np.stack([packed & 15, packed >> 4], -1).reshape(*packed.shape[:-1], 2 * packed.shape[-1])
