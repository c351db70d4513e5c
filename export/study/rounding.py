"""Ways of rounding to 4 bits that the runtime's own search is compared with. Both look at nothing but the weights."""

from __future__ import annotations

import numpy as np

from models.quantize import QuantizedMatrix, stack

_NORM, _SHARPNESS, _SHARPENING, _STEPS = 0.7, 10.0, 1.01, 20  # p, beta, kappa and iterations of HQQ's authors
_ROWS_AT_A_TIME = 256


def plain_4bit(weight: np.ndarray, block: int, symmetric: bool = False) -> QuantizedMatrix:
    """The nearest of 16 values that are spread evenly over the range of each block. weight: float32 [out, in]."""
    blocks = weight.reshape(len(weight), -1, block)
    scales, zeros = _full_range(blocks, symmetric)
    return _rounded(blocks, scales, zeros, symmetric)


def hqq_4bit(weight: np.ndarray, block: int, symmetric: bool = False) -> QuantizedMatrix:
    """Half-quadratic quantisation (Badri and Shaji 2023): leaves few large errors rather than many small ones.

    weight: float32 [out, in]. Theirs keeps the scale of the full range and moves the zero point by parts of a step.
    Here zero points are integers, so that rounding them would undo it: the same iteration fits the scale instead.
    """
    parts = []
    for start in range(0, len(weight), _ROWS_AT_A_TIME):
        blocks = weight[start : start + _ROWS_AT_A_TIME].reshape(-1, weight.shape[1] // block, block)
        scales, zeros = _full_range(blocks, symmetric)
        best, best_error, sharpness = scales, np.full(scales.shape, np.inf), _SHARPNESS
        for _ in range(_STEPS):
            code = np.clip(np.rint(blocks / scales[..., None]), -zeros[..., None], 15 - zeros[..., None])
            left = blocks - code * scales[..., None]
            error = (np.abs(left) ** _NORM).mean(-1)
            best, best_error = np.where(error < best_error, scales, best), np.minimum(error, best_error)
            size = np.abs(left)
            shrunk = np.sign(left) * np.maximum(size - np.maximum(size, 1e-12) ** (_NORM - 1) / sharpness, 0)
            square = (code * code).sum(-1)
            fitted = ((blocks - shrunk) * code).sum(-1) / np.where(square == 0, 1, square)
            scales = np.where(fitted > 0, fitted, scales).astype(np.float32)
            sharpness *= _SHARPENING
        parts.append(_rounded(blocks, best.astype(np.float32), zeros, symmetric))
    whole = stack(parts)
    assert isinstance(whole, QuantizedMatrix)
    return whole


def _full_range(blocks: np.ndarray, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scales and zero points, float32 [out, blocks]."""
    if symmetric:
        scales = np.abs(blocks).max(-1) / np.float32(7)
        return np.where(scales == 0, np.float32(1), scales), np.full(scales.shape, 8, np.float32)
    low, high = np.minimum(blocks.min(-1), 0), np.maximum(blocks.max(-1), 0)
    scales = (high - low) / np.float32(15)
    scales[scales == 0] = 1
    return scales, np.rint(-low / scales)


def _rounded(blocks: np.ndarray, scales: np.ndarray, zeros: np.ndarray, symmetric: bool) -> QuantizedMatrix:
    codes = np.clip(np.rint(blocks / scales[..., None]) + zeros[..., None], 0, 15).astype(np.uint8)
    return QuantizedMatrix.of_codes(codes, scales, None if symmetric else zeros.astype(np.uint8))
