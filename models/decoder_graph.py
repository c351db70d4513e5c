"""Writes a Llama-family decoder as an ONNX graph of onnxruntime's fused kernels, its weights in one file beside it.

Knows the graph and its names. Does not know where the weights come from, nor how the graph is run.

Inputs:  inputs_embeds float32 [batch, new, hidden]; words and image tokens alike
         seqlens_k int32 [batch], tokens in the cache after this call minus one; total_sequence_length int32 scalar
         logit_rows int64 [rows], which of the new positions get logits
         past_key.{i}, past_value.{i} float32 [batch, key/value heads, capacity, head size]
Outputs: logits float32 [batch, rows, vocabulary]; present_key.{i}, present_value.{i}, which may be bound to the very
         memory of past_*: new keys and values are then written in place and nothing is copied.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import onnx
from onnx import TensorProto, helper

from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder_layout import DecoderLayout
from models.gguf_weights import LlamaShape
from models.quantize import HEAD_BLOCK, QuantizedMatrix, block_for, quantize_4bit, stack

_ROWS = 4096  # of the embeddings at a time
_ALIGNMENT = 4096  # a page, so that onnxruntime maps a tensor instead of copying it
_CONTRIB = "com.microsoft"


class DecoderWeights(Protocol):
    """Where the float32 weights come from, one at a time (see AdaptedWeights)."""

    @property
    def shape(self) -> LlamaShape: ...
    def projection(self, layer: int, name: str) -> np.ndarray: ...
    def importance(self, layer: int, name: str) -> np.ndarray | None: ...
    def attention_norm(self, layer: int) -> np.ndarray: ...
    def feed_forward_norm(self, layer: int) -> np.ndarray: ...
    def output_norm(self) -> np.ndarray: ...
    def embeddings(self, rows: slice) -> np.ndarray: ...


def write_decoder(
    weights: DecoderWeights, folder: Path, max_tokens: int = 2048, progress: Callable[[float], None] | None = None
) -> DecoderLayout:
    """Writes the graph and its weights into `folder`: int4 projections and an int4 head that is also the embedding.

    max_tokens: the longest sequence that rotary tables are made for. progress: called with the share done, 0 to 1.
    """
    with (folder / DECODER_WEIGHTS_FILE).open("wb") as file:
        graph = _Graph(weights.shape, file)
        graph.decoder(weights, max_tokens, progress or (lambda share: None))
    onnx.save(graph.model(), folder / DECODER_GRAPH_FILE)
    shape = weights.shape
    return DecoderLayout(
        layers=shape.layers,
        hidden=shape.hidden,
        kv_heads=shape.kv_heads,
        head_size=shape.head_size,
        vocabulary=shape.vocabulary,
        max_tokens=max_tokens,
        embedding_block=HEAD_BLOCK,
        embedding_values=graph.offsets["embedding.values"],
        embedding_scales=graph.offsets["embedding.scales"],
        embedding_zero_points=graph.offsets["embedding.zero_points"],
    )


class _Graph:
    """Collects nodes and streams initialisers to `file` as they come."""

    def __init__(self, shape: LlamaShape, file: BinaryIO):
        self.shape = shape
        self.file = file
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []
        self.offsets: dict[str, int] = {}

    def decoder(self, weights: DecoderWeights, max_tokens: int, progress: Callable[[float], None]) -> None:
        shape = self.shape
        # The largest matrix by far, so that it is not held in memory as float32.
        parts = (weights.embeddings(slice(row, row + _ROWS)) for row in range(0, shape.vocabulary, _ROWS))
        head = stack([quantize_4bit(part, HEAD_BLOCK) for part in parts])
        stored_head = self.store_matrix("embedding", head)
        cosine, sine = self.rotary_tables(max_tokens)
        hidden = self.add(
            "SimplifiedLayerNormalization",
            ["inputs_embeds", self.store("layers.0.attention_norm", weights.attention_norm(0))],
            "layers.0.attention_input",
            axis=-1,
            epsilon=shape.rms_eps,
        )
        residual = "inputs_embeds"
        for i in range(shape.layers):
            name = f"layers.{i}"
            qkv = self.matmul(hidden, f"{name}.qkv", stack([self.quantized(weights, i, p) for p in "qkv"]))
            attended = self.attention(i, qkv, cosine, sine)
            last = i + 1 == shape.layers
            if last:  # nothing after the last attention mixes positions, so only those that get logits go on
                attended = self.add("Gather", [attended, "logit_rows"], "head_rows.attended", axis=1)
                residual = self.add("Gather", [residual, "logit_rows"], "head_rows.residual", axis=1)
            projected = self.matmul(attended, f"{name}.o", self.quantized(weights, i, "o"))
            hidden, residual = self.norm(projected, residual, f"{name}.feed_forward", weights.feed_forward_norm(i))
            both = stack([self.quantized(weights, i, p) for p in ("gate", "up")])
            gated = self.gated(self.matmul(hidden, f"{name}.gate_up", both), name)
            down = self.matmul(gated, f"{name}.down", self.quantized(weights, i, "down"))
            gain = weights.output_norm() if last else weights.attention_norm(i + 1)
            hidden, residual = self.norm(down, residual, "head" if last else f"layers.{i + 1}.attention", gain)
            progress((i + 1) / shape.layers)
        self.nodes.append(_matmul_node(hidden, stored_head, "logits", head))

    @staticmethod
    def quantized(weights: DecoderWeights, layer: int, name: str) -> QuantizedMatrix:
        weight = weights.projection(layer, name)
        return quantize_4bit(weight, block_for(weight.shape[1]), weights.importance(layer, name))

    def matmul(self, source: str, name: str, matrix: QuantizedMatrix) -> str:
        self.nodes.append(_matmul_node(source, self.store_matrix(name, matrix), name, matrix))
        return name

    def gated(self, both: str, name: str) -> str:
        """SiLU(gate) * up, of the two side by side: one product and a cheap split beat two products."""
        split = helper.make_node("Split", [both], [f"{name}.gate", f"{name}.up"], axis=-1, num_outputs=2)
        self.nodes.append(split)
        gate = self.add("QuickGelu", [f"{name}.gate"], f"{name}.silu", domain=_CONTRIB, alpha=1.0)
        return self.add("Mul", [gate, f"{name}.up"], f"{name}.gated")

    def attention(self, layer: int, qkv: str, cosine: str, sine: str) -> str:
        shape = self.shape
        past = [f"past_key.{layer}", f"past_value.{layer}"]
        output = f"layers.{layer}.attended"
        node = helper.make_node(
            "GroupQueryAttention",
            [qkv, "", "", *past, "seqlens_k", "total_sequence_length", cosine, sine],
            [output, f"present_key.{layer}", f"present_value.{layer}"],
            domain=_CONTRIB,
            name=output,
            num_heads=shape.heads,
            kv_num_heads=shape.kv_heads,
            do_rotary=1,
        )
        self.nodes.append(node)
        return output

    def norm(self, source: str, residual: str, name: str, gain: np.ndarray) -> tuple[str, str]:
        """Adds `source` to the residual stream and normalises the sum: (normalised, sum)."""
        output, total = f"{name}_input", f"{name}_residual"
        node = helper.make_node(
            "SkipSimplifiedLayerNormalization",
            [source, residual, self.store(f"{name}_norm", gain)],
            [output, "", "", total],
            domain=_CONTRIB,
            name=output,
            epsilon=self.shape.rms_eps,
        )
        self.nodes.append(node)
        return output, total

    def rotary_tables(self, max_tokens: int) -> tuple[str, str]:
        half = self.shape.head_size // 2
        angles = np.outer(np.arange(max_tokens), self.shape.rope_base ** (-np.arange(half) / half))
        return (
            self.store("rotary.cosine", np.cos(angles).astype(np.float32)),
            self.store("rotary.sine", np.sin(angles).astype(np.float32)),
        )

    def add(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, name=output, **attributes))
        return output

    def store_matrix(self, name: str, matrix: QuantizedMatrix) -> list[str]:
        stored = [self.store(f"{name}.values", matrix.values), self.store(f"{name}.scales", matrix.scales)]
        if matrix.zero_points is not None:
            stored.append(self.store(f"{name}.zero_points", matrix.zero_points))
        return stored

    def store(self, name: str, array: np.ndarray) -> str:
        """Appends the array to the weights file and refers to it by place and length."""
        self.file.write(bytes(-self.file.tell() % _ALIGNMENT))
        tensor = TensorProto(
            name=name, data_type=helper.np_dtype_to_tensor_dtype(array.dtype), data_location=TensorProto.EXTERNAL
        )
        tensor.dims.extend(array.shape)
        self.offsets[name] = self.file.tell()
        place = {"location": DECODER_WEIGHTS_FILE, "offset": self.file.tell(), "length": array.nbytes}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.file.write(np.ascontiguousarray(array).data)
        self.initialisers.append(tensor)
        return name

    def model(self) -> onnx.ModelProto:
        shape = self.shape
        cache: list[str | int | None] = ["batch", shape.kv_heads, "capacity", shape.head_size]
        slots = [f"{kind}.{i}" for i in range(shape.layers) for kind in ("key", "value")]
        inputs = [
            helper.make_tensor_value_info("inputs_embeds", TensorProto.FLOAT, ["batch", "new", shape.hidden]),
            helper.make_tensor_value_info("seqlens_k", TensorProto.INT32, ["batch"]),
            helper.make_tensor_value_info("total_sequence_length", TensorProto.INT32, []),
            helper.make_tensor_value_info("logit_rows", TensorProto.INT64, ["rows"]),
            *(helper.make_tensor_value_info(f"past_{slot}", TensorProto.FLOAT, cache) for slot in slots),
        ]
        outputs = [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "rows", shape.vocabulary]),
            *(helper.make_tensor_value_info(f"present_{slot}", TensorProto.FLOAT, cache) for slot in slots),
        ]
        graph = helper.make_graph(self.nodes, "decoder", inputs, outputs, self.initialisers)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="glint")


def _matmul_node(source: str, stored: list[str], output: str, matrix: QuantizedMatrix) -> onnx.NodeProto:
    rows, columns = matrix.shape
    return helper.make_node(
        "MatMulNBits",
        [source, *stored],
        [output],
        domain=_CONTRIB,
        name=output,
        K=columns,
        N=rows,
        bits=matrix.bits,
        block_size=matrix.block,
        accuracy_level=4,  # activations are rounded to 8 bits a block, as llama.cpp does: the integer kernels
    )
