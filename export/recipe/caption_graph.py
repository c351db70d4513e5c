"""The caption head as the graph that ships: bytes of the cells in, the likeliest words out, one after the other.

A loop inside the graph writes them, so that one run is a caption. Weights have 8 bits in blocks of 32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from export.recipe.caption_head import CELLS, END, HEAD_SIZE, LAST_STAGE, LONGEST, Attention, CaptionHead, Layer
from export.recipe.object_blocks import CEILING, LastBlocks
from export.recipe.object_features import ENTRY_COLUMNS, ENTRY_WIDTH
from export.recipe.object_graph import Builder, packed_blocks
from models import captioner
from models.quantize import quantize_8bit

BLOCK = 32
NEVER = -1e9  # logit
OPSETS = [("", 17), ("com.microsoft", 1)]


class Nodes:
    """Nodes and constants of one graph: the whole, or the body of its loop."""

    def __init__(self, prefix: str):
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray | torch.Tensor) -> str:
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        name = f"{self.prefix}constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def __call__(self, op: str, *inputs: str, out: str = "", domain: str = "", **attributes: Any) -> str:
        name = out or f"{self.prefix}{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name, domain=domain, **attributes))
        return name

    def product(self, x: str, weight: torch.Tensor, bias: torch.Tensor) -> str:
        """x [n, in] -> x W' + b [n, out], W [out, in] in 8 bits."""
        matrix = quantize_8bit(weight.detach().numpy(), BLOCK, symmetric=True)
        stored = self.constant(matrix.values), self.constant(matrix.scales.reshape(-1))
        attributes: dict[str, Any] = {
            "K": weight.shape[1],
            "N": weight.shape[0],
            "bits": 8,
            "block_size": BLOCK,
            "accuracy_level": 4,
        }
        y = self("MatMulNBits", x, *stored, domain="com.microsoft", **attributes)
        return self("Add", y, self.constant(bias))

    def linear(self, x: str, layer: nn.Linear) -> str:
        return self.product(x, layer.weight, layer.bias)

    def row(self, table: torch.Tensor, which: str) -> str:
        """Rows of a table [n, width], which has 8 bits and a scale for each row."""
        scales = table.detach().abs().amax(1, keepdim=True) / 127
        stored = torch.round(table.detach() / scales).to(torch.int8)
        found = self("Cast", self("Gather", self.constant(stored), which), to=TensorProto.FLOAT)
        return self("Mul", found, self("Gather", self.constant(scales), which))

    def norm(self, x: str, layer: nn.LayerNorm) -> str:
        gain, shift = self.constant(layer.weight), self.constant(layer.bias)
        return self("LayerNormalization", x, gain, shift, axis=-1, epsilon=layer.eps)

    def heads(self, x: str) -> str:
        """[n, heads * HEAD_SIZE] -> [heads, n, HEAD_SIZE]."""
        return self("Transpose", self("Reshape", x, self.ints(0, -1, HEAD_SIZE)), perm=[1, 0, 2])

    def keys(self, x: str, attention: Attention) -> tuple[str, str]:
        whole = self.heads(self.linear(x, attention.key_value))
        count = attention.out.in_features // HEAD_SIZE
        ends = self.ints(0), self.ints(count), self.ints(2 * count)
        key, value = (self("Slice", whole, *ends[i : i + 2]) for i in range(2))
        return key, value

    def attended(self, x: str, keys: tuple[str, str], attention: Attention) -> str:
        query = self("Mul", self.heads(self.linear(x, attention.query)), self.constant(np.float32(HEAD_SIZE**-0.5)))
        chances = self("Softmax", self("MatMul", query, self("Transpose", keys[0], perm=[0, 2, 1])), axis=-1)
        seen = self("Transpose", self("MatMul", chances, keys[1]), perm=[1, 0, 2])
        return self.linear(self("Reshape", seen, self.ints(0, -1)), attention.out)

    def fed(self, x: str, layer: Layer) -> str:
        up = self.linear(self.norm(x, layer.feed_norm), layer.up)
        erf = self("Erf", self("Div", up, self.constant(np.float32(math.sqrt(2)))))
        bent = self(
            "Mul", self("Mul", up, self.constant(np.float32(0.5))), self("Add", erf, self.constant(np.float32(1)))
        )
        return self("Add", x, self.linear(bent, layer.down))


def write_captioner(
    head: CaptionHead, spoken: Sequence[str], question: str, leaves: str, out: Path, some: np.ndarray | None = None
) -> None:
    """cells uint8 [49, width] -> words int64 [n], the last of them END unless they are LONGEST; log_probabilities
    float32 [n].

    spoken: the words by number. question: the one that is answered so. leaves: label of hints of pictures that are not.
    some: cells of pictures [n, 49, width], on which the ranges of the head's copied blocks are measured, if it has any.
    The three before become properties of the file; the weights lie beside it, where they need not be copied to be used.
    """
    whole = Nodes("")
    seen = _seen(whole, head, some)
    body, kept = _body(head, seen)
    start = [whole.constant(np.int64(LONGEST)), whole.constant(np.array(True)), whole.ints(END)]
    nothing = whole.constant(np.zeros((head.shape.hidden // HEAD_SIZE, 0, HEAD_SIZE), np.float32))
    left = [f"left_{name}" for name in ("word", *kept)]
    rows = [f"{captioner.WORDS}_rows", f"{captioner.LOG_PROBABILITIES}_rows"]
    loop = helper.make_node("Loop", [*start, *[nothing] * len(kept)], [*left, *rows], "write", body=body)
    whole.nodes.append(loop)
    for name, row in zip((captioner.WORDS, captioner.LOG_PROBABILITIES), rows, strict=True):
        whole("Reshape", row, whole.ints(-1), out=name)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        whole.nodes,
        "captions",
        [value(captioner.CELLS, TensorProto.UINT8, [CELLS, "width"])],
        [
            value(captioner.WORDS, TensorProto.INT64, ["n"]),
            value(captioner.LOG_PROBABILITIES, TensorProto.FLOAT, ["n"]),
        ],
        whole.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*one) for one in OPSETS], ir_version=9)
    properties = {captioner.SPOKEN: "\n".join(spoken), captioner.QUESTION: question, captioner.LEAVES: leaves}
    helper.set_model_props(model, properties)
    weights = out.with_suffix(".weights")
    weights.unlink(missing_ok=True)  # they would be added to
    onnx.save(model, out, save_as_external_data=True, location=weights.name, size_threshold=1024)


def _seen(build: Nodes, head: CaptionHead, some: np.ndarray | None) -> list[tuple[str, str]]:
    """What each writing layer looks at. How bytes are spread is part of the first product."""
    mean, spread = head.mean, head.spread
    cells = build("Slice", captioner.CELLS, *(build.ints(n) for n in (0, head.shape.cell_width, 1)))
    x = build("Cast", cells, to=TensorProto.FLOAT)
    if head.blocks is not None:
        assert some is not None
        last = own_blocks(build, captioner.CELLS, head.blocks, some[..., ENTRY_COLUMNS])
        own = build("Cast", last, to=TensorProto.FLOAT)
        x = build("Concat", x, own, axis=1)
        byte = CEILING / 255 / head.step  # in bytes of the encoder's own last stage
        mean = torch.cat([mean, mean[:LAST_STAGE] / byte])
        spread = torch.cat([spread, spread[:LAST_STAGE] / byte])
    weight = head.enter.weight / spread
    x = build.product(x, weight, head.enter.bias - weight @ mean)
    x = build("Add", x, build.constant(head.cell_place))
    for layer in head.seeing:
        assert isinstance(layer, Layer)
        normed = build.norm(x, layer.own_norm)
        x = build("Add", x, build.attended(normed, build.keys(normed, layer.own), layer.own))
        x = build.fed(x, layer)
    x = build.norm(x, head.seen_norm)
    return [build.keys(x, layer.cells) for layer in head.writing]  # type: ignore[arg-type]


def own_blocks(build: Nodes, cells: str, blocks: LastBlocks, some: np.ndarray) -> str:
    """What copied blocks compute of the cells: bytes [49, LAST_STAGE]. some: bytes that they are given [n, 49, e], on
    which their ranges are measured."""
    ends = (build.ints(n) for n in (ENTRY_COLUMNS.start, ENTRY_COLUMNS.stop, 1))
    bytes_of_cells = build("Slice", cells, *ends)
    side = math.isqrt(CELLS)
    split = build("Reshape", bytes_of_cells, build.ints(side, side, ENTRY_WIDTH, 2, 2))
    grid = build("Transpose", split, perm=[2, 0, 3, 1, 4])
    entry = build("Reshape", grid, build.ints(1, ENTRY_WIDTH, 2 * side, 2 * side))
    graph = onnx.GraphProto()
    last = packed_blocks(Builder(graph), (entry, blocks.scale, blocks.zero), blocks.folded(some))
    build.nodes += graph.node
    build.constants += graph.initializer
    return build("Transpose", build("Reshape", last, build.ints(LAST_STAGE, CELLS)), perm=[1, 0])


def _body(head: CaptionHead, seen: Sequence[tuple[str, str]]) -> tuple[onnx.GraphProto, list[str]]:
    """One word more; the names of the keys and values that it is given of the words before."""
    build, value = Nodes("word/"), helper.make_tensor_value_info
    kept = [f"{kind}_{i}" for i in range(len(head.writing)) for kind in ("key", "value")]
    place = build("Reshape", "turn", build.ints(1))
    x = build("Add", build.row(head.words.weight, "before_word"), build("Gather", build.constant(head.place), place))
    grown: list[str] = []
    for i, layer in enumerate(head.writing):
        assert isinstance(layer, Layer)
        assert layer.cells is not None
        assert layer.cell_norm is not None
        normed = build.norm(x, layer.own_norm)
        keys = [
            build("Concat", f"before_{name}", new, axis=1, out=f"after_{name}")
            for name, new in zip(kept[2 * i : 2 * i + 2], build.keys(normed, layer.own), strict=True)
        ]
        grown += keys
        x = build("Add", x, build.attended(normed, (keys[0], keys[1]), layer.own))
        x = build("Add", x, build.attended(build.norm(x, layer.cell_norm), seen[i], layer.cells))
        x = build.fed(x, layer)
    logits = build.product(build.norm(x, head.written_norm), head.words.weight, head.bias)
    no_end = np.zeros(head.shape.words, np.float32)
    no_end[END] = NEVER  # a caption has one word at least
    at_first = build("Cast", build("Equal", place, build.ints(0)), to=TensorProto.FLOAT)
    logits = build("Add", logits, build("Mul", at_first, build.constant(no_end)))
    chances = build("LogSoftmax", logits, axis=-1)
    build("Reshape", build("ArgMax", chances, axis=-1, keepdims=1), build.ints(1), out="after_word")
    build("ReduceMax", chances, axes=[-1], keepdims=0, out="log_probability")
    ends = build("Equal", "after_word", build.ints(END))
    build("Reshape", build("Not", ends), build.constant(np.zeros(0, np.int64)), out="goes_on")
    build("Identity", "after_word", out="said")
    keys_type = [head.shape.hidden // HEAD_SIZE, None, HEAD_SIZE]
    inputs = [
        value("turn", TensorProto.INT64, []),
        value("went_on", TensorProto.BOOL, []),
        value("before_word", TensorProto.INT64, [1]),
        *(value(f"before_{name}", TensorProto.FLOAT, keys_type) for name in kept),
    ]
    outputs = [
        value("goes_on", TensorProto.BOOL, []),
        value("after_word", TensorProto.INT64, [1]),
        *(value(name, TensorProto.FLOAT, keys_type) for name in grown),
        value("said", TensorProto.INT64, [1]),
        value("log_probability", TensorProto.FLOAT, [1]),
    ]
    return helper.make_graph(build.nodes, "word", inputs, outputs, build.constants), kept
