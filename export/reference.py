"""The PyTorch model that the runtime is checked against: transformers' Llama family holding a bundle's very weights.

Knows how to fill the model. Does not train it and does not know the ONNX graph.
"""

from __future__ import annotations

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from export.safetensors_weights import MODULES
from models.decoder_matrices import DecoderMatrices, DecoderWeights, Quantizer
from models.decoder_settings import DecoderSettings

_FULL = DecoderSettings(projections="fp32", head="fp32")
_QWEN2_BIASES = {"q", "k", "v"}


def load_reference(
    weights: DecoderWeights, settings: DecoderSettings | None = None, quantize: Quantizer | None = None
) -> LlamaForCausalLM | Qwen2ForCausalLM:
    """A float32 model in evaluation mode: Qwen2ForCausalLM where q, k and v alone have biases, else LlamaForCausalLM.

    (What MistralForCausalLM computes within its window is what LlamaForCausalLM does.)

    settings, quantize: the matrices take the values that write_decoder stores for them, so that what is left between
    this model and the runtime is the graph and the rounding of activations. Without settings: full precision.
    """
    shape = weights.shape
    matrices = DecoderMatrices(weights, settings or _FULL, quantize)
    state: dict[str, np.ndarray] = {"model.norm.weight": weights.output_norm()}
    head = matrices.head().dequantize()
    state["lm_head.weight"] = head
    state["model.embed_tokens.weight"] = head if matrices.tied else matrices.embeddings().dequantize()
    for i in range(shape.layers):
        prefix = f"model.layers.{i}"
        for name, module in MODULES.items():
            state[f"{prefix}.{module}.weight"] = matrices.projections(i, name).dequantize()
            bias = weights.bias(i, name)
            if bias is not None:
                state[f"{prefix}.{module}.bias"] = bias
        state[f"{prefix}.input_layernorm.weight"] = weights.attention_norm(i)
        state[f"{prefix}.post_attention_layernorm.weight"] = weights.feed_forward_norm(i)
    model = _empty(weights, matrices.tied)
    for key, value in model.state_dict().items():
        if key.endswith(".bias") and key not in state:  # Llama has them in all four projections of attention, or none
            state[key] = np.zeros(value.shape, np.float32)
    model.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in state.items()}, assign=True)
    model.tie_weights()
    frequencies = torch.from_numpy(shape.frequencies().astype(np.float32))
    model.model.rotary_emb.register_buffer("inv_freq", frequencies, persistent=False)
    return model.eval()


def _empty(weights: DecoderWeights, tied: bool) -> LlamaForCausalLM | Qwen2ForCausalLM:
    shape = weights.shape
    sizes = {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_size,
        "rms_norm_eps": shape.rms_eps,
        "rope_theta": shape.rope_base,
        "max_position_embeddings": shape.max_positions,
        "tie_word_embeddings": tied,
    }
    biased = {name for name in MODULES if weights.bias(0, name) is not None}
    if biased == _QWEN2_BIASES:
        return Qwen2ForCausalLM(Qwen2Config(**sizes))
    return LlamaForCausalLM(
        LlamaConfig(**sizes, attention_bias=bool(biased & set("qkvo")), mlp_bias=bool(biased - set("qkvo")))
    )
