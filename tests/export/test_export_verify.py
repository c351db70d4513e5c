"""What is wrong with an export is found, and the layer named: on exports that were damaged on purpose."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from device.seeing.photo import read_photo
from export.checkpoint import open_checkpoint
from export.job import ExportJob, ExportSettings
from export.verify.check import verify
from export.verify.measure import Difference, Stage, culprit, equal_leading
from models.bundle import DECODER_GRAPH_FILE, VISION_FILE, Bundle
from models.decoder_settings import DecoderSettings
from models.errors import GlintError
from models.manifest import FileRecord
from models.progress import silent
from models.quantize import quantize_4bit

FLOAT = ExportSettings(decoder=DecoderSettings(projections="fp32", head="fp32"), vision="fp32")


def rehashed(bundle: Bundle) -> Bundle:
    """With the records of the files as they are now, so that the runtime opens them."""
    return replace(bundle, files={name: FileRecord.of(bundle.folder / name) for name in bundle.files})


@pytest.fixture
def photo(demo_photo):
    return read_photo(demo_photo)


def test_a_damaged_layer_of_the_encoder_is_named(tiny, tmp_path, photo):
    job = ExportJob(open_checkpoint(str(tiny("smolvlm"))), tmp_path / "out", FLOAT)
    bundle = job.run()
    model = onnx.load(bundle.folder / VISION_FILE)
    [product] = [node for node in model.graph.node if node.name == "/layers.2/mlp/fc2/MatMul"]
    [weight] = [weight for weight in model.graph.initializer if weight.name == product.input[1]]
    weight.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weight), weight.name))
    onnx.save(model, bundle.folder / VISION_FILE)
    verification = verify(rehashed(bundle), job, photo, silent)
    assert not verification.passed
    assert verification.culprits["vision"] == "hidden_states.3"  # after the layer that counts as the third
    assert "hidden_states.3" in verification.failures[0]
    assert not verification.parts["whole"]["passed"]
    assert verification.parts["decoder"]["passed"]


def test_a_damaged_layer_of_the_decoder_is_named(tiny, tmp_path, photo):
    def turned(weight, layer, name, block):
        return quantize_4bit(-weight if (layer, name) == (1, "down") else weight, block)

    job = ExportJob(open_checkpoint(str(tiny("llama"))), tmp_path / "out")
    job.quantizer = turned
    verification = verify(job.run(), job, photo, silent)
    assert verification.culprits == {"decoder": "layers.1.feed_forward"}
    assert "layers.1.feed_forward" in verification.failures[0]
    assert verification.parts["decoder"]["graph"]["relative"] < 1e-5  # the values are wrong, and not the graph


def test_a_wrong_graph_is_told_from_wrong_values(tiny, tmp_path, photo):
    job = ExportJob(open_checkpoint(str(tiny("llama"))), tmp_path / "out")
    bundle = job.run()
    model = onnx.load(bundle.folder / DECODER_GRAPH_FILE, load_external_data=False)
    [node] = [node for node in model.graph.node if node.name == "layers.2.attended"]
    [rotary] = [attribute for attribute in node.attribute if attribute.name == "do_rotary"]
    rotary.i = 0
    onnx.save(model, bundle.folder / DECODER_GRAPH_FILE)
    verification = verify(rehashed(bundle), job, photo, silent)
    assert verification.parts["decoder"]["graph"]["relative"] > 1e-3
    assert verification.culprits["decoder"] == "layers.2.attention"
    assert any("graph that is off" in failure for failure in verification.failures)


def test_layers_are_told_on_request_where_nothing_is_wrong(tiny, tmp_path, photo):
    job = ExportJob(open_checkpoint(str(tiny("idefics3"))), tmp_path / "out", FLOAT)
    verification = verify(job.run(), job, photo, silent, with_layers=True)
    assert verification.passed
    assert [stage.name for stage in verification.stages["vision"]] == [f"hidden_states.{i}" for i in range(5)]
    assert len(verification.stages["decoder"]) == 7
    assert all(stage.difference.relative < 1e-4 for stages in verification.stages.values() for stage in stages)


class TestDifference:
    def test_figures(self):
        difference = Difference.of(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
        assert difference.max_abs_diff == 1
        assert difference.mean_abs_diff == 0.5
        assert difference.cosine == pytest.approx(3 / 10**0.5)
        assert difference.relative == pytest.approx(1 / 2**0.5)

    def test_of_nothing_but_zeros(self):
        assert Difference.of(np.zeros(3), np.zeros(3)).cosine == 1
        assert Difference.of(np.ones(3), np.zeros(3)).cosine == 0

    def test_what_is_not_a_number_is_not_close(self):
        assert not Difference.of(np.array([np.nan, 1]), np.ones(2)).cosine >= 0.5

    def test_other_shapes(self):
        with pytest.raises(GlintError, match=r"gives \(2,\) where the original gives \(3,\)"):
            Difference.of(np.ones(2), np.ones(3))


def test_the_culprit_is_where_the_error_grows_most():
    def stage(name, relative):
        return Stage(name, Difference(0, 0, 1, relative))

    assert culprit([stage("a", 0.01), stage("b", 0.3), stage("c", 0.5), stage("d", 0.2)]) == "b"
    assert culprit([stage("a", 0.0)]) is None


@pytest.mark.parametrize(
    ("exported", "reference", "equal"), [([1, 2, 3], [1, 2, 3], 3), ([1, 2, 3], [1, 4, 3], 1), ([], [1], 0)]
)
def test_greedy_tokens_are_counted_up_to_the_first_that_differs(exported, reference, equal):
    assert equal_leading(exported, reference) == equal
