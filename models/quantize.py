"""Block quantisation of weight matrices, in the byte layout of onnxruntime's MatMulNBits, with numpy alone.

Knows nothing of models, files or graphs: a float32 matrix goes in, packed integers and scales come out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_CLIP_RATIOS = (1.07, 1.03, 1.0, 0.97, 0.94, 0.91, 0.88, 0.84, 0.8)
_ROWS_AT_A_TIME = 256  # keeps the temporaries of the search inside the processor's cache


@dataclass(frozen=True)
class QuantizedMatrix:
    """A matrix [out, in] in blocks along its rows; weight = (value - zero point) * scale.

    values: uint8 [out, blocks, block * bits / 8], low nibble first when bits is 4.
    scales: float32 [out, blocks].
    zero_points: uint8 [out, ceil(blocks / 2)], two a byte (low nibble first), for 4 bits; None means 2^(bits - 1).
    """

    bits: int
    values: np.ndarray
    scales: np.ndarray
    zero_points: np.ndarray | None = None

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
        else:
            zeros = _unpack_nibbles(self.zero_points)[:, : self.scales.shape[1]].astype(np.float32)
        return ((codes - zeros[..., None]) * self.scales[..., None]).reshape(self.shape)


HEAD_BLOCK = 32  # of the head, which suffers more than other matrices from a coarse scale


def block_for(columns: int) -> int:
    """Weights that share a scale. 64 where they fit: fewer scales to read make every product faster."""
    return 64 if columns % 64 == 0 else 32


def quantize_4bit(weight: np.ndarray, block: int, importance: np.ndarray | None = None) -> QuantizedMatrix:
    """Quantises float32 [out, in], in a multiple of `block`, to 4 bits with a scale and an integer zero point a block.

    Each block tries several ranges (the full one, and ones that clip its extremes), rounds to the nearest code, refits
    the scale to the codes by least squares, and keeps the range with the smallest squared error. The refit is the one
    of llama.cpp's k-quants (make_qkx2_quants), here with an integer zero point instead of a free minimum.

    importance: float [in], how much an error in each column counts; the mean square of what the column is multiplied
    by makes it the error of the product (llama.cpp's importance matrix). Default: all alike.
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
            weight[part].reshape(-1, blocks, block), counts.reshape(blocks, block)
        )
    if blocks % 2:
        zeros = np.pad(zeros, ((0, 0), (0, 1)))
    return QuantizedMatrix(4, _pack_nibbles(codes), scales, _pack_nibbles(zeros))


def stack(parts: list[QuantizedMatrix]) -> QuantizedMatrix:
    """The matrices under one another: one product then gives the outputs of all, side by side."""
    first = parts[0]
    zeros = None if first.zero_points is None else np.concatenate([p.zero_points for p in parts])
    return QuantizedMatrix(
        first.bits, np.concatenate([p.values for p in parts]), np.concatenate([p.scales for p in parts]), zeros
    )


def _checked(weight: np.ndarray, block: int) -> tuple[int, int]:
    rows, columns = weight.shape
    if columns % block:
        raise ValueError(f"A row of {columns} weights does not divide into blocks of {block}.")
    return rows, columns


def _search(blocks: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    low = np.minimum(blocks.min(-1), 0)
    high = np.maximum(blocks.max(-1), 0)
    best_error = np.full(low.shape, np.inf, np.float32)
    best_zero = np.zeros(low.shape, np.float32)
    best_scale = np.zeros(low.shape, np.float32)
    for ratio in _CLIP_RATIOS:
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
