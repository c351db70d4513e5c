"""The picture encoder that ships."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from device.seeing.photo import read_photo
from models.vision import VisionEncoder

PICTURES = Path(__file__).parents[2] / "sim/scenarios/pictures"


@pytest.fixture(scope="module")
def encoder(default_bundle):
    return VisionEncoder(default_bundle)


def test_a_token_for_each_cell_and_probabilities(encoder, demo_photo):
    seen = encoder.encode(read_photo(demo_photo))
    assert seen.tokens.shape == (16, 576)
    assert np.isfinite(seen.tokens).all()
    assert ((seen.scores >= 0) & (seen.scores <= 1)).all()


def test_objects_come_with_the_tokens_and_are_the_same_alone(encoder, demo_photo):
    picture = read_photo(demo_photo)
    seen, alone = encoder.encode(picture).objects, encoder.detect(picture)
    assert len(seen.presence) == 84
    assert seen.presence == pytest.approx(alone.presence, abs=1e-6)
    assert [box.name for box in seen.boxes] == [box.name for box in alone.boxes]


def test_names_and_places_an_object(encoder):
    found = encoder.detect(read_photo(PICTURES / "banana.jpg"))
    assert found.sees("banana")
    assert max(found.presence, key=lambda name: found.presence[name]) == "banana"
    left, top, right, bottom = found.of("banana")[0].box
    assert left < 0.5 < right
    assert top < 0.5 < bottom


def test_what_fills_the_picture_is_suspected_more_than_anything_else(encoder):
    found = encoder.detect(read_photo(PICTURES / "bottle.jpg"))
    assert not found.rules_out("bottle")
    assert max(found.presence, key=lambda name: found.presence[name]) == "bottle"


def test_a_mirrored_picture_has_mirrored_boxes(encoder):
    picture = read_photo(PICTURES / "banana.jpg")
    height, width = picture.shape[:2]
    scene = np.full((height, 2 * width, 3), 128, np.uint8)
    scene[:, :width] = picture
    for pixels, side in ((scene, 0), (scene[:, ::-1].copy(), 1)):
        left, _, right, _ = encoder.detect(pixels).of("banana")[0].box
        assert (left + right > 1) == side


def test_attention_is_where_the_thing_is(encoder):
    """A name of the encoder's own classes and one of the hint head's, each on the left half of a grey picture."""
    for file, name in (("pineapple", "pineapple"), ("banana", "banana")):
        picture = read_photo(PICTURES / f"{file}.jpg")
        scene = np.full((picture.shape[0], 2 * picture.shape[1], 3), 128, np.uint8)
        scene[:, : picture.shape[1]] = picture
        cells = encoder.attention(scene, name).cells
        half = cells.shape[1] // 2
        assert cells[:, :half].max() > cells[:, -half:].max()
    assert encoder.attention(scene, "a name that nothing has") is None


@pytest.mark.parametrize("shape", [(1, 1), (2, 700), (900, 3)])
def test_any_shape_of_picture(encoder, shape):
    found = encoder.detect(np.full((*shape, 3), 90, np.uint8))
    assert all(0 <= chance <= 1 for chance in found.presence.values())
    assert all(0 <= side <= 1 for box in found.boxes for side in box.box)


def test_no_processor_saturates(default_bundle):
    """Two products of 255 and a weight must fit into 16 bits, where AVX2 without VNNI adds them up."""
    graph = onnx.load(default_bundle.path("vision.onnx")).graph
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    sources = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    weights = [sources[node.input[1]] for node in graph.node if node.op_type == "Conv"]
    assert len(weights) > 50
    for name in weights:
        assert 2 * 255 * np.abs(numpy_helper.to_array(arrays[name]).astype(int)).max() < 2**15, name
