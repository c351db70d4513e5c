"""The picture encoder that ships."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from device.seeing.photo import read_photo
from models.vision import VisionEncoder


@pytest.fixture(scope="module")
def encoder(default_bundle):
    return VisionEncoder(default_bundle)


def test_a_token_for_each_cell_and_probabilities(encoder, demo_photo):
    seen = encoder.encode(read_photo(demo_photo))
    assert seen.tokens.shape == (16, 576)
    assert np.isfinite(seen.tokens).all()
    assert ((seen.scores >= 0) & (seen.scores <= 1)).all()


def test_no_processor_saturates(default_bundle):
    """Two products of 255 and a weight must fit into 16 bits, where AVX2 without VNNI adds them up."""
    graph = onnx.load(default_bundle.path("vision.onnx")).graph
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    sources = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    weights = [sources[node.input[1]] for node in graph.node if node.op_type == "Conv"]
    assert len(weights) > 50
    for name in weights:
        assert 2 * 255 * np.abs(numpy_helper.to_array(arrays[name]).astype(int)).max() < 2**15, name
