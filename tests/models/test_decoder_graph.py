from collections import Counter

import numpy as np
import onnx
import pytest
from tiny_llama import SHAPE, write_gguf

from models.adapted_weights import AdaptedWeights
from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder import Decoder
from models.decoder_graph import write_decoder
from models.gguf_weights import GgufWeights
from models.quantize import quantize_4bit


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
