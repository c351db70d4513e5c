import numpy as np
import pytest

from models.quantize import FloatMatrix, QuantizedMatrix, block_for, quantize_4bit, quantize_8bit, stack

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


@pytest.mark.parametrize(
    ("columns", "most", "block"),
    [(576, 64, 64), (1536, 64, 64), (96, 64, 32), (160, 64, 32), (48, 64, 16), (576, 128, 64), (1536, 128, 128)],
)
def test_blocks_are_as_long_as_fit(columns, most, block):
    assert block_for(columns, most) == block


def test_rows_that_no_block_divides_are_refused():
    with pytest.raises(ValueError, match="40 weights"):
        block_for(40)


@pytest.mark.parametrize("symmetric", [False, True])
def test_8_bits_are_off_by_half_a_step_at_most(symmetric):
    weight = np.random.default_rng(1).uniform(-1, 1, (50, 128)).astype(np.float32)
    assert np.abs(quantize_8bit(weight, 64, symmetric).dequantize() - weight).max() < 1.01 / 255


@pytest.mark.parametrize("quantize", [quantize_4bit, quantize_8bit])
def test_symmetric_matrices_have_no_zero_points_and_more_error(quantize):
    weight = gaussian(100, 96) + 1  # lopsided
    plain, symmetric = quantize(weight, BLOCK), quantize(weight, BLOCK, symmetric=True)
    assert symmetric.zero_points is None
    assert relative_error(weight, plain.dequantize()) < relative_error(weight, symmetric.dequantize()) < 0.2


def test_a_symmetric_block_uses_all_sixteen_codes_for_either_sign():
    codes = np.arange(32) % 16 - 8
    weight = np.float32([codes, -codes]) * np.float32(0.25)
    matrix = quantize_4bit(weight, BLOCK, symmetric=True)
    np.testing.assert_allclose(matrix.dequantize(), weight, rtol=1e-6)
    np.testing.assert_allclose(matrix.scales[:, 0], [0.25, -0.25], rtol=1e-6)


def test_8_bits_lose_a_sixteenth_of_what_4_bits_lose():
    weight = gaussian(100, 96)
    four = relative_error(weight, quantize_4bit(weight, BLOCK).dequantize())
    assert relative_error(weight, quantize_8bit(weight, BLOCK).dequantize()) < four / 12


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("value", [0.0, 0.25, -3.0])
def test_a_constant_block_of_8_bits_is_kept(value, symmetric):
    weight = np.full((2, 64), value, np.float32)
    np.testing.assert_allclose(quantize_8bit(weight, BLOCK, symmetric).dequantize(), weight, rtol=0.003)


def test_codes_are_packed_as_they_are_read():
    random = np.random.default_rng(0)
    for bits in (4, 8):
        codes = random.integers(0, 1 << bits, (5, 3, BLOCK)).astype(np.uint8)
        zeros = random.integers(0, 1 << bits, (5, 3)).astype(np.uint8)
        scales = random.uniform(0.1, 1, (5, 3)).astype(np.float32)
        expected = (codes.astype(np.float32) - zeros[..., None]) * scales[..., None]
        matrix = QuantizedMatrix.of_codes(codes, scales, zeros, bits)
        np.testing.assert_array_equal(matrix.dequantize(), expected.reshape(5, -1))
        assert matrix.block == BLOCK


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_floats_are_kept_as_they_are(kind):
    weight = gaussian(9, 40).astype(kind)
    matrix = FloatMatrix(weight)
    assert matrix.bits == weight.itemsize * 8
    assert matrix.shape == (9, 40)
    assert matrix.rows(np.array([3, 3])).dequantize().dtype == np.float32
    np.testing.assert_array_equal(matrix.rows(np.array([3, 3])).dequantize(), weight[[3, 3]])
    whole = stack([matrix.rows(np.arange(4)), matrix.rows(np.arange(4, 9))])
    np.testing.assert_array_equal(whole.dequantize(), weight)


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
    for quantize in (quantize_4bit, quantize_8bit):
        for symmetric in (False, True):
            parts = [quantize(gaussian(rows, 96, rows), BLOCK, symmetric=symmetric) for rows in (3, 5)]
            expected = np.concatenate([part.dequantize() for part in parts])
            np.testing.assert_array_equal(stack(parts).dequantize(), expected)


def test_a_row_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="40 weights"):
        quantize_4bit(gaussian(2, 40), BLOCK)
