import numpy as np
import pytest

from models.quantize import BLOCK, quantize_4bit, quantize_8bit, stack


def gaussian(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def relative_error(weight: np.ndarray, copy: np.ndarray) -> float:
    return float(np.linalg.norm(copy - weight) / np.linalg.norm(weight))


def test_4bit_beats_rounding_over_the_full_range():
    weight = gaussian(300, 576)
    blocks = weight.reshape(300, -1, BLOCK)
    low, high = blocks.min(-1, keepdims=True), blocks.max(-1, keepdims=True)
    step = (high - low) / 15
    zero = np.rint(-low / step)
    plain = ((np.clip(np.rint(blocks / step) + zero, 0, 15) - zero) * step).reshape(weight.shape)
    assert relative_error(weight, quantize_4bit(weight).dequantize()) < 0.96 * relative_error(weight, plain)


def test_4bit_is_exact_where_sixteen_values_suffice():
    codes = np.random.default_rng(0).integers(0, 16, (7, 3, BLOCK))
    codes[..., :2] = 0, 15
    scales = np.float32([0.5, 0.01, 3.0])
    weight = ((codes - 6) * scales[:, None]).reshape(7, -1).astype(np.float32)
    np.testing.assert_allclose(quantize_4bit(weight).dequantize(), weight, rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.25, -3.0])
def test_a_constant_block_is_kept(value):
    weight = np.full((2, 64), value, np.float32)
    np.testing.assert_allclose(quantize_4bit(weight).dequantize(), weight, rtol=0.04)


def test_blocks_do_not_influence_one_another():
    weight = gaussian(4, 96)
    other = weight.copy()
    other[:, 32:64] *= 1000
    first, second = quantize_4bit(weight).dequantize(), quantize_4bit(other).dequantize()
    np.testing.assert_array_equal(first[:, :32], second[:, :32])
    np.testing.assert_array_equal(first[:, 64:], second[:, 64:])


def test_layout_is_low_nibble_first_and_zero_points_are_padded():
    weight = np.zeros((1, 96), np.float32)
    weight[0, :32] = np.arange(32) % 16 - 5  # codes 0..15 twice, zero point 5
    matrix = quantize_4bit(weight)
    assert matrix.shape == (1, 96)
    assert matrix.values.shape == (1, 3, 16)
    assert matrix.values[0, 0, :3].tolist() == [0x10, 0x32, 0x54]
    assert matrix.zero_points is not None
    assert matrix.zero_points.shape == (1, 2)
    assert matrix.zero_points[0, 0] & 15 == 5


@pytest.mark.parametrize("block", [32, 64])
def test_8bit_error_is_within_half_a_step(block):
    weight = gaussian(5, 128)
    matrix = quantize_8bit(weight, block)
    assert matrix.block == block
    error = np.abs(matrix.dequantize() - weight).reshape(5, -1, block)
    assert (error <= matrix.scales[..., None] * 0.5001).all()


def test_8bit_is_exact_for_what_was_8bit():
    codes = np.random.default_rng(0).integers(-127, 128, (3, 2, 32))
    codes[..., 0] = 127
    weight = (codes * np.float32([0.5, 0.125])[:, None]).reshape(3, 64).astype(np.float32)
    np.testing.assert_array_equal(quantize_8bit(weight, 32).dequantize(), weight)


def test_stacked_matrices_lie_under_one_another():
    parts = [quantize_4bit(gaussian(rows, 96, rows)) for rows in (3, 5)]
    expected = np.concatenate([part.dequantize() for part in parts])
    np.testing.assert_array_equal(stack(parts).dequantize(), expected)


def test_a_row_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="40 weights"):
        quantize_4bit(gaussian(2, 40))
