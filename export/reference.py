"""The PyTorch model that the runtime is checked against: transformers' Llama holding a bundle's very weights.

Knows how to fill the model. Does not train it and does not know the ONNX graph.
"""

from __future__ import annotations

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from models.adapted_weights import PROJECTIONS
from models.decoder_graph import DecoderWeights
from models.quantize import HEAD_BLOCK, block_for, quantize_4bit

_MODULES = {
    **{name: f"self_attn.{name}_proj" for name in "qkvo"},
    **{name: f"mlp.{name}_proj" for name in ("gate", "up", "down")},
}


def load_reference(weights: DecoderWeights, quantized: bool = False) -> LlamaForCausalLM:
    """A float32 LlamaForCausalLM in evaluation mode.

    quantized: the matrices take the values they have after the block quantisation of the bundle, so that what is left
    between this model and the runtime is the graph and the rounding of activations.
    """
    shape = weights.shape
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        rms_norm_eps=shape.rms_eps,
        rope_theta=shape.rope_base,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )
    embeddings = weights.embeddings(slice(None))
    if quantized:
        embeddings = quantize_4bit(embeddings, HEAD_BLOCK).dequantize()
    state = {
        "model.embed_tokens.weight": embeddings,
        "lm_head.weight": embeddings,
        "model.norm.weight": weights.output_norm(),
    }
    for i in range(shape.layers):
        prefix = f"model.layers.{i}"
        for name in PROJECTIONS:
            weight = weights.projection(i, name)
            if quantized:
                matrix = quantize_4bit(weight, block_for(weight.shape[1]), weights.importance(i, name))
                weight = matrix.dequantize()
            state[f"{prefix}.{_MODULES[name]}.weight"] = weight
        state[f"{prefix}.input_layernorm.weight"] = weights.attention_norm(i)
        state[f"{prefix}.post_attention_layernorm.weight"] = weights.feed_forward_norm(i)
    model = LlamaForCausalLM(config)
    model.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in state.items()}, assign=True)
    model.tie_weights()
    return model.eval()
