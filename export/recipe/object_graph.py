"""Puts the object head into vision.onnx, beside what is there and without touching it.

Everything is in whole numbers: the features are taken as the bytes that the encoder computes, the copied blocks are
quantised as the encoder is, and so are the head's products. The encoder's own class scores are given a place in the
picture too, for names that the head does not know.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.recipe.object_blocks import CEILING, Convolution, FoldedBlocks
from export.recipe.object_features import CELLS, ENTRY, ENTRY_WIDTH, PARTS, quantisation
from models.vision import CAPTION_CELLS

FINE = 2 * CELLS  # boxes are sought on a grid twice as fine
REACH = 0.15  # of the picture's side: the unit in which a side's distance from its cell is learned
LARGEST_BYTE_WEIGHT = 63  # two products of 255 and a weight must fit into 16 bits (encoder.export_encoder says why)
PREFIX, KEPT = "objects/", "captions/"  # of the names of the head, and of what is left of the one before
OUTPUTS = ("object_presence", "object_scores", "object_boxes", "object_amounts", "hint_cells", "class_cells")
HINT_CELLS, CLASS_WEIGHTS = "tail//head/outer/Add_output_0", "_fc.weight_quantized"
GRID = next(iter(PARTS))


@dataclass(frozen=True)
class HeadWeights:
    """A trained head on raw bytes, all float32. n names, h hidden.

    inner [WIDTH, h] and inner_bias [h]; cells [h, n] and cells_bias [n] (presence in a cell), pool [h, n] (presence in
    the picture as a whole), boxes [h, 4 * (n + 4)] and boxes_bias (four parts of a cell: scores of the names, then
    left, top, right, bottom); density [h, n] and density_bias [n] (how many in a cell); scale and shift [n]: presence =
    sigmoid(scale * logit + shift). blocks: where there are any, the last stage's features are what these compute.
    """

    inner: np.ndarray
    inner_bias: np.ndarray
    cells: np.ndarray
    cells_bias: np.ndarray
    pool: np.ndarray
    boxes: np.ndarray
    boxes_bias: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    density: np.ndarray
    density_bias: np.ndarray
    blocks: FoldedBlocks | None = None


class Builder:
    """Collects nodes and constants under a prefix of their own."""

    def __init__(self, graph: onnx.GraphProto):
        self._graph, self._count = graph, 0

    def constant(self, value: np.ndarray) -> str:
        self._count += 1
        name = f"{PREFIX}constant_{self._count}"
        self._graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def __call__(self, op: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        self._count += 1
        name = out or f"{PREFIX}{op}_{self._count}"
        self._graph.node.append(helper.make_node(op, list(inputs), [name], f"{PREFIX}{op}_{self._count}", **attributes))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def weight(
        self, value: np.ndarray, largest: int = 127, shape: tuple[int, ...] | None = None
    ) -> tuple[str, np.ndarray]:
        """A matrix in 8 bits, and the scale of each of its columns. shape: as which its transpose is stored."""
        scale = np.abs(value).max(0) / largest + 1e-12
        stored = np.round(value / scale).astype(np.int8)
        return self.constant(stored.T.reshape(shape) if shape else stored), scale.astype(np.float32)

    def wide(self, stored: str, step: float, zero: int) -> str:
        """Bytes to numbers."""
        return self("DequantizeLinear", stored, self.constant(np.float32(step)), self.constant(np.uint8(zero)))

    def narrow(self, x: str, step: float, zero: int) -> str:
        """Numbers to bytes."""
        return self("QuantizeLinear", x, self.constant(np.float32(step)), self.constant(np.uint8(zero)))

    def product(self, x: str, zero: str | None, step: str | None, value: np.ndarray, bias: np.ndarray) -> str:
        """step * (x - zero) @ value + bias for bytes x, with value in 7 bits: a product of whole numbers."""
        stored, scale = self.weight(value, LARGEST_BYTE_WEIGHT)
        whole = self("MatMulInteger", x, stored, *([zero] if zero else []))
        scales = self.constant(scale)
        wide = self("Mul", self("Cast", whole, to=TensorProto.FLOAT), self("Mul", scales, step) if step else scales)
        return self("Add", wide, self.constant(bias.astype(np.float32)))


def centres() -> np.ndarray:
    """The middles of the fine cells in 0..1, x and y: float32 [196, 2], the four parts of a cell after one another."""
    cell, part = np.divmod(np.arange(CELLS * CELLS * 4), 4)
    x, y = cell % CELLS * 2 + part % 2, cell // CELLS * 2 + part // 2
    return ((np.stack([x, y], 1) + 0.5) / FINE).astype(np.float32)


def add_head(vision: Path, weights: HeadWeights, out: Path) -> None:
    """Adds OUTPUTS to the graph; a head that is there already is replaced. b pictures, n names, h hints:

    object_presence [b, n]: chances; object_scores [b, 196, n] and object_boxes [b, 196, 4]: boxes of the fine cells and
    what they hold; object_amounts [b, n]: how many there are, if there is one; hint_cells [b, 17, h] and class_cells
    [b, 49, 1000]: logits of hints (4 x 4 cells, then their mean) and of the encoder's classes (7 x 7) by place.
    """
    model = without_head(onnx.load(vision))
    graph = model.graph
    build, names = Builder(graph), weights.cells.shape[1]
    parts = [(name, *shape) for name, shape in PARTS.items()]
    if weights.blocks is not None:
        entry = ENTRY, *quantisation(model, ENTRY)
        parts[0] = (packed_blocks(build, entry, weights.blocks), *parts[0][1:])
    cells = build("Concat", *(_gather(build, *part) for part in parts), axis=2)
    hidden = build("Relu", build.product(cells, None, None, weights.inner, weights.inner_bias))
    bytes_of_hidden = [f"{PREFIX}hidden_{part}" for part in ("bytes", "step", "zero")]
    graph.node.append(helper.make_node("DynamicQuantizeLinear", [hidden], bytes_of_hidden, f"{PREFIX}hidden"))
    _rest(build, hidden, bytes_of_hidden, weights, names)
    build("Identity", HINT_CELLS, out="hint_cells")
    _classes(build, model)
    for name in OUTPUTS:
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    onnx.save(model, out)


def packed_blocks(build: Builder, entry: tuple[str, float, int], blocks: FoldedBlocks) -> str:
    """The copied blocks, as onnxruntime fuses them to convolutions of whole numbers; the bytes that they end in.

    entry: bytes [b, ENTRY_WIDTH, 14, 14], their step and their zero point. The bytes at the end: 0..CEILING.
    """
    (stored, step, middle), width = entry, ENTRY_WIDTH
    convolutions, ranges = iter(blocks.convolutions), iter(blocks.ranges)
    ceiling = CEILING / 255
    while True:
        given = (stored, step, middle)
        stored = _convolution(build, given, next(convolutions), (ceiling, 0))
        depthwise = next(convolutions, None)
        if depthwise is None:
            return stored
        stored = _convolution(build, (stored, ceiling, 0), depthwise, (ceiling, 0))
        project = next(convolutions)
        step, middle = steps(*next(ranges))
        stored = _convolution(build, (stored, ceiling, 0), project, (step, middle))
        if len(project.weight) == width:
            total = build("Add", build.wide(*given), build.wide(stored, step, middle))
            step, middle = steps(*next(ranges))
            stored = build.narrow(total, step, middle)
        width = len(project.weight)


def packed_in(model: onnx.ModelProto) -> list[Convolution]:
    """The convolutions of the copied blocks, as the graph of an object head has them."""
    makers = {output: node for node in model.graph.node for output in node.output}
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}

    def wide(name: str) -> np.ndarray:
        stored, scale = (arrays[i] for i in makers[name].input[:2])
        return (stored * scale.reshape(-1, *[1] * (stored.ndim - 1))).astype(np.float32)

    nodes = [node for node in model.graph.node if node.op_type == "Conv" and node.name.startswith(PREFIX)]
    strides = [next(a.ints[0] for a in node.attribute if a.name == "strides") for node in nodes]
    return [Convolution(wide(node.input[1]), wide(node.input[2]), n) for node, n in zip(nodes, strides, strict=True)]


def steps(least: float, most: float) -> tuple[float, int]:
    """Scale and zero point of bytes that reach from `least` to `most`."""
    least, most = min(least, 0.0), max(most, 0.0)
    scale = (most - least) / 255
    return scale, round(-least / scale)


def _convolution(
    build: Builder, source: tuple[str, float, int], convolution: Convolution, target: tuple[float, int]
) -> str:
    """Of bytes to bytes. A target of 0..6 is ReLU6 by itself, since bytes end there."""
    weight = convolution.weight
    outputs, kernel = len(weight), weight.shape[2]
    stored, scale = build.weight(weight.reshape(outputs, -1).T, LARGEST_BYTE_WEIGHT, weight.shape)
    zeros = np.zeros(outputs, np.int8)
    wide = build("DequantizeLinear", stored, build.constant(scale), build.constant(zeros), axis=0)
    fine = (scale * source[1]).astype(np.float32)
    bias = build.constant(np.round(convolution.bias / fine).clip(-(2**31) + 1, 2**31 - 1).astype(np.int32))
    bias = build("DequantizeLinear", bias, build.constant(fine), build.constant(zeros.astype(np.int32)), axis=0)
    groups = outputs if convolution.depthwise else 1
    before = (kernel - convolution.stride) // 2
    after = kernel - convolution.stride - before
    out = build(
        "Conv",
        build.wide(*source),
        wide,
        bias,
        kernel_shape=[kernel, kernel],
        pads=[before, before, after, after],
        strides=[convolution.stride] * 2,
        group=groups,
    )
    return build.narrow(out, *target)


def _gather(build: Builder, part: str, channels: int, side: int) -> str:
    """[b, channels, 7 * side, 7 * side] -> [b, 49, channels * side * side], as object_features.gather does."""
    split = build("Reshape", part, build.ints(-1, channels, CELLS, side, CELLS, side))
    turned = build("Transpose", split, perm=[0, 2, 4, 1, 3, 5])
    return build("Reshape", turned, build.ints(-1, CELLS * CELLS, channels * side * side))


def _rest(build: Builder, hidden: str, stored: list[str], weights: HeadWeights, names: int) -> None:
    """What follows from the hidden layer. stored: its bytes, their step and their zero point."""
    x, step, zero = stored
    layers = (
        (weights.cells, weights.cells_bias - math.log(CELLS * CELLS)),
        (weights.density, weights.density_bias),
        (weights.boxes, weights.boxes_bias),
    )
    value, bias = np.concatenate([layer[0] for layer in layers], 1), np.concatenate([layer[1] for layer in layers])
    by_cell = build.product(x, zero, step, value, bias)

    def part(start: int, end: int, source: str = by_cell) -> str:
        return build("Slice", source, build.ints(start), build.ints(end), build.ints(2))

    # The strongest cells and the mean of all count: log-sum-exp over the cells, plus a product with the mean.
    strongest = build("ReduceLogSumExp", part(0, names), axes=[1], keepdims=0)
    mean = build("ReduceMean", hidden, axes=[1], keepdims=0)
    pool, scale = build.weight(weights.pool)
    wide = build("Mul", build("Cast", pool, to=TensorProto.FLOAT), build.constant(scale))
    logits = build("Add", strongest, build("MatMul", mean, wide))
    scaled = build("Mul", logits, build.constant(weights.scale.astype(np.float32)))
    build("Sigmoid", build("Add", scaled, build.constant(weights.shift.astype(np.float32))), out="object_presence")
    amounts = build("Softplus", part(names, 2 * names))
    build("ReduceSum", amounts, build.ints(1), keepdims=0, out="object_amounts")
    fine = build("Reshape", part(2 * names, value.shape[1]), build.ints(-1, FINE * FINE, names + 4))
    build("Sigmoid", part(0, names, fine), out="object_scores")
    sides = build("Softplus", part(names, names + 4, fine))
    signed = build("Mul", sides, build.constant(np.array([-REACH, -REACH, REACH, REACH], np.float32)))
    build("Add", signed, build.constant(np.tile(centres(), 2)), out="object_boxes")


def _classes(build: Builder, model: onnx.ModelProto) -> None:
    """Logits of the encoder's classes by cell, with the class weights as they are stored."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    scale, zero = quantisation(model, GRID)
    assert zero == 0
    by_class = numpy_helper.to_array(constants[CLASS_WEIGHTS.replace("_quantized", "_scale")])
    turned = build("Transpose", CLASS_WEIGHTS, perm=[1, 0])
    whole = build("MatMulInteger", _gather(build, GRID, *PARTS[GRID]), turned)
    build("Mul", build("Cast", whole, to=TensorProto.FLOAT), build.constant(scale * by_class), out="class_cells")


def without_head(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph as it was before `add_head`.

    What captions are made of stays: the caption head and the answer head learned on the blocks that were there, which
    are kept as KEPT until these two are trained anew.
    """
    graph = model.graph
    needed = {CAPTION_CELLS} if any(output.name == CAPTION_CELLS for output in graph.output) else set()
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            constants = [tensor for tensor in graph.initializer if tensor.name in node.input]
            for tensor in constants:
                tensor.name = _kept(tensor.name)
            node.name = _kept(node.name)
            node.input[:] = map(_kept, node.input)
            node.output[:] = map(_kept, node.output)
    lists: tuple[Any, ...] = (graph.node, graph.initializer, graph.output)
    for values in lists:
        kept = [value for value in values if not (value.name.startswith(PREFIX) or value.name in OUTPUTS)]
        del values[:]
        values.extend(kept)
    return model


def _kept(name: str) -> str:
    return KEPT + name.removeprefix(PREFIX) if name.startswith(PREFIX) else name
