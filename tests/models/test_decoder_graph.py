from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import onnx
import pytest
from tiny_llama import SHAPE, write_gguf

from models.adapted_weights import AdaptedWeights
from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder import Decoder
from models.decoder_graph import write_decoder
from models.decoder_matrices import DecoderMatrices
from models.decoder_settings import SHIPPED, DecoderSettings
from models.errors import GlintError
from models.gguf_weights import GgufWeights
from models.quantize import FloatMatrix, QuantizedMatrix, quantize_4bit

FLOATS = DecoderSettings(projections="fp16", head="fp16")
GOLDEN = (  # layer, projection, sums of the low and of the high nibbles, sum of the scales
    (0, "q", (1242051, 1245636), 474.80687764659524),
    (11, "v", (412608, 413846), 89.06868211366236),
    (17, "o", (1245729, 1244874), 253.06743214745075),
    (29, "down", (3316962, 3313409), 786.2061345912516),
)


@pytest.fixture
def written(tmp_path):
    weights = AdaptedWeights(GgufWeights(write_gguf(tmp_path / "base.gguf")))
    shares: list[float] = []
    layout = write_decoder(weights, tmp_path, max_tokens=300, progress=shares.append)
    graph = onnx.load(tmp_path / DECODER_GRAPH_FILE, load_external_data=False).graph
    return tmp_path, weights, layout, graph, shares


def test_a_layer_is_nine_kernels(written):
    kinds = Counter(node.op_type for node in written[3].node)
    per_layer = {
        "MatMulNBits": 4,
        "GroupQueryAttention": 1,
        "SkipSimplifiedLayerNormalization": 2,
        "Split": 1,
        "QuickGelu": 1,
        "Mul": 1,
    }
    once = {"MatMulNBits": 1, "SimplifiedLayerNormalization": 1, "Gather": 2}
    assert kinds == Counter({kind: n * SHAPE.layers for kind, n in per_layer.items()}) + Counter(once)


def test_every_weight_is_in_the_one_file_on_a_page_of_its_own(written):
    folder, _, _, graph, _ = written
    end = 0
    for tensor in graph.initializer:
        place = {entry.key: entry.value for entry in tensor.external_data}
        assert place["location"] == DECODER_WEIGHTS_FILE
        assert int(place["offset"]) % 4096 == 0
        assert int(place["offset"]) >= end
        end = int(place["offset"]) + int(place["length"])
    assert end == (folder / DECODER_WEIGHTS_FILE).stat().st_size


def test_the_head_is_stored_once_and_holds_the_embeddings(written):
    folder, weights, layout, graph, _ = written
    stored = next(node for node in graph.node if "logits" in node.output).input[1:4]
    offsets = {t.name: int(t.external_data[1].value) for t in graph.initializer}
    places = (layout.embedding_values, layout.embedding_scales, layout.embedding_zero_points)
    assert tuple(offsets[name] for name in stored) == places
    table = Decoder.open(folder / DECODER_GRAPH_FILE, folder / DECODER_WEIGHTS_FILE, layout).embed(
        range(SHAPE.vocabulary)
    )
    expected = quantize_4bit(weights.embeddings(), layout.embedding_block).dequantize()
    np.testing.assert_array_equal(table, expected)
    assert np.abs(table - weights.embeddings()).max() < np.abs(table).max() / 8


def test_progress_rises_to_one(written):
    shares = written[4]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_the_layout_tells_the_sizes(written):
    layout = written[2]
    assert (layout.layers, layout.hidden, layout.kv_heads) == (SHAPE.layers, SHAPE.hidden, SHAPE.kv_heads)
    assert (layout.head_size, layout.vocabulary, layout.max_tokens) == (SHAPE.head_size, SHAPE.vocabulary, 300)


def export(folder, settings=SHIPPED, shape=SHAPE, quantize=None, **kind):
    weights = AdaptedWeights(GgufWeights(write_gguf(folder / "base.gguf", shape, **kind)))
    layout = write_decoder(weights, folder, 300, settings=settings, quantize=quantize)
    graph = onnx.load(folder / DECODER_GRAPH_FILE, load_external_data=False).graph
    return weights, layout, graph, Decoder.open(folder / DECODER_GRAPH_FILE, folder / DECODER_WEIGHTS_FILE, layout)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(
    ("head", "symmetric", "error"),
    [("int4", False, 0.12), ("int4", True, 0.13), ("int8", False, 0.01), ("fp16", False, 1e-3), ("fp32", False, 0)],
)
def test_embeddings_are_looked_up_in_every_format(tmp_path, head, symmetric, tied, error):
    weights, layout, _, decoder = export(tmp_path, DecoderSettings(head=head, symmetric=symmetric), tied=tied)
    ids = [5, 0, SHAPE.vocabulary - 1, 5]
    expected = weights.embeddings()[ids]
    assert np.linalg.norm(decoder.embed(ids) - expected) <= error * np.linalg.norm(expected)
    assert layout.embedding_bits == {"int4": 4, "int8": 8, "fp16": 16, "fp32": 32}[head]
    assert (layout.embedding_zero_points is None) == (symmetric or head.startswith("fp"))


def test_an_untied_table_is_no_part_of_the_graph(tmp_path):
    _, layout, graph, _ = export(tmp_path, tied=False)
    head = next(node for node in graph.node if "logits" in node.output).input[1]
    offsets = {t.name: int(t.external_data[1].value) for t in graph.initializer}
    assert offsets[head] != layout.embedding_values
    assert layout.embedding_values not in offsets.values()


def test_halves_are_stored_once_and_made_floats_by_a_cast_of_a_constant(tmp_path):
    _, _, graph, _ = export(tmp_path, FLOATS)
    kinds = Counter(node.op_type for node in graph.node)
    assert kinds["FusedMatMul"] == kinds["Cast"] == 4 * SHAPE.layers + 1
    assert kinds["MatMulNBits"] == 0
    stored = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast":
            assert stored[node.input[0]].data_type == onnx.TensorProto.FLOAT16
    matrices = sum(int(np.prod(t.dims)) for t in stored.values() if t.data_type == onnx.TensorProto.FLOAT16)
    hidden, kv = SHAPE.hidden, SHAPE.kv_heads * SHAPE.head_size
    layer = hidden * (2 * hidden + 2 * kv + 3 * SHAPE.feed_forward)
    assert matrices == SHAPE.layers * layer + SHAPE.vocabulary * hidden


def test_biases_add_no_nodes_to_quantised_products(tmp_path):
    plain = export(tmp_path, tied=False)[2]
    graph = export(tmp_path, tied=False, biased="qkvo")[2]
    assert [node.op_type for node in graph.node] == [node.op_type for node in plain.node]
    assert sum(len(node.input) == 6 for node in graph.node if node.op_type == "MatMulNBits") == 2 * SHAPE.layers


def test_settings_reach_the_kernels(tmp_path):
    settings = DecoderSettings(projections="int8", head="int4", block=16, head_block=64, accuracy_level=1)
    _, layout, graph, _ = export(tmp_path, settings)
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            values = {attribute.name: attribute.i for attribute in node.attribute}
            is_head = "logits" in node.output
            assert (values["bits"], values["block_size"]) == ((4, 64) if is_head else (8, 16))
            assert values["accuracy_level"] == 1
    assert layout.embedding_block == 64


def test_another_rounding_is_asked_for_every_projection_and_nothing_else(tmp_path):
    asked = []

    def nearest(weight, layer, name, block):
        asked.append((layer, name, weight.shape, block))
        return quantize_4bit(weight, block, symmetric=True)

    weights, *_ = export(tmp_path, DecoderSettings(block=128), quantize=nearest)
    names = ("q", "k", "v", "o", "gate", "up", "down")
    assert [(layer, name) for layer, name, *_ in asked] == [(i, name) for i in range(SHAPE.layers) for name in names]
    for layer, name, shape, block in asked:
        assert shape == weights.projection(layer, name).shape
        assert block == (32 if name == "down" else 128)  # 160 columns, and 128
    matrix = DecoderMatrices(weights, DecoderSettings(), nearest).projections(0, "q")
    assert isinstance(matrix, QuantizedMatrix)
    assert matrix.zero_points is None
    assert isinstance(DecoderMatrices(weights, FLOATS, nearest).projections(0, "q"), FloatMatrix)


def test_a_model_is_never_written_for_more_than_its_own_positions(tmp_path):
    _, layout, graph, decoder = export(tmp_path, shape=replace(SHAPE, max_positions=70))
    assert layout.max_tokens == 70
    assert next(t for t in graph.initializer if t.name == "rotary.cosine").dims[0] == 70
    with pytest.raises(GlintError, match="at most 70"):
        decoder.prefill(decoder.new_cache(), decoder.embed([1] * 71))


def test_heads_that_the_kernel_cannot_turn_are_refused(tmp_path):
    with pytest.raises(GlintError, match="multiple of 16"):
        export(tmp_path, shape=replace(SHAPE, head_size=24))


def test_rows_that_no_block_divides_are_refused_with_a_way_out(tmp_path):
    shape = replace(SHAPE, feed_forward=72)
    with pytest.raises(GlintError, match=r"72 weights.*fp16"):
        export(tmp_path, shape=shape)
    export(tmp_path, FLOATS, shape)


@pytest.mark.parametrize(
    "settings", [{"projections": "int3"}, {"head": "q4"}, {"block": 48}, {"head_block": 8}, {"accuracy_level": 5}]
)
def test_settings_that_there_are_not_are_refused(settings):
    with pytest.raises(ValueError, match="not"):
        DecoderSettings(**settings)


def test_the_defaults_are_the_shipped_settings():
    assert asdict(DecoderSettings()) == {
        "projections": "int4",
        "head": "int4",
        "block": None,
        "head_block": 32,
        "symmetric": False,
        "accuracy_level": 4,
    }


def test_the_shipped_model_is_rounded_as_ever(base_gguf):
    """Codes and scales of some matrices of the real base, before there were settings, added up: another processor adds
    floats in another order, which moves a handful of codes."""
    weights = AdaptedWeights(GgufWeights(base_gguf))
    for layer, name, codes, scales in GOLDEN:
        matrix = DecoderMatrices(weights).projections(layer, name)
        assert isinstance(matrix, QuantizedMatrix)
        assert matrix.block == 64
        low, high = (matrix.values & 15).sum(dtype=np.int64), (matrix.values >> 4).sum(dtype=np.int64)
        assert (low, high) == pytest.approx(codes, rel=1e-5)
        assert np.abs(matrix.scales).sum(dtype=np.float64) == pytest.approx(scales, rel=1e-6)
