from dataclasses import replace

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from tiny_llama import SHAPE, write_gguf

from models.adapted_weights import AdaptedWeights
from models.errors import GlintError
from models.gguf_weights import GgufWeights


def with_fields(path, **fields):
    """A GGUF file with some fields more."""
    writer = GGUFWriter(str(path), fields.pop("architecture", "llama"))
    plain = GGUFReader(write_gguf(path.with_name("plain.gguf")))
    for name, field in plain.fields.items():
        if not name.startswith(("GGUF.", "general.architecture")) and name not in fields:
            writer.add_key_value(name, field.contents(), field.types[0], sub_type=field.types[-1])
    for name, value in fields.items():
        add = {str: writer.add_string, float: writer.add_float32, int: writer.add_uint32}[type(value)]
        add(name, value)
    for tensor in plain.tensors:
        writer.add_tensor(tensor.name, tensor.data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("shape", [SHAPE, replace(SHAPE, head_size=48, kv_heads=1), replace(SHAPE, max_positions=77)])
def test_the_shape_is_as_it_was_written(tmp_path, shape):
    read = GgufWeights(write_gguf(tmp_path / "a.gguf", shape)).shape
    assert replace(read, rms_eps=shape.rms_eps) == shape
    assert read.rms_eps == pytest.approx(shape.rms_eps)


def test_a_head_of_its_own_is_read_and_a_tied_one_is_none(tmp_path):
    tied = GgufWeights(write_gguf(tmp_path / "a.gguf"))
    assert tied.head() is None
    untied = AdaptedWeights(GgufWeights(write_gguf(tmp_path / "b.gguf", tied=False)))
    head = untied.head(slice(3, 9))
    assert head is not None
    assert head.shape == (6, SHAPE.hidden)
    assert not np.allclose(head, untied.embeddings(slice(3, 9)))


def test_biases_are_read_where_there_are_any(tmp_path):
    weights = AdaptedWeights(GgufWeights(write_gguf(tmp_path / "a.gguf", architecture="qwen2", biased="qkv")))
    assert weights.bias(1, "o") is None
    bias = weights.bias(1, "k")
    assert bias is not None
    assert bias.shape == (SHAPE.kv_heads * SHAPE.head_size,)


@pytest.mark.parametrize("kind", [GGMLQuantizationType.F16, GGMLQuantizationType.Q8_0, GGMLQuantizationType.Q4_1])
def test_matrices_of_other_types_are_nearly_the_same(tmp_path, kind):
    plain = AdaptedWeights(GgufWeights(write_gguf(tmp_path / "a.gguf")))
    rounded = AdaptedWeights(GgufWeights(write_gguf(tmp_path / "b.gguf", kind=kind)))
    for read in (lambda w: w.projection(1, "q"), lambda w: w.embeddings(slice(5, 40))):
        expected = read(plain)
        assert 0 < np.linalg.norm(read(rounded) - expected) < 0.1 * np.linalg.norm(expected)


def test_a_type_that_cannot_be_read_is_one_sentence(tmp_path):
    path = write_gguf(tmp_path / "a.gguf")
    reader = GGUFReader(path, "r+")
    tensor = next(t for t in reader.tensors if t.name == "blk.1.ffn_up.weight")
    tensor.field.parts[4][0] = int(GGMLQuantizationType.I32)
    reader.data.flush()
    del reader, tensor
    with pytest.raises(GlintError, match=r"a\.gguf holds blk\.1\.ffn_up\.weight as I32, .*Q8_0"):
        AdaptedWeights(GgufWeights(path)).projection(1, "up")


def test_factors_of_the_rotary_frequencies_are_read(tmp_path):
    factors = tuple(float(x) for x in np.linspace(1, 8, SHAPE.head_size // 2).astype(np.float32))
    shape = GgufWeights(write_gguf(tmp_path / "a.gguf", replace(SHAPE, rope_scaling=factors))).shape
    assert shape.rope_scaling == factors
    plain = SHAPE.frequencies()
    np.testing.assert_allclose(shape.frequencies(), plain / np.array(factors))


def test_linear_scaling_divides_all_frequencies(tmp_path):
    fields = {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}
    shape = GgufWeights(with_fields(tmp_path / "a.gguf", **fields)).shape
    np.testing.assert_allclose(shape.frequencies(), SHAPE.frequencies() / 4)


def test_a_window_of_attention_is_the_longest_that_is_computed_as_trained(tmp_path):
    assert (
        GgufWeights(with_fields(tmp_path / "a.gguf", **{"llama.attention.sliding_window": 99})).shape.max_positions
        == 99
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"architecture": "gemma3"}, "gemma3 model; only Llama-family"),
        ({"llama.expert_count": 8}, "mixture of experts"),
        ({"llama.rope.dimension_count": 16}, "only a part of each head"),
        ({"llama.attention.value_length": 16}, "different sizes"),
        ({"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0}, "'yarn' is not supported"),
    ],
)
def test_what_cannot_be_computed_is_refused(tmp_path, fields, message):
    with pytest.raises(GlintError, match=message):
        GgufWeights(with_fields(tmp_path / "a.gguf", **fields))


def test_what_the_file_says_of_itself(tmp_path):
    fields = {"general.license": "mit", "tokenizer.chat_template": "{{ x }}", "tokenizer.ggml.bos_token_id": 2}
    weights = GgufWeights(with_fields(tmp_path / "a.gguf", **fields))
    assert weights.text_of("general.license") == "mit"
    assert weights.text_of("general.name") is None
    assert weights.chat_template() == "{{ x }}"
    assert weights.special_tokens() == {"bos": "t1"}


def test_a_file_that_is_no_gguf_is_one_sentence(tmp_path):
    (tmp_path / "a.gguf").write_bytes(b"GGUX" * 9)
    with pytest.raises(GlintError, match=r"a\.gguf is not a readable GGUF file"):
        GgufWeights(tmp_path / "a.gguf")
