import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tiny_llama import SHAPE, write_adapter, write_gguf

from models.adapted_weights import PROJECTIONS, AdaptedWeights
from models.errors import GlintError
from models.gguf_weights import GgufWeights


@pytest.fixture
def base(tmp_path):
    return GgufWeights(write_gguf(tmp_path / "base.gguf"))


def test_without_an_adapter_the_base_is_returned(base):
    weights = AdaptedWeights(base)
    np.testing.assert_array_equal(weights.projection(1, "q"), base.tensor("blk.1.attn_q.weight"))


@pytest.mark.parametrize("name", PROJECTIONS)
def test_the_update_is_added_to_every_projection(base, tmp_path, name):
    updates = load_file(write_adapter(tmp_path / "a.safetensors"))
    weights = AdaptedWeights(base, tmp_path / "a.safetensors")
    update = updates[f"layers.1.{name}.B"].astype(np.float32) @ updates[f"layers.1.{name}.A"].astype(np.float32)
    expected = base.tensor(f"blk.1.{PROJECTIONS[name]}.weight") + update
    np.testing.assert_allclose(weights.projection(1, name), expected, rtol=1e-6)


def test_trained_gains_take_the_place_of_the_base_s(base, tmp_path):
    trained = load_file(write_adapter(tmp_path / "a.safetensors"))
    weights, plain = AdaptedWeights(base, tmp_path / "a.safetensors"), AdaptedWeights(base)
    np.testing.assert_array_equal(weights.attention_norm(1), trained["layers.1.attention_norm"])
    np.testing.assert_array_equal(weights.feed_forward_norm(0), trained["layers.0.feed_forward_norm"])
    np.testing.assert_array_equal(weights.output_norm(), trained["output_norm"])
    np.testing.assert_array_equal(plain.output_norm(), base.tensor("output_norm.weight"))


def test_importance_comes_with_the_adapter_alone(base, tmp_path):
    trained = load_file(write_adapter(tmp_path / "a.safetensors"))
    importance = AdaptedWeights(base, tmp_path / "a.safetensors").importance(1, "down")
    np.testing.assert_array_equal(importance, trained["layers.1.down.importance"])
    assert AdaptedWeights(base).importance(1, "down") is None


def test_gains_of_another_width_are_refused(base, tmp_path):
    save_file({"output_norm": np.ones(7, "f4")}, tmp_path / "a.safetensors")
    with pytest.raises(GlintError, match="output_norm"):
        AdaptedWeights(base, tmp_path / "a.safetensors").output_norm()


def test_an_adapter_of_another_shape_is_refused(base, tmp_path):
    a, b = np.zeros((4, SHAPE.hidden), "f2"), np.zeros((7, 4), "f2")
    save_file({"layers.0.q.A": a, "layers.0.q.B": b}, tmp_path / "a.safetensors")
    with pytest.raises(GlintError, match=r"layers\.0\.q"):
        AdaptedWeights(base, tmp_path / "a.safetensors").projection(0, "q")


def test_an_adapter_with_more_layers_is_refused(base, tmp_path):
    save_file({"layers.9.q.A": np.zeros((4, 8), "f2")}, tmp_path / "a.safetensors")
    with pytest.raises(GlintError, match=r"layers\.9\.q\.A"):
        AdaptedWeights(base, tmp_path / "a.safetensors")


def test_a_truncated_adapter_is_refused(base, tmp_path):
    path = write_adapter(tmp_path / "a.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(GlintError, match=r"a\.safetensors"):
        AdaptedWeights(base, path)
