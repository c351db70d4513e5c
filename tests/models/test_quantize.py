import numpy as np
import pytest

from models.quantize import QuantizedMatrix, block_for, quantize_4bit, stack

BLOCK = 32


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
    assert relative_error(weight, quantize_4bit(weight, BLOCK).dequantize()) < 0.96 * relative_error(weight, plain)


def test_4bit_is_exact_where_sixteen_values_suffice():
    codes = np.random.default_rng(0).integers(0, 16, (7, 3, BLOCK))
    codes[..., :2] = 0, 15
    scales = np.float32([0.5, 0.01, 3.0])
    weight = ((codes - 6) * scales[:, None]).reshape(7, -1).astype(np.float32)
    np.testing.assert_allclose(quantize_4bit(weight, BLOCK).dequantize(), weight, rtol=1e-6)


def test_columns_of_importance_are_rounded_with_less_error():
    weight = gaussian(200, 128)
    importance = np.ones(128, np.float16)
    importance[:12] = 50
    plain = quantize_4bit(weight, 64).dequantize() - weight
    weighed = quantize_4bit(weight, 64, importance).dequantize() - weight
    assert np.square(weighed[:, :12]).mean() < 0.9 * np.square(plain[:, :12]).mean()
    assert np.square(weighed[:, 64:]).mean() == np.square(plain[:, 64:]).mean()  # a block of its own
    assert (np.square(weighed) * importance).mean() < (np.square(plain) * importance).mean()


def test_columns_that_are_never_used_may_have_no_importance_at_all():
    weight = gaussian(3, 64)
    assert np.isfinite(quantize_4bit(weight, 64, np.zeros(64, np.float16)).dequantize()).all()


def test_importance_of_another_length_is_refused():
    with pytest.raises(ValueError, match="64 weights"):
        quantize_4bit(gaussian(3, 64), 64, np.ones(32, np.float16))


@pytest.mark.parametrize(("columns", "block"), [(576, 64), (1536, 64), (96, 32), (160, 32)])
def test_blocks_are_as_long_as_fit(columns, block):
    assert block_for(columns) == block


@pytest.mark.parametrize("value", [0.0, 0.25, -3.0])
def test_a_constant_block_is_kept(value):
    weight = np.full((2, 64), value, np.float32)
    np.testing.assert_allclose(quantize_4bit(weight, BLOCK).dequantize(), weight, rtol=0.04)


def test_blocks_do_not_influence_one_another():
    weight = gaussian(4, 96)
    other = weight.copy()
    other[:, 32:64] *= 1000
    first, second = quantize_4bit(weight, BLOCK).dequantize(), quantize_4bit(other, BLOCK).dequantize()
    np.testing.assert_array_equal(first[:, :32], second[:, :32])
    np.testing.assert_array_equal(first[:, 64:], second[:, 64:])


def test_layout_is_low_nibble_first_and_zero_points_are_padded():
    weight = np.zeros((1, 96), np.float32)
    weight[0, :32] = np.arange(32) % 16 - 5  # codes 0..15 twice, zero point 5
    matrix = quantize_4bit(weight, BLOCK)
    assert matrix.shape == (1, 96)
    assert matrix.values.shape == (1, 3, 16)
    assert matrix.values[0, 0, :3].tolist() == [0x10, 0x32, 0x54]
    assert matrix.zero_points is not None
    assert matrix.zero_points.shape == (1, 2)
    assert matrix.zero_points[0, 0] & 15 == 5


def test_some_rows_are_the_same_rows_of_the_whole():
    matrix = quantize_4bit(gaussian(9, 96), BLOCK)
    rows = np.array([7, 0, 7])
    np.testing.assert_array_equal(matrix.rows(rows).dequantize(), matrix.dequantize()[rows])


def test_no_rows_are_a_matrix_too():
    assert quantize_4bit(gaussian(9, 96), BLOCK).rows(np.zeros(0, np.int64)).dequantize().shape == (0, 96)


def test_8_bits_lie_around_128():
    matrix = QuantizedMatrix(8, np.uint8([[[128, 130], [0, 255]]]), np.float32([[0.5, 2]]))
    assert matrix.shape == (1, 4)
    np.testing.assert_array_equal(matrix.dequantize(), [[0, 1, -256, 254]])


def test_stacked_matrices_lie_under_one_another():
    parts = [quantize_4bit(gaussian(rows, 96, rows), BLOCK) for rows in (3, 5)]
    expected = np.concatenate([part.dequantize() for part in parts])
    np.testing.assert_array_equal(stack(parts).dequantize(), expected)


def test_a_row_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="40 weights"):
        quantize_4bit(gaussian(2, 40), BLOCK)
