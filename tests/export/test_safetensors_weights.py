import tracemalloc

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from export.safetensors_weights import MODULES, SafetensorsWeights
from export.tensor_files import INDEX_FILE, SINGLE_FILE
from models.decoder_graph import write_decoder
from models.decoder_settings import DecoderSettings
from models.errors import GlintError

CONFIG = LlamaConfig(
    vocab_size=80,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    initializer_range=0.2,
)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return LlamaForCausalLM(CONFIG)


def read(folder, prefix="model.", **changes) -> SafetensorsWeights:
    return SafetensorsWeights(folder, CONFIG.to_dict() | changes, prefix)


def rewrite(folder, change) -> None:
    """Writes the tensors anew after `change` has had its way with them."""
    tensors = load_file(folder / SINGLE_FILE)
    change(tensors)
    save_file(tensors, folder / SINGLE_FILE)


@pytest.mark.parametrize("shards", [1, 4])
def test_every_matrix_is_the_model_s(model, tmp_path, shards):
    model.save_pretrained(tmp_path, max_shard_size="1GB" if shards == 1 else "50KB")
    assert (tmp_path / INDEX_FILE).exists() == (shards > 1)
    weights, state = read(tmp_path), model.state_dict()
    for layer in range(3):
        prefix = f"model.layers.{layer}"
        for name, module in MODULES.items():
            np.testing.assert_array_equal(weights.projection(layer, name), state[f"{prefix}.{module}.weight"].numpy())
            assert weights.bias(layer, name) is None
            assert weights.importance(layer, name) is None
        for norm in (weights.attention_norm(layer), weights.feed_forward_norm(layer), weights.output_norm()):
            assert norm.shape == (64,)
    embeddings = state["model.embed_tokens.weight"].numpy()
    np.testing.assert_array_equal(weights.embeddings(slice(70, 4096)), embeddings[70:])
    np.testing.assert_array_equal(weights.head(slice(7, 9)), state["lm_head.weight"].numpy()[7:9])


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_halves_become_floats_without_loss(model, tmp_path, kind):
    model.save_pretrained(tmp_path)
    rewrite(tmp_path, lambda tensors: tensors.update({key: value.to(kind) for key, value in tensors.items()}))
    weight = read(tmp_path).projection(1, "down")
    assert weight.dtype == np.float32
    np.testing.assert_array_equal(weight, model.model.layers[1].mlp.down_proj.weight.detach().to(kind).float().numpy())


@pytest.mark.parametrize(
    ("prefix", "head"), [("model.text_model.", "lm_head"), ("language_model.model.", "language_model.lm_head")]
)
def test_a_language_model_within_another_is_found(model, tmp_path, prefix, head):
    state = {
        key.replace("model.", prefix, 1): value for key, value in model.state_dict().items() if key != "lm_head.weight"
    }
    save_file(state | {f"{head}.weight": model.lm_head.weight.detach()}, tmp_path / SINGLE_FILE)
    weights = read(tmp_path, prefix)
    assert weights.projection(2, "q").shape == (64, 64)
    np.testing.assert_array_equal(weights.head(), model.lm_head.weight.detach().numpy())


def test_a_head_is_tied_where_the_config_says_so_or_there_is_none(model, tmp_path):
    model.save_pretrained(tmp_path)
    assert read(tmp_path).head(slice(0, 1)) is not None
    assert read(tmp_path, tie_word_embeddings=True).head(slice(0, 1)) is None
    rewrite(tmp_path, lambda tensors: tensors.pop("lm_head.weight"))
    assert read(tmp_path).head(slice(0, 1)) is None


def test_matrices_are_read_one_at_a_time(tmp_path):
    config = LlamaConfig(
        vocab_size=20_000, hidden_size=256, intermediate_size=1024, num_hidden_layers=4, num_attention_heads=4
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    weights = SafetensorsWeights(tmp_path, config.to_dict())
    whole = (tmp_path / SINGLE_FILE).stat().st_size
    tracemalloc.start()
    for layer in range(4):
        for name in MODULES:
            weights.projection(layer, name)
    for row in range(0, 20_000, 4096):
        weights.embeddings(slice(row, row + 4096))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert whole > 50e6
    assert peak < 3 * 4 * 256 * 4096


def test_a_missing_shard_is_named(model, tmp_path):
    model.save_pretrained(tmp_path, max_shard_size="50KB")
    shard = sorted(tmp_path.glob("model-*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(GlintError, match=f"lacks {shard.name}"):
        read(tmp_path)


def test_a_damaged_shard_is_named(model, tmp_path):
    model.save_pretrained(tmp_path, max_shard_size="50KB")
    weights = read(tmp_path)
    for shard in tmp_path.glob("model-*.safetensors"):
        shard.write_bytes(shard.read_bytes()[:-40])
    with pytest.raises(GlintError, match=r"model-0000\d-of-0000\d\.safetensors is damaged"):
        weights.projection(0, "q")


@pytest.mark.parametrize("content", ["{", "[]", '{"weight_map": 3}', "{}"])
def test_a_damaged_index_is_one_sentence(tmp_path, content):
    (tmp_path / INDEX_FILE).write_text(content)
    with pytest.raises(GlintError, match=rf"{INDEX_FILE} is damaged"):
        read(tmp_path)


def test_a_damaged_or_absent_file_is_one_sentence(model, tmp_path):
    with pytest.raises(GlintError, match="no weights in safetensors"):
        read(tmp_path)
    model.save_pretrained(tmp_path)
    (tmp_path / SINGLE_FILE).write_bytes((tmp_path / SINGLE_FILE).read_bytes()[:-40])
    with pytest.raises(GlintError, match=f"{SINGLE_FILE} is damaged"):
        read(tmp_path)


def test_a_missing_tensor_is_named(model, tmp_path):
    model.save_pretrained(tmp_path)
    rewrite(tmp_path, lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    with pytest.raises(GlintError, match=r"no tensor 'model\.layers\.1\.mlp\.up_proj\.weight'"):
        write_decoder(read(tmp_path), tmp_path, settings=DecoderSettings("fp16", "fp16"))


def test_a_tensor_of_another_shape_or_kind_is_named(model, tmp_path):
    model.save_pretrained(tmp_path)
    with pytest.raises(GlintError, match=r"'model\.embed_tokens\.weight' .* is \(80, 64\) where .* \(81, 64\)"):
        read(tmp_path, vocab_size=81).embeddings()
    rewrite(tmp_path, lambda tensors: tensors.update({"model.norm.weight": torch.zeros(64, dtype=torch.int8)}))
    with pytest.raises(GlintError, match="stored as I8; take unquantised"):
        read(tmp_path).output_norm()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "gemma2"}, "'gemma2' is not supported; llama, mistral, qwen2 are"),
        ({"hidden_act": "gelu"}, "with gelu in its feed-forward"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "'yarn' is not supported; linear and llama3"),
    ],
)
def test_what_cannot_be_computed_is_refused(model, tmp_path, changes, message):
    model.save_pretrained(tmp_path)
    with pytest.raises(GlintError, match=message):
        read(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "positions"),
    [
        ({"model_type": "mistral", "sliding_window": 1000}, 1000),
        ({"model_type": "mistral", "sliding_window": None}, 2048),
        ({"model_type": "qwen2", "sliding_window": 1000, "use_sliding_window": False}, 2048),
        ({"model_type": "qwen2", "sliding_window": 1000, "use_sliding_window": True}, 1000),
        ({}, 2048),
    ],
)
def test_the_window_of_attention_limits_the_sequence(model, tmp_path, changes, positions):
    model.save_pretrained(tmp_path)
    assert read(tmp_path, **changes).shape.max_positions == positions
