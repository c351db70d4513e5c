"""Smaller weights: how far the tokens move, what is really computed in whole numbers, and what is spared from it."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import numpy_helper

from export.vision.precision import LARGEST_WEIGHT, open_model, quantize_static, relative_error, store_half
from export.vision.preprocessing import PIXELS, TOKENS
from export.vision.reference import exported_hidden_states, reference_vision

TOWERS = ("smolvlm", "llava-clip", "llava-siglip")
WHOLE_NUMBERS = {"MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QLinearMatMul", "MatMulInteger"}


@pytest.mark.parametrize(("precision", "error"), [("fp16", 1e-3), ("int8", 0.05), ("static", 0.05)])
@pytest.mark.parametrize("kind", TOWERS)
def test_tokens_stay_close(kind, precision, error, tiny, exported, squares):
    path, _ = exported(kind, precision)
    unseen = squares[8:]
    expected = reference_vision(tiny(kind))(torch.from_numpy(unseen)).numpy()
    got = open_model(onnx.load(path)).run([TOKENS], {PIXELS: unseen})[0]
    assert 0 < relative_error(got, expected) < error
    states = reference_vision(tiny(kind)).hidden_states(torch.from_numpy(unseen))
    for name, state in exported_hidden_states(path, unseen).items():
        assert relative_error(state, states[name].numpy()) < error


@pytest.mark.parametrize("precision", ["int8", "static"])
@pytest.mark.parametrize("kind", TOWERS)
def test_all_products_with_weights_are_of_whole_numbers(kind, precision, exported, tmp_path):
    path, part = exported(kind, precision)
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    optimised = onnx.load(tmp_path / "optimised.onnx")
    weights = {tensor.name for tensor in optimised.graph.initializer if len(tensor.dims) == 2}
    kinds = Counter(node.op_type for node in optimised.graph.node if set(node.input) & weights)
    float_products = Counter(node.op_type for node in onnx.load(exported(kind, "fp32")[0]).graph.node)["MatMul"]
    attention = 2 * (3 if kind == "llava-clip" else 4)
    assert sum(kinds[name] for name in WHOLE_NUMBERS) == float_products - attention
    assert kinds["MatMul"] == kinds["FusedMatMul"] == kinds["Gemm"] == 0
    assert any("8 photos" in note for note in part.notes) == (precision == "static")


@pytest.mark.parametrize("kind", TOWERS)
def test_files_shrink(kind, exported):
    sizes = {name: exported(kind, name)[0].stat().st_size for name in ("fp32", "fp16", "int8", "static")}
    assert sizes["fp16"] < 0.62 * sizes["fp32"]
    assert sizes["int8"] < 0.5 * sizes["fp32"]  # a third would be biases, norms and names, were it not so tiny
    assert sizes["static"] < 0.5 * sizes["fp32"]


def test_weights_have_seven_bits_so_that_no_processor_saturates(exported):
    for precision in ("int8", "static"):
        model = onnx.load(exported("smolvlm", precision)[0])
        stored = [numpy_helper.to_array(t) for t in model.graph.initializer if t.name.endswith("/stored")]
        assert len(stored) == 4 * 6 + 1
        for weight in stored:
            assert weight.dtype == np.int8
            assert np.abs(weight).max(0).tolist() == [LARGEST_WEIGHT] * weight.shape[1]


def test_products_with_a_wild_activation_are_spared(exported, squares):
    """One channel of a layer a thousand times as large as the others, and its weights as much smaller."""
    model = onnx.load(exported("smolvlm", "fp32")[0])
    norm = next(n for n in model.graph.node if n.op_type == "LayerNormalization" and "layers.2/layer_norm2" in n.name)
    product = next(n for n in model.graph.node if n.op_type == "MatMul" and norm.output[0] in n.input)
    _scale(model, norm.input[1], 0, 1000.0)
    _scale(model, norm.input[2], 0, 1000.0)
    _scale(model, product.input[1], 0, 0.001)
    expected = open_model(model).run([TOKENS], {PIXELS: squares[8:]})[0]
    result = quantize_static(model, list(squares[:8]), lambda done, total: None)
    assert product.name in result.spared
    assert 0 < len(result.spared) <= 7  # of 25
    assert result.error < 0.05
    assert relative_error(open_model(model).run([TOKENS], {PIXELS: squares[8:]})[0], expected) < 0.05


def test_what_float16_cannot_hold_stays(exported):
    model = onnx.load(exported("smolvlm", "fp32")[0])
    weight = next(tensor for tensor in model.graph.initializer if list(tensor.dims) == [64, 128])
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) + 70_000, weight.name))
    assert store_half(model) == [weight.name]
    kept = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert kept[weight.name] == onnx.TensorProto.FLOAT
    assert onnx.TensorProto.FLOAT16 in kept.values()


def _scale(model, name, row, factor):
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    value = numpy_helper.to_array(tensor).copy()
    value[row] *= factor
    tensor.CopyFrom(numpy_helper.from_array(value, name))
