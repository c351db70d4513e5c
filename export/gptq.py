"""4-bit rounding that makes up for its own errors: GPTQ (Frantar et al. 2022), for blocks with integer zero points.

Knows a matrix, what it is multiplied by, and the order in which a model multiplies. Does not know what the model is
calibrated on, nor how the result is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from export.reference import load_reference
from models.decoder_matrices import DecoderWeights, Quantizer
from models.decoder_settings import SHIPPED, DecoderSettings
from models.quantize import QuantizedMatrix, block_for, quantize_4bit

_DAMPING = 0.01  # of the mean of the diagonal, added to it: what GPTQ's authors use
_COLUMNS_AT_A_TIME = 64
_SHARING = (  # projections that are multiplied by the same, in the order in which a layer comes to them
    ("self_attn", ("q", "k", "v")),
    ("self_attn", ("o",)),
    ("mlp", ("gate", "up")),
    ("mlp", ("down",)),
)


def gptq_quantizer(
    weights: DecoderWeights,
    sequences: Sequence[np.ndarray],
    settings: DecoderSettings = SHIPPED,
    progress: Callable[[float], None] | None = None,
) -> Quantizer:
    """For write_decoder with the same weights and settings. All rounding is done here, in one pass of the model.

    sequences: float32 [n, hidden] each, embeddings of words and visual tokens as they enter the decoder; some hundred,
    of lengths that are much alike. Each matrix sees what those before it, rounded already, make of them. Takes the
    memory of the model in float32. progress: called with the share done, 0 to 1.
    """
    model = load_reference(weights)
    longest = max(map(len, sequences))
    used = torch.tensor([[place < len(sequence) for place in range(longest)] for sequence in sequences])
    inputs = torch.zeros(len(sequences), longest, weights.shape.hidden)
    inputs[used] = torch.from_numpy(np.concatenate(sequences).astype(np.float32))
    rounded: dict[tuple[int, str], QuantizedMatrix] = {}

    def watch(layer: int, part: Any, names: Sequence[str]) -> None:
        products = [getattr(part, f"{name}_proj") for name in names]

        def first_product(module: Any, arguments: tuple[torch.Tensor, ...]) -> None:
            seen = arguments[0][used]
            weight = np.concatenate([product.weight.detach().numpy() for product in products])
            block = block_for(weight.shape[1], settings.block or 64)
            together = gptq_4bit(weight, block, (seen.T @ seen / len(seen)).numpy(), settings.symmetric)
            row = 0
            for name, product in zip(names, products, strict=True):
                rows = np.arange(row, row + len(product.weight))
                row += len(rows)
                rounded[layer, name] = matrix = together.rows(rows)
                product.weight.copy_(torch.from_numpy(matrix.dequantize()))
            if progress:
                progress(len(rounded) / (7 * weights.shape.layers))

        products[0].register_forward_pre_hook(first_product)

    for layer, modules in enumerate(model.model.layers):
        for part, names in _SHARING:
            watch(layer, getattr(modules, part), names)
    with torch.no_grad():
        # Padding stands at the end, where nothing that counts can see it.
        model.model(inputs_embeds=inputs, use_cache=False)

    return lambda weight, layer, name, block: rounded[layer, name]


def gptq_4bit(weight: np.ndarray, block: int, hessian: np.ndarray, symmetric: bool = False) -> QuantizedMatrix:
    """Rounds float32 [out, in] column by column; those still to come take up the error in the product.

    hessian: float [in, in], the mean of x x' over what the matrix is multiplied by. Ranges and zero points are those of
    quantize_4bit, weighed by the diagonal, and fixed before the first column is rounded ("static groups"), so that the
    columns can go in the order of their weight ("act order") and still share a scale with their neighbours in place.
    """
    rows, columns = weight.shape
    diagonal = np.diag(hessian).astype(np.float32)
    ranges = quantize_4bit(weight, block, diagonal, symmetric)
    order = np.argsort(-diagonal, kind="stable")
    spread = _spread(hessian[np.ix_(order, order)])
    place = order // block
    scales = np.where(ranges.scales == 0, np.float32(1), ranges.scales).T[place]
    zero_points = _zero_points(ranges)
    zeros = zero_points.astype(np.float32).T[place]
    left = weight.T[order].astype(np.float32)
    codes = np.empty((columns, rows), np.uint8)
    for start in range(0, columns, _COLUMNS_AT_A_TIME):
        end = min(start + _COLUMNS_AT_A_TIME, columns)
        errors = np.empty((end - start, rows), np.float32)
        for j in range(start, end):
            code = np.clip(np.rint(left[j] / scales[j]) + zeros[j], 0, 15)
            codes[order[j]] = code
            errors[j - start] = error = (left[j] - (code - zeros[j]) * scales[j]) / spread[j, j]
            left[j + 1 : end] -= spread[j, j + 1 : end, None] * error
        left[end:] -= spread[start:end, end:].T @ errors
    blocks = np.ascontiguousarray(codes.T).reshape(rows, -1, block)
    return QuantizedMatrix.of_codes(blocks, ranges.scales, None if symmetric else zero_points)


def product_error(weight: np.ndarray, rounded: np.ndarray, hessian: np.ndarray) -> float:
    """Mean square of the error in the product, as a share of the mean square of the product."""
    error = rounded - weight
    return float(((error @ hessian) * error).sum() / ((weight @ hessian) * weight).sum())


def _spread(hessian: np.ndarray) -> np.ndarray:
    """The upper factor U of the damped inverse, U' U, float32: row j says how column j's error spreads to the right."""
    damped = hessian.astype(np.float64)
    damped[np.diag_indices_from(damped)] += _DAMPING * max(float(np.diag(damped).mean()), 1e-12)
    return np.ascontiguousarray(np.linalg.cholesky(np.linalg.inv(damped)).T.astype(np.float32))


def _zero_points(matrix: QuantizedMatrix) -> np.ndarray:
    """uint8 [out, blocks], one a byte."""
    if matrix.zero_points is None:
        return np.full(matrix.scales.shape, 8, np.uint8)
    both = np.stack([matrix.zero_points & 15, matrix.zero_points >> 4], -1).reshape(len(matrix.scales), -1)
    return both[:, : matrix.scales.shape[1]]
