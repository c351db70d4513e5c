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

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from onnx import TensorProto, helper

from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder_layout import DecoderLayout
from models.decoder_matrices import DecoderMatrices, DecoderWeights, Quantizer
from models.decoder_settings import SHIPPED, DecoderSettings
from models.errors import GlintError
from models.llama_shape import LlamaShape
from models.quantize import Matrix, QuantizedMatrix

_ALIGNMENT = 4096  # a page, so that onnxruntime maps a tensor instead of copying it
_CONTRIB = "com.microsoft"


def write_decoder(
    weights: DecoderWeights,
    folder: Path,
    max_tokens: int = 2048,
    progress: Callable[[float], None] | None = None,
    settings: DecoderSettings = SHIPPED,
    quantize: Quantizer | None = None,
) -> DecoderLayout:
    """Writes the graph and its weights into `folder`. By default: int4, with a head that is also the embedding table.

    max_tokens: the longest sequence that rotary tables are made for, but never more than the model was made for (the
    layout tells). progress: called with the share done, 0 to 1. quantize: see DecoderMatrices. GlintError where the
    settings do not suit the model's sizes.
    """
    shape = weights.shape
    if shape.head_size % 16:
        raise GlintError(f"Heads of {shape.head_size} numbers cannot be exported; their size must be a multiple of 16.")
    max_tokens = min(max_tokens, shape.max_positions)
    with (folder / DECODER_WEIGHTS_FILE).open("wb") as file:
        graph = _Graph(shape, settings, file)
        table = graph.decoder(weights, quantize, max_tokens, progress or (lambda share: None))
    onnx.save(graph.model(), folder / DECODER_GRAPH_FILE)
    quantized = table if isinstance(table, QuantizedMatrix) else None
    return DecoderLayout(
        layers=shape.layers,
        hidden=shape.hidden,
        kv_heads=shape.kv_heads,
        head_size=shape.head_size,
        vocabulary=shape.vocabulary,
        max_tokens=max_tokens,
        embedding_bits=table.bits,
        embedding_block=quantized.block if quantized else None,
        embedding_values=graph.offsets["embedding.values"],
        embedding_scales=graph.offsets.get("embedding.scales"),
        embedding_zero_points=graph.offsets.get("embedding.zero_points"),
    )


class _Graph:
    """Collects nodes and streams initialisers to `file` as they come."""

    def __init__(self, shape: LlamaShape, settings: DecoderSettings, file: BinaryIO):
        self.shape = shape
        self.settings = settings
        self.file = file
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []
        self.offsets: dict[str, int] = {}

    def decoder(
        self,
        weights: DecoderWeights,
        quantize: Quantizer | None,
        max_tokens: int,
        progress: Callable[[float], None],
    ) -> Matrix:
        """Adds all nodes. Returns the embedding table, stored as "embedding"."""
        shape = self.shape
        matrices = DecoderMatrices(weights, self.settings, quantize)
        table = head = matrices.head()
        if matrices.tied:
            stored_head = self.store_matrix("embedding", head)
        else:
            stored_head = self.store_matrix("head", head)
            table = matrices.embeddings()
            for part, array in _arrays(table):  # no node reads it
                self.write(f"embedding.{part}", array)
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
            qkv = self.project(hidden, f"{name}.qkv", matrices, i, *"qkv")
            attended = self.attention(i, qkv, cosine, sine)
            last = i + 1 == shape.layers
            if last:  # nothing after the last attention mixes positions, so only those that get logits go on
                attended = self.add("Gather", [attended, "logit_rows"], "head_rows.attended", axis=1)
                residual = self.add("Gather", [residual, "logit_rows"], "head_rows.residual", axis=1)
            projected = self.project(attended, f"{name}.o", matrices, i, "o")
            hidden, residual = self.norm(projected, residual, f"{name}.feed_forward", weights.feed_forward_norm(i))
            gated = self.gated(self.project(hidden, f"{name}.gate_up", matrices, i, "gate", "up"), name)
            down = self.project(gated, f"{name}.down", matrices, i, "down")
            gain = weights.output_norm() if last else weights.attention_norm(i + 1)
            hidden, residual = self.norm(down, residual, "head" if last else f"layers.{i + 1}.attention", gain)
            progress((i + 1) / shape.layers)
        self.product(hidden, stored_head, "logits", head)
        return table

    def project(self, source: str, output: str, matrices: DecoderMatrices, layer: int, *names: str) -> str:
        """Several projections of one source, side by side."""
        matrix, bias = matrices.projections(layer, *names), matrices.bias(layer, *names)
        stored = self.store_matrix(output, matrix)
        self.product(source, stored, output, matrix, "" if bias is None else self.store(f"{output}.bias", bias))
        return output

    def product(self, source: str, stored: list[str], output: str, matrix: Matrix, bias: str = "") -> None:
        """source times the transposed matrix."""
        if isinstance(matrix, QuantizedMatrix):
            rows, columns = matrix.shape
            zero_points = stored[2] if len(stored) == 3 else ""
            inputs = [source, *stored[:2], zero_points, "", bias]
            self.add(
                "MatMulNBits",
                inputs[: max(i for i, name in enumerate(inputs) if name) + 1],  # trailing ones are left out
                output,
                domain=_CONTRIB,
                K=columns,
                N=rows,
                bits=matrix.bits,
                block_size=matrix.block,
                # 4: activations are rounded to 8 bits a block, as llama.cpp does: the integer kernels
                accuracy_level=self.settings.accuracy_level,
            )
            return
        weight = stored[0]
        if matrix.bits == 16:  # folded while the model is loaded
            weight = self.add("Cast", [weight], f"{weight}.float", to=TensorProto.FLOAT)
        # Rows as they are looked up in the embedding table, so that a tied one is stored once.
        total = f"{output}.product" if bias else output
        self.add("FusedMatMul", [source, weight], total, domain=_CONTRIB, transB=1)
        if bias:
            self.add("Add", [total, bias], output)

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
        angles = np.outer(np.arange(max_tokens), self.shape.frequencies())
        return (
            self.store("rotary.cosine", np.cos(angles).astype(np.float32)),
            self.store("rotary.sine", np.sin(angles).astype(np.float32)),
        )

    def add(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, name=output, **attributes))
        return output

    def store_matrix(self, name: str, matrix: Matrix) -> list[str]:
        """The names of its arrays: values, scales, zero points, as far as it has them."""
        return [self.store(f"{name}.{part}", array) for part, array in _arrays(matrix)]

    def store(self, name: str, array: np.ndarray) -> str:
        """Appends the array to the weights file and refers to it by place and length."""
        self.write(name, array)
        tensor = TensorProto(
            name=name, data_type=helper.np_dtype_to_tensor_dtype(array.dtype), data_location=TensorProto.EXTERNAL
        )
        tensor.dims.extend(array.shape)
        place = {"location": DECODER_WEIGHTS_FILE, "offset": self.offsets[name], "length": array.nbytes}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.initialisers.append(tensor)
        return name

    def write(self, name: str, array: np.ndarray) -> None:
        """Appends the array to the weights file and nothing more."""
        self.file.write(bytes(-self.file.tell() % _ALIGNMENT))
        self.offsets[name] = self.file.tell()
        self.file.write(np.ascontiguousarray(array).data)

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


def _arrays(matrix: Matrix) -> Iterator[tuple[str, np.ndarray]]:
    yield "values", matrix.values
    if isinstance(matrix, QuantizedMatrix):
        yield "scales", matrix.scales
        if matrix.zero_points is not None:
            yield "zero_points", matrix.zero_points
