"""GGUF files against transformers' own reading of them: weights, and the splitting of texts."""

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from tiny_llama import SHAPE, write_gguf
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

from models.adapted_weights import AdaptedWeights
from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder import Decoder
from models.decoder_graph import write_decoder
from models.decoder_settings import DecoderSettings
from models.gguf_weights import GgufWeights


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"tied": False},
        {"tied": False, "kind": GGMLQuantizationType.Q8_0},
        {"architecture": "qwen2", "biased": "qkv"},
        {"architecture": "qwen2", "biased": "qkv", "tied": False},
    ],
    ids=["llama", "untied", "Q8_0", "qwen2", "qwen2 untied"],
)
def test_the_decoder_is_the_model_that_transformers_reads(tmp_path, kind):
    path = write_gguf(tmp_path / "model.gguf", **kind)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**load_gguf_checkpoint(str(path))["config"])).eval()
    tensors = load_gguf_checkpoint(str(path), return_tensors=True, model_to_load=model)["tensors"]
    missing = model.load_state_dict(tensors, strict=False).missing_keys
    assert missing == ([] if "lm_head.weight" in tensors else ["lm_head.weight"])
    ids = np.arange(200) % SHAPE.vocabulary
    with torch.no_grad():
        expected = model(input_ids=torch.from_numpy(ids)[None]).logits[0].numpy()
    settings = DecoderSettings(projections="fp32", head="fp32")
    layout = write_decoder(AdaptedWeights(GgufWeights(path)), tmp_path, settings=settings)
    decoder = Decoder.open(tmp_path / DECODER_GRAPH_FILE, tmp_path / DECODER_WEIGHTS_FILE, layout)
    logits = decoder.score(decoder.new_cache(), decoder.embed(ids))
    assert np.linalg.norm(logits - expected) < 2e-5 * np.linalg.norm(expected)
