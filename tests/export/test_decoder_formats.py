"""Decoders of every architecture and format against the very models of transformers that they were read from."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
)

from export.reference import load_reference
from export.safetensors_weights import SafetensorsWeights
from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder import Decoder
from models.decoder_graph import write_decoder
from models.decoder_settings import DecoderSettings
from models.quantize import quantize_4bit

SIZES = {
    "vocab_size": 96,
    "hidden_size": 128,
    "intermediate_size": 192,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 400,
    "initializer_range": 0.2,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
ARCHITECTURES: dict[str, PretrainedConfig] = {
    "llama": LlamaConfig(**SIZES),
    "llama tied": LlamaConfig(**SIZES, tie_word_embeddings=True),
    "llama heads of 48": LlamaConfig(**{**SIZES, "num_key_value_heads": 1}, head_dim=48),
    "llama heads of 80": LlamaConfig(**{**SIZES, "num_key_value_heads": 4}, head_dim=80),
    "llama with biases": LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True),
    "llama linear": LlamaConfig(**SIZES, rope_scaling={"rope_type": "linear", "factor": 4.0}),
    "llama 3": LlamaConfig(**SIZES, rope_scaling=LLAMA3, rope_theta=500_000.0, rms_norm_eps=1e-5),
    "mistral": MistralConfig(**SIZES, sliding_window=300),
    "qwen2": Qwen2Config(**SIZES, tie_word_embeddings=True),
}
FORMATS = {
    "fp32": DecoderSettings("fp32", "fp32"),
    "fp16": DecoderSettings("fp16", "fp16"),
    "int8": DecoderSettings("int8", "int8"),
    "int8 symmetric": DecoderSettings("int8", "int8", symmetric=True),
    "int4": DecoderSettings(),
    "int4 symmetric": DecoderSettings(symmetric=True),
    "int4, head fp16": DecoderSettings(head="fp16"),
    "int4, head int8": DecoderSettings(head="int8"),
    "fp16, head int4": DecoderSettings("fp16", "int4"),
    "int4, blocks of 16": DecoderSettings(block=16, head_block=16),
    "int4, blocks of 128": DecoderSettings(block=128, head_block=128),
}
LENGTH = 150


@dataclass
class Exported:
    """A model on disk, as transformers has it, and what of it is the same for every format."""

    folder: Path
    model: PreTrainedModel
    weights: SafetensorsWeights
    ids: np.ndarray
    expected: np.ndarray

    def open(self, settings: DecoderSettings, exact: bool = False, **options) -> Decoder:
        """exact: activations stay float32, for which onnxruntime has other (slow) kernels."""
        if exact:
            settings = DecoderSettings(**{**vars(settings), "accuracy_level": 1})
        folder = Path(tempfile.mkdtemp(dir=self.folder))  # decoders that are open have their embeddings mapped
        layout = write_decoder(self.weights, folder, settings=settings, **options)
        return Decoder.open(folder / DECODER_GRAPH_FILE, folder / DECODER_WEIGHTS_FILE, layout)


def make(config: PretrainedConfig, folder: Path) -> Exported:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    for name, parameter in model.named_parameters():
        if name.endswith(".bias"):
            torch.nn.init.normal_(parameter, std=0.3)
        if name.endswith("norm.weight"):
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    model.save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text())
    ids = np.random.default_rng(0).integers(0, config.vocab_size, LENGTH)
    return Exported(folder, model, SafetensorsWeights(folder, written), ids, logits_of(model, ids))


def logits_of(model: PreTrainedModel, ids: np.ndarray) -> np.ndarray:
    """float32 [n, vocabulary] after every token."""
    with torch.no_grad():
        return model(input_ids=torch.from_numpy(ids)[None]).logits[0].numpy()


def relative_error(logits: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(logits - expected) / np.linalg.norm(expected))


@pytest.fixture(scope="module", params=ARCHITECTURES)
def exported(request, tmp_path_factory) -> Exported:
    return make(ARCHITECTURES[request.param], tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def decoder(exported) -> Decoder:
    return exported.open(FORMATS["fp32"])


def test_logits_are_those_of_transformers(exported, decoder):
    logits = decoder.score(decoder.new_cache(), decoder.embed(exported.ids))
    assert relative_error(logits, exported.expected) < 2e-5


def test_text_is_that_of_transformers(exported, decoder):
    cache = decoder.new_cache()
    prompt = exported.ids[:20]
    ours = list(decoder.generate(cache, decoder.prefill(cache, decoder.embed(prompt)), 64))
    theirs = exported.model.generate(
        torch.from_numpy(prompt)[None], max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0
    )
    assert ours == theirs[0, 20:].tolist()


def test_pieces_branches_and_rewinds_change_nothing(exported, decoder):
    ids, expected = exported.ids, exported.expected
    cache = decoder.new_cache()
    for start, end in ((0, 1), (1, 8), (8, 9), (9, 140)):
        logits = decoder.prefill(cache, decoder.embed(ids[start:end]))
        assert relative_error(logits, expected[end - 1]) < 2e-5
    branch = cache.branch()
    decoder.prefill(cache, decoder.embed(ids[:60]))
    assert relative_error(decoder.prefill(branch, decoder.embed(ids[140:])), expected[-1]) < 2e-5
    cache.rewind(100)
    assert relative_error(decoder.score(cache, decoder.embed(ids[100:])), expected[100:]) < 2e-5


def test_the_longest_sequence_is_what_the_model_was_made_for(exported, decoder):
    config = exported.model.config
    window = getattr(config, "sliding_window", None) if config.model_type == "mistral" else None
    assert decoder.layout.max_tokens == (window or config.max_position_embeddings)
    ids = np.resize(exported.ids, decoder.layout.max_tokens)
    logits = decoder.prefill(decoder.new_cache(), decoder.embed(ids))
    assert relative_error(logits, logits_of(exported.model, ids)[-1]) < 2e-5


@pytest.mark.parametrize("name", ["int8", "int4"])
def test_the_graph_of_every_architecture_is_exact_in_quantised_formats(exported, name):
    settings = FORMATS[name]
    decoder = exported.open(settings, exact=True)
    expected = logits_of(load_reference(exported.weights, settings), exported.ids)
    assert relative_error(decoder.score(decoder.new_cache(), decoder.embed(exported.ids)), expected) < 2e-5


def test_the_reference_at_full_precision_is_the_model_itself(exported):
    assert relative_error(logits_of(load_reference(exported.weights), exported.ids), exported.expected) < 1e-5


@pytest.fixture(scope="module")
def llama(tmp_path_factory) -> Exported:
    return make(ARCHITECTURES["llama"], tmp_path_factory.mktemp("llama"))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_what_the_reference_holds(llama, name):
    settings = FORMATS[name]
    expected = logits_of(load_reference(llama.weights, settings), llama.ids)
    for exact, error in ((True, 2e-5), (False, 0.1)):  # these random weights make much of the rounding of activations
        decoder = llama.open(settings, exact)
        assert relative_error(decoder.score(decoder.new_cache(), decoder.embed(llama.ids)), expected) < error


@pytest.mark.parametrize("level", range(5))
def test_every_level_of_accuracy_runs(llama, level):
    decoder = llama.open(DecoderSettings(accuracy_level=level))
    expected = logits_of(load_reference(llama.weights, DecoderSettings()), llama.ids)
    error = relative_error(decoder.score(decoder.new_cache(), decoder.embed(llama.ids)), expected)
    assert error < (0.1 if level == 4 else 2e-5)


def test_more_bits_are_nearer_to_the_original_and_take_more_room(llama, tmp_path):
    errors, sizes = [], []
    for name in ("fp32", "fp16", "int8", "int4"):
        decoder = llama.open(FORMATS[name], exact=True)
        logits = decoder.score(decoder.new_cache(), decoder.embed(llama.ids))
        errors.append(relative_error(logits, llama.expected))
        write_decoder(llama.weights, tmp_path, settings=FORMATS[name])
        sizes.append((tmp_path / DECODER_WEIGHTS_FILE).stat().st_size)
    assert errors == sorted(errors)
    assert sizes == sorted(sizes, reverse=True)
    assert errors[1] < 5e-3 < errors[2] < 0.1 < errors[3]


def test_a_rounding_of_ones_own_is_in_both(llama):
    def coarse(weight, layer, name, block):
        return quantize_4bit(weight if name != "o" else np.zeros_like(weight), block, symmetric=layer == 1)

    decoder = llama.open(DecoderSettings(), exact=True, quantize=coarse)
    logits = decoder.score(decoder.new_cache(), decoder.embed(llama.ids))
    assert relative_error(logits, logits_of(load_reference(llama.weights, DecoderSettings(), coarse), llama.ids)) < 2e-5
    assert relative_error(logits, logits_of(load_reference(llama.weights, DecoderSettings()), llama.ids)) > 0.1


def test_a_config_of_defaults_is_read_as_transformers_reads_it(llama, tmp_path):
    """LLaVA's language models leave out of their configs whatever is Llama's default."""
    sparse = {key: value for key, value in SIZES.items() if key != "num_key_value_heads"} | {"model_type": "llama"}
    shape = SafetensorsWeights(llama.folder, sparse).shape
    full = AutoConfig.for_model(**sparse)
    assert shape.kv_heads == full.num_attention_heads
    assert (shape.rope_base, shape.rms_eps) == (full.rope_theta, full.rms_norm_eps)
