import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_llama import SHAPE, write_adapter, write_gguf

from export.gptq import gptq_4bit, gptq_quantizer, product_error
from export.reference import load_reference
from export.study.rounding import hqq_4bit, plain_4bit
from models.adapted_weights import AdaptedWeights
from models.bundle import DECODER_WEIGHTS_FILE
from models.decoder_graph import write_decoder
from models.decoder_settings import DecoderSettings
from models.gguf_weights import GgufWeights
from models.quantize import quantize_4bit

ROWS, COLUMNS, BLOCK = 96, 192, 32


@pytest.fixture(scope="module")
def weight() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((ROWS, COLUMNS)).astype(np.float32)


def inputs(seed: int, count: int = 2000) -> np.ndarray:
    """float32 [count, COLUMNS], columns correlated through 24 factors, and some much larger than others."""
    random = np.random.default_rng(7)
    mixing = random.standard_normal((24, COLUMNS)) * random.lognormal(size=COLUMNS)
    draw = np.random.default_rng(seed)
    noise = 0.2 * draw.standard_normal((count, COLUMNS))
    return (draw.standard_normal((count, 24)) @ mixing + noise).astype(np.float32)


def hessian_of(x: np.ndarray) -> np.ndarray:
    return x.T @ x / len(x)


@pytest.mark.parametrize("symmetric", [False, True], ids=["zero points", "symmetric"])
def test_products_are_nearer_than_after_any_rounding_that_looks_at_single_weights(weight, symmetric):
    x, unseen = inputs(1), inputs(2)
    ours = gptq_4bit(weight, BLOCK, hessian_of(x), symmetric).dequantize()
    weighed = quantize_4bit(weight, BLOCK, np.diag(hessian_of(x)), symmetric).dequantize()
    plain = plain_4bit(weight, BLOCK, symmetric).dequantize()
    errors = {name: np.square(unseen @ (w - weight).T).mean() for name, w in locals().items() if name in ROUNDED}
    assert errors["ours"] < 0.5 * errors["weighed"]
    assert errors["weighed"] < 0.9 * errors["plain"]
    assert np.square(ours - weight).mean() > np.square(weighed - weight).mean()  # the weights themselves are further


ROUNDED = ("ours", "weighed", "plain")


def test_without_correlation_it_is_the_search(weight):
    ours, search = gptq_4bit(weight, BLOCK, np.eye(COLUMNS)), quantize_4bit(weight, BLOCK)
    np.testing.assert_array_equal(ours.values, search.values)
    np.testing.assert_array_equal(ours.zero_points, search.zero_points)


def test_product_error_is_that_of_the_products(weight):
    x = inputs(3)
    rounded = plain_4bit(weight, BLOCK).dequantize()
    expected = np.square(x @ (rounded - weight).T).mean() / np.square(x @ weight.T).mean()
    assert product_error(weight, rounded, hessian_of(x)) == pytest.approx(expected, rel=1e-3)


def test_columns_that_are_never_used_do_no_harm(weight):
    hessian = hessian_of(inputs(1))
    hessian[5:9], hessian[:, 5:9] = 0, 0
    assert np.isfinite(gptq_4bit(weight, BLOCK, hessian).dequantize()).all()
    assert np.isfinite(gptq_4bit(weight, BLOCK, np.zeros((COLUMNS, COLUMNS))).dequantize()).all()


@pytest.mark.parametrize("block", [16, 32, 64])
@pytest.mark.parametrize("how", ["gptq", "gptq symmetric", "plain", "plain symmetric", "hqq"])
def test_the_runtime_multiplies_by_what_was_meant(weight, how, block):
    x = inputs(1, 50)
    matrix = {
        "gptq": lambda: gptq_4bit(weight, block, hessian_of(x)),
        "gptq symmetric": lambda: gptq_4bit(weight, block, hessian_of(x), symmetric=True),
        "plain": lambda: plain_4bit(weight, block),
        "plain symmetric": lambda: plain_4bit(weight, block, symmetric=True),
        "hqq": lambda: hqq_4bit(weight, block),
    }[how]()
    assert matrix.block == block
    assert (matrix.zero_points is None) == how.endswith("symmetric")
    np.testing.assert_allclose(_product(x, matrix), x @ matrix.dequantize().T, rtol=1e-3, atol=1e-3)


def _product(x: np.ndarray, matrix) -> np.ndarray:
    """By onnxruntime's MatMulNBits, activations in float32."""
    stored = {"values": matrix.values, "scales": matrix.scales, "zero_points": matrix.zero_points}
    tensors = [numpy_helper.from_array(array, name) for name, array in stored.items() if array is not None]
    node = helper.make_node(
        "MatMulNBits",
        ["x", *(tensor.name for tensor in tensors)],
        ["y"],
        domain="com.microsoft",
        K=matrix.shape[1],
        N=matrix.shape[0],
        bits=4,
        block_size=matrix.block,
        accuracy_level=1,
    )
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [len(x), matrix.shape[0]])],
        tensors,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)], ir_version=9
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def test_hqq_leaves_smaller_typical_errors_than_plain_rounding_where_weights_have_outliers():
    weight = np.random.default_rng(3).standard_t(3, (200, 128)).astype(np.float32)
    plain, hqq = (np.abs(q(weight, 64).dequantize() - weight) for q in (plain_4bit, hqq_4bit))
    assert (hqq**0.7).mean() < (plain**0.7).mean()


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> AdaptedWeights:
    folder = tmp_path_factory.mktemp("tiny")
    base = GgufWeights(write_gguf(folder / "base.gguf"))
    return AdaptedWeights(base, write_adapter(folder / "adapter.safetensors"))


class TestAModel:
    @staticmethod
    def sequences(seed: int) -> list[np.ndarray]:
        random = np.random.default_rng(seed)
        mixing = np.random.default_rng(9).standard_normal((12, SHAPE.hidden))
        return [(random.standard_normal((n, 12)) @ mixing).astype(np.float32) for n in random.integers(20, 40, 40)]

    def test_its_hidden_states_stay_nearer(self, weights, tmp_path):
        import torch

        settings = DecoderSettings()
        seen, unseen = self.sequences(1), self.sequences(2)[:8]
        exact = load_reference(weights)
        errors = {}
        for name, quantize in {"gptq": gptq_quantizer(weights, seen, settings), "plain": _plain}.items():
            rounded = load_reference(weights)
            for i, layer in enumerate(rounded.model.layers):
                for part in (layer.self_attn, layer.mlp):
                    for key, module in part.named_children():
                        if key.endswith("_proj"):
                            matrix = quantize(weights.projection(i, key[:-5]), i, key[:-5], 32)
                            module.weight.data = torch.from_numpy(matrix.dequantize())
            errors[name] = np.mean([_distance(exact, rounded, sequence) for sequence in unseen])
        assert errors["gptq"] < 0.7 * errors["plain"]

    def test_padding_changes_nothing(self, weights):
        """A short sequence beside a long one gives what both give when each is seen alone, by their shares."""
        short, long = self.sequences(3)[0][:10], self.sequences(3)[1][:20]
        both = gptq_quantizer(weights, [short, long])
        same = gptq_quantizer(weights, [long, short])
        weight = weights.projection(0, "q")
        np.testing.assert_array_equal(both(weight, 0, "q", 64).values, same(weight, 0, "q", 64).values)
        padded = gptq_quantizer(weights, [short, long, np.zeros((0, SHAPE.hidden), np.float32)])
        np.testing.assert_array_equal(both(weight, 0, "q", 64).values, padded(weight, 0, "q", 64).values)

    def test_it_fills_a_decoder(self, weights, tmp_path):
        shares: list[float] = []
        settings = DecoderSettings(block=32, symmetric=True)
        quantize = gptq_quantizer(weights, self.sequences(1), settings, shares.append)
        write_decoder(weights, tmp_path, settings=settings, quantize=quantize)
        assert shares[-1] == 1
        stored = (tmp_path / DECODER_WEIGHTS_FILE).read_bytes()
        assert quantize(weights.projection(1, "down"), 1, "down", 32).values.tobytes() in stored
        assert quantize_4bit(weights.embeddings(slice(None)), 32, None, True).values.tobytes() in stored


def _plain(weight, layer, name, block):
    return plain_4bit(weight, block)


def _distance(exact, rounded, sequence: np.ndarray) -> float:
    import torch

    with torch.no_grad():
        a, b = (
            model.model(inputs_embeds=torch.from_numpy(sequence)[None]).last_hidden_state for model in (exact, rounded)
        )
    return float(torch.linalg.norm(a - b) / torch.linalg.norm(a))
