from dataclasses import replace

import numpy as np
import pytest
from tiny_llama import SHAPE

from models.errors import GlintError
from models.llama_shape import rope_scaling

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def test_sizes_of_the_projections():
    shape = replace(SHAPE, head_size=48)
    assert [shape.rows(name) for name in ("q", "k", "v", "o", "gate", "down")] == [192, 96, 96, 128, 160, 128]
    assert [shape.columns(name) for name in ("q", "k", "v", "o", "gate", "down")] == [128, 128, 128, 192, 128, 160]


@pytest.mark.parametrize("config", [None, {}, {"rope_type": "default"}, {"type": "default"}])
def test_without_scaling_nothing_is_divided(config):
    assert rope_scaling(config, 10_000.0, 64) is None
    assert SHAPE.frequencies()[0] == 1


@pytest.mark.parametrize("key", ["rope_type", "type"])
def test_linear_scaling_divides_every_frequency(key):
    assert rope_scaling({key: "linear", "factor": 2}, 10_000.0, 8) == (2.0,) * 4


def test_llama3_keeps_short_waves_divides_long_ones_and_goes_over_between():
    divisors = np.array(rope_scaling(LLAMA3, 500_000.0, 128))
    wavelengths = 2 * np.pi * 500_000.0 ** (np.arange(64) / 64)
    assert (divisors[wavelengths < 8192 / 4] == 1).all()
    np.testing.assert_allclose(divisors[wavelengths > 8192], 8)
    between = divisors[(wavelengths > 8192 / 4) & (wavelengths < 8192)]
    assert len(between) > 1
    assert (np.diff(between) > 0).all()
    assert 1 < between.min() < between.max() < 8


def test_scaling_that_cannot_be_computed_is_one_sentence():
    with pytest.raises(GlintError, match="'dynamic' is not supported; linear and llama3 are"):
        rope_scaling({"rope_type": "dynamic", "factor": 2.0}, 10_000.0, 64)
    with pytest.raises(GlintError, match=r"not complete.*low_freq_factor"):
        rope_scaling({"rope_type": "llama3", "factor": 2.0}, 10_000.0, 64)
