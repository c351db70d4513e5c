"""Llama models small enough to be made in a test: real GGUF files of random numbers."""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, quantize

from models.adapted_weights import PROJECTIONS
from models.llama_shape import LlamaShape

SHAPE = LlamaShape(
    layers=2,
    hidden=128,
    heads=4,
    kv_heads=2,
    head_size=32,
    feed_forward=160,
    vocabulary=96,
    rope_base=10_000.0,
    rms_eps=1e-5,
)


def write_gguf(
    path: Path,
    shape: LlamaShape = SHAPE,
    seed: int = 0,
    *,
    architecture: str = "llama",
    tied: bool = True,
    biased: str = "",
    kind: GGMLQuantizationType = GGMLQuantizationType.F32,
) -> Path:
    """A GGUF file of that shape, with a tokenizer that knows little more than "t1".

    biased: the letters of the attention's projections that get a bias. kind: of all matrices.
    """
    random = np.random.default_rng(seed)
    writer = GGUFWriter(str(path), architecture)
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.max_positions)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_size)
    writer.add_value_length(shape.head_size)
    writer.add_rope_dimension_count(shape.head_size)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.rms_eps)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["t", "1", "t1", *(f"<{i}>" for i in range(3, shape.vocabulary))])
    writer.add_token_types([1] * shape.vocabulary)
    writer.add_token_merges(["t 1"])

    def matrix(name: str, out: int, columns: int) -> None:
        weight = (random.standard_normal((out, columns)) / np.sqrt(columns)).astype(np.float32)
        plain = kind == GGMLQuantizationType.F32
        writer.add_tensor(name, weight if plain else quantize(weight, kind), raw_dtype=None if plain else kind)

    def gain(name: str) -> None:
        writer.add_tensor(name, random.uniform(0.5, 1.5, shape.hidden).astype(np.float32))

    matrix("token_embd.weight", shape.vocabulary, shape.hidden)
    if not tied:
        matrix("output.weight", shape.vocabulary, shape.hidden)
    if shape.rope_scaling is not None:
        writer.add_tensor("rope_freqs.weight", np.array(shape.rope_scaling, np.float32))
    gain("output_norm.weight")
    for i in range(shape.layers):
        gain(f"blk.{i}.attn_norm.weight")
        gain(f"blk.{i}.ffn_norm.weight")
        for name, tensor in PROJECTIONS.items():
            matrix(f"blk.{i}.{tensor}.weight", shape.rows(name), shape.columns(name))
            if name in biased:
                writer.add_tensor(f"blk.{i}.{tensor}.bias", random.standard_normal(shape.rows(name)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_adapter(path: Path, shape: LlamaShape = SHAPE, rank: int = 4, seed: int = 1) -> Path:
    """Low-rank updates and column importance for every projection, and other gains; large enough to matter."""
    from safetensors.numpy import save_file

    random = np.random.default_rng(seed)
    tensors = {"output_norm": random.uniform(0.5, 1.5, shape.hidden).astype("f4")}
    for i in range(shape.layers):
        for norm in ("attention_norm", "feed_forward_norm"):
            tensors[f"layers.{i}.{norm}"] = random.uniform(0.5, 1.5, shape.hidden).astype("f4")
        for name in PROJECTIONS:
            out, columns = shape.rows(name), shape.columns(name)
            tensors[f"layers.{i}.{name}.A"] = (random.standard_normal((rank, columns)) / np.sqrt(columns)).astype("f2")
            tensors[f"layers.{i}.{name}.B"] = (random.standard_normal((out, rank)) / rank).astype("f2")
            tensors[f"layers.{i}.{name}.importance"] = random.exponential(size=columns).astype("f2")
    save_file(tensors, path)
    return path
