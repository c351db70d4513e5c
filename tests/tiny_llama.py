"""Llama models small enough to be made in a test: real GGUF files of random numbers."""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from models.gguf_weights import LlamaShape

SHAPE = LlamaShape(
    layers=2, hidden=128, heads=4, kv_heads=2, feed_forward=160, vocabulary=96, rope_base=10_000.0, rms_eps=1e-5
)


def write_gguf(path: Path, shape: LlamaShape = SHAPE, seed: int = 0) -> Path:
    """A GGUF file of that shape, with a tokenizer that knows little more than "t1"."""
    random = np.random.default_rng(seed)
    writer = GGUFWriter(str(path), "llama")
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.rms_eps)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["t", "1", "t1", *(f"<{i}>" for i in range(3, shape.vocabulary))])
    writer.add_token_types([1] * shape.vocabulary)
    writer.add_token_merges(["t 1"])

    def matrix(name: str, out: int, columns: int) -> None:
        weight = random.standard_normal((out, columns)) / np.sqrt(columns)
        writer.add_tensor(name, weight.astype(np.float32))

    def gain(name: str) -> None:
        writer.add_tensor(name, random.uniform(0.5, 1.5, shape.hidden).astype(np.float32))

    matrix("token_embd.weight", shape.vocabulary, shape.hidden)
    gain("output_norm.weight")
    for i in range(shape.layers):
        gain(f"blk.{i}.attn_norm.weight")
        gain(f"blk.{i}.ffn_norm.weight")
        matrix(f"blk.{i}.attn_q.weight", shape.hidden, shape.hidden)
        matrix(f"blk.{i}.attn_k.weight", shape.kv_heads * shape.head_size, shape.hidden)
        matrix(f"blk.{i}.attn_v.weight", shape.kv_heads * shape.head_size, shape.hidden)
        matrix(f"blk.{i}.attn_output.weight", shape.hidden, shape.hidden)
        matrix(f"blk.{i}.ffn_gate.weight", shape.feed_forward, shape.hidden)
        matrix(f"blk.{i}.ffn_up.weight", shape.feed_forward, shape.hidden)
        matrix(f"blk.{i}.ffn_down.weight", shape.hidden, shape.feed_forward)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_adapter(path: Path, shape: LlamaShape = SHAPE, rank: int = 4, seed: int = 1) -> Path:
    """Low-rank updates and column importance for every projection, and other gains; large enough to matter."""
    from safetensors.numpy import save_file

    random = np.random.default_rng(seed)
    kv = shape.kv_heads * shape.head_size
    hidden, inner = shape.hidden, shape.feed_forward
    sizes = {
        "q": (hidden, hidden),
        "k": (kv, hidden),
        "v": (kv, hidden),
        "o": (hidden, hidden),
        "gate": (inner, hidden),
        "up": (inner, hidden),
        "down": (hidden, inner),
    }
    tensors = {"output_norm": random.uniform(0.5, 1.5, hidden).astype("f4")}
    for i in range(shape.layers):
        for norm in ("attention_norm", "feed_forward_norm"):
            tensors[f"layers.{i}.{norm}"] = random.uniform(0.5, 1.5, hidden).astype("f4")
        for name, (out, columns) in sizes.items():
            tensors[f"layers.{i}.{name}.A"] = (random.standard_normal((rank, columns)) / np.sqrt(columns)).astype("f2")
            tensors[f"layers.{i}.{name}.B"] = (random.standard_normal((out, rank)) / rank).astype("f2")
            tensors[f"layers.{i}.{name}.importance"] = random.exponential(size=columns).astype("f2")
    save_file(tensors, path)
    return path
