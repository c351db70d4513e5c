"""Smaller weights for a float32 picture graph: float16 as stored, or 8-bit products.

8 bits are for the products with weights; what two activations are multiplied to (attention), the first convolution
(one hundredth of the work, and its input is the picture itself), norms and biases stay in float32. Weights have 7 bits
in a scale for each column: the 8-bit products of processors with AVX2 but without VNNI saturate (encoder.export_encoder
says more).

Activations: with photos to calibrate on, ranges are fixed (QDQ; Jacob et al. 2018), and products that suffer from that
are left in float32 (`quantize_static`); without, each batch sets its own ranges as it comes (`quantize_dynamic`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from export.vision.preprocessing import PIXELS, TOKENS

SMALLEST = 1024  # values; smaller tensors are norms and biases, and weigh nothing
LARGEST_WEIGHT = 63
TOLERANCE = 0.05  # relative error of the visual tokens up to which no product is spared
SPARED = 0.25  # of the products, at most
PROBES = 3  # pictures on which that error is measured


def store_half(model: onnx.ModelProto) -> list[str]:
    """Weights are stored as float16 and widened when the model is opened: what is computed stays float32.

    Returns the names of tensors that float16 cannot hold, which stay as they are.
    """
    graph = model.graph
    widened, kept = [], []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims, dtype=np.int64) < SMALLEST:
            continue
        name, value = tensor.name, numpy_helper.to_array(tensor)
        if np.abs(value).max() > np.finfo(np.float16).max:
            kept.append(name)
            continue
        tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
        widened.append(helper.make_node("Cast", [tensor.name], [name], f"widen/{name}", to=TensorProto.FLOAT))
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*widened, *rest])
    return kept


def quantize_dynamic(model: onnx.ModelProto) -> None:
    """Changes the graph in place: the range of each activation is found anew for every batch."""
    products = {node.name for node in _products(model)}
    rounding = _Rounding(model.graph)
    for node in rounding.walk():
        if node.name not in products:
            rounding.nodes.append(node)
            continue
        source, weight = node.input
        stored, step, zero = rounding.dynamic_activation(source)
        whole, wide, scale = (f"{node.output[0]}/{suffix}" for suffix in ("whole", "wide", "scale"))
        columns, steps, _ = rounding.weight(weight)
        rounding.nodes += [
            helper.make_node("MatMulInteger", [stored, columns, zero], [whole], f"{node.name}/whole"),
            helper.make_node("Cast", [whole], [wide], f"{node.name}/wide", to=TensorProto.FLOAT),
            helper.make_node("Mul", [step, steps], [scale], f"{node.name}/scale"),
            helper.make_node("Mul", [wide, scale], [node.output[0]], node.name),
        ]
    rounding.finish()


@dataclass(frozen=True)
class Range:
    """What a tensor was seen to hold, zero always included; power: the mean of its squares."""

    least: float
    most: float
    power: float

    def noise(self) -> float:
        """Of rounding to 8 bits within this range, relative to what is rounded: the square root of 1 / SQNR."""
        step = (self.most - self.least) / 255
        return float(step / np.sqrt(12 * max(self.power, 1e-30)))


@dataclass(frozen=True)
class Static:
    """What quantize_static did: the relative error on the probes, and which products it left in float32."""

    error: float
    spared: tuple[str, ...]


def quantize_static(
    model: onnx.ModelProto, pictures: Sequence[np.ndarray], progress: Callable[[int, int], None]
) -> Static:
    """Changes the graph, whose input is PIXELS, in place. pictures: uint8 [H, W, 3] of the graph's size.

    Products are spared from the one whose input rounds worst, an eighth of them at a time, until the visual tokens are
    within TOLERANCE of float32 or SPARED of the products are spared, whichever comes first.
    """
    products = _products(model)
    ranges = _ranges(model, sorted({node.input[0] for node in products}), pictures, progress)
    products.sort(key=lambda node: -ranges[node.input[0]].noise())
    probes = list(pictures)[:PROBES]
    expected = _tokens(model, probes)
    step = max(1, round(len(products) * SPARED / 2))
    for spared in (0, step, 2 * step):
        candidate = onnx.ModelProto()
        candidate.CopyFrom(model)
        _insert_rounding(candidate, {node.name for node in products[spared:]}, ranges)
        error = relative_error(_tokens(candidate, probes), expected)
        if error <= TOLERANCE:
            break
    model.CopyFrom(candidate)
    return Static(error, tuple(node.name for node in products[:spared]))


def relative_error(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))


def open_model(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _products(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    weights = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) == 2}
    return [node for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in weights]


def _tokens(model: onnx.ModelProto, pictures: Sequence[np.ndarray]) -> np.ndarray:
    session = open_model(model)
    return np.concatenate([session.run([TOKENS], {PIXELS: picture[None]})[0] for picture in pictures])


def _ranges(
    model: onnx.ModelProto, names: list[str], pictures: Sequence[np.ndarray], progress: Callable[[int, int], None]
) -> dict[str, Range]:
    """Least, most and mean square of each tensor, reduced inside the graph so that no activation leaves it."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    graph = watched.graph
    del graph.output[:]
    for name in names:
        graph.node.append(helper.make_node("Mul", [name, name], [f"{name}/square"], f"{name}/square"))
        for kind, source in (("ReduceMin", name), ("ReduceMax", name), ("ReduceMean", f"{name}/square")):
            out = f"{name}/{kind}"
            graph.node.append(helper.make_node(kind, [source], [out], out, keepdims=0))
            graph.output.append(helper.make_tensor_value_info(out, TensorProto.FLOAT, []))
    session = open_model(watched)
    seen: list[Any] = []
    for i, picture in enumerate(pictures):
        progress(i, len(pictures))
        seen.append(np.stack(session.run(None, {PIXELS: picture[None]})).reshape(-1, 3))
    progress(len(pictures), len(pictures))
    least, most, power = np.moveaxis(np.array(seen), 2, 0)
    return {
        name: Range(min(0.0, float(least[:, i].min())), max(0.0, float(most[:, i].max())), float(power[:, i].mean()))
        for i, name in enumerate(names)
    }


def _insert_rounding(model: onnx.ModelProto, products: set[str], ranges: dict[str, Range]) -> None:
    """Rounds and widens both inputs of the products, which onnxruntime fuses to products of whole numbers."""
    rounding = _Rounding(model.graph)
    for node in rounding.walk():
        if node.name in products:
            source, weight = node.input
            rounded = rounding.static_activation(source, ranges[source])
            node.input[:] = [rounded, rounding.wide_weight(weight)]
        rounding.nodes.append(node)
    rounding.finish()


class _Rounding:
    """Rewrites the nodes of a graph in one pass; every tensor is rounded once, however many products it is used in."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._done: set[str] = set()
        self._weights: set[str] = set()

    def walk(self) -> list[onnx.NodeProto]:
        """Copies of all nodes, to be put into `nodes` as they are or changed."""
        return [onnx.NodeProto.FromString(node.SerializeToString()) for node in self._graph.node]

    def finish(self) -> None:
        used = {name for node in self.nodes for name in node.input}
        for name in self._weights - used:
            self._graph.initializer.remove(self._constants[name])
        del self._graph.node[:]
        self._graph.node.extend(self.nodes)

    def dynamic_activation(self, name: str) -> tuple[str, str, str]:
        """The bytes of an activation, their step and their zero point."""
        outputs = (f"{name}/stored", f"{name}/scale", f"{name}/zero_point")
        if self._first(name):
            self.nodes.append(helper.make_node("DynamicQuantizeLinear", [name], outputs, f"{name}/round"))
        return outputs

    def static_activation(self, name: str, seen: Range) -> str:
        stored, rounded = f"{name}/stored", f"{name}/rounded"
        parameters = [f"{name}/scale", f"{name}/zero_point"]
        if self._first(name):
            scale = max(seen.most - seen.least, 1e-12) / 255
            self._constant(parameters[0], np.array(scale, np.float32))
            self._constant(parameters[1], np.array(round(-seen.least / scale), np.uint8))
            self.nodes += [
                helper.make_node("QuantizeLinear", [name, *parameters], [stored], f"{name}/round"),
                helper.make_node("DequantizeLinear", [stored, *parameters], [rounded], f"{name}/widen"),
            ]
        return rounded

    def weight(self, name: str) -> tuple[str, str, str]:
        """A weight in 7 bits, the step of each column, and their zero points, which are 0."""
        stored, scale, zero = names = (f"{name}/stored", f"{name}/scale", f"{name}/zero_point")
        if self._first(name):
            self._weights.add(name)
            value = numpy_helper.to_array(self._constants[name])
            steps = np.maximum(np.abs(value).max(0) / LARGEST_WEIGHT, 1e-12).astype(np.float32)
            self._constant(stored, np.round(value / steps).astype(np.int8))
            self._constant(scale, steps)
            self._constant(zero, np.zeros(len(steps), np.int8))
        return names

    def wide_weight(self, name: str) -> str:
        rounded = f"{name}/rounded"
        inputs = self.weight(name)
        if self._first(rounded):
            self.nodes.append(helper.make_node("DequantizeLinear", inputs, [rounded], f"{name}/widen", axis=1))
        return rounded

    def _first(self, name: str) -> bool:
        if name in self._done:
            return False
        self._done.add(name)
        return True

    def _constant(self, name: str, value: np.ndarray) -> None:
        self._graph.initializer.append(numpy_helper.from_array(value, name))
