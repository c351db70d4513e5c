"""Rewrites PP-OCR's text detector so that it finds the same in two thirds of the memory.

What a network needs at most is decided in a few places where large tensors meet. There the same sums are made in
another order; and a picture is given as the bytes that it is, not as floats four times as large. Knows these places by
their form, not by name. `python -m models.thrifty_detector FOLDER OUT` does it too, and reports in JSON lines.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from models.apart import report
from models.errors import GlintError
from models.manifest import FileRecord, write_manifest
from models.onnx_file import read_network
from models.remade import DETECTOR_INPUT as INPUT
from models.remade import TEXT_DETECTOR

NONE = "thrifty.none"


def make_thrifty(folder: Path, out: Path) -> None:
    """Writes into the folder `out` all files of `folder`, the detector rewritten.

    Its input becomes uint8 [1, height, width, 3], RGB; it was float32 [1, 3, height, width], BGR in -1..1. Raises
    GlintError when the detector cannot be read or is not built as expected, OSError when `out` cannot be written.
    """
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if "_det_" not in path.name:
            shutil.copyfile(path, out / path.name)
            continue
        model = read_network(path)
        rewrite(model.graph, path.name)
        onnx.save(model, out / path.name)
    files = {made.name: FileRecord.of(made) for made in sorted(out.iterdir()) if not made.name.startswith(".")}
    write_manifest(out, TEXT_DETECTOR.format, {"name": "text"}, files)


def rewrite(graph: GraphProto, name: str = "the network") -> None:
    """In place. Raises GlintError when a place that is to be rewritten is missing."""
    _drop_identities(graph)
    found = _scale_once(graph), _convolve_parts(graph), _enlarge_late(graph), _take_bytes(graph)
    if not all(found):
        raise GlintError(f"{name} is not built like PP-OCR's text detector; run `glint models pull` again.")


def _drop_identities(graph: GraphProto) -> None:
    """Names that stand for others hide what meets where."""
    stands_for = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    outputs = {value.name for value in graph.output}
    kept = [n for n in graph.node if n.op_type != "Identity" or n.output[0] in outputs]
    for node in kept:
        for place, name in enumerate(node.input):
            while name in stands_for:
                name = stands_for[name]
            node.input[place] = name
    _replace(graph, kept)


def _scale_once(graph: GraphProto) -> int:
    """x + x * s becomes x * (1 + s), where s is one number for each channel. How often."""
    maker = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    one = numpy_helper.from_array(np.ones(1, np.float32), "thrifty.one")
    nodes: list[NodeProto] = []
    dropped: set[str] = set()
    for node in graph.node:
        pair = _scaled_and_added(node, maker, uses)
        if pair is None:
            nodes.append(node)
            continue
        x, scale, product = pair
        dropped.add(product)
        nodes.append(helper.make_node("Add", [scale, one.name], [f"{product}.whole"]))
        nodes.append(helper.make_node("Mul", [x, f"{product}.whole"], list(node.output)))
    if dropped:
        graph.initializer.append(one)
    _replace(graph, [node for node in nodes if not dropped.intersection(node.output)])
    return len(dropped)


def _scaled_and_added(node: NodeProto, maker: dict[str, NodeProto], uses: Counter[str]) -> tuple[str, str, str] | None:
    """x, s and the name of x * s, of a node that is x + x * s."""
    if node.op_type != "Add":
        return None
    for x, product in (node.input, node.input[::-1]):
        made = maker.get(product)
        if made is None or made.op_type != "Mul" or x not in made.input or uses[product] != 1:
            continue
        scale = made.input[1 - list(made.input).index(x)]
        if scale in maker and maker[scale].op_type == "HardSigmoid":
            return x, scale, product
    return None


def _convolve_parts(graph: GraphProto) -> int:
    """A convolution of tensors that are put side by side becomes the sum of a convolution of each. How often."""
    uses = Counter(name for node in graph.node for name in node.input)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    joins = {n.output[0]: n for n in graph.node if n.op_type == "Concat" and uses[n.output[0]] == 1}
    nodes: list[NodeProto] = []
    dropped: set[str] = set()
    for node in graph.node:
        join = joins.get(node.input[0]) if node.op_type == "Conv" else None
        if join is None or len(node.input) > 2 or len(join.input) != 2:
            nodes.append(node)
            continue
        kernel = numpy_helper.to_array(weights[node.input[1]])
        dropped.add(join.output[0])
        sums = []
        for part, (source, slice_) in enumerate(zip(join.input, np.split(kernel, 2, axis=1), strict=True)):
            name = f"{node.output[0]}.part{part}"
            graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(slice_), f"{name}.weight"))
            copy = helper.make_node("Conv", [source, f"{name}.weight"], [name])
            copy.attribute.extend(node.attribute)
            nodes.append(copy)
            sums.append(name)
        nodes.append(helper.make_node("Add", sums, list(node.output)))
    _replace(graph, [node for node in nodes if not dropped.intersection(node.output)])
    return len(dropped)


def _enlarge_late(graph: GraphProto) -> int:
    """What is enlarged to go with another tensor takes its size from that, and so waits until it is there.

    Returns how often.
    """
    resizes = {node.output[0]: node for node in graph.node if node.op_type == "Resize"}
    nodes: list[NodeProto] = []
    waiting: set[str] = set()
    for node in graph.node:
        others = [name for name in node.input if name not in resizes]
        if node.op_type in ("Add", "Concat") and len(others) == 1 < len(node.input):
            size = f"{node.output[0]}.size"
            nodes.append(helper.make_node("Shape", others, [size]))
            for name in filter(resizes.__contains__, node.input):
                copy = helper.make_node("Resize", [resizes[name].input[0], NONE, NONE, size], [name])
                copy.attribute.extend(resizes[name].attribute)
                nodes.append(copy)
                waiting.add(resizes[name].output[0])
        nodes.append(node)
    graph.initializer.append(numpy_helper.from_array(np.zeros(0, np.float32), NONE))
    early = {id(resizes[name]) for name in waiting}
    _replace(graph, [node for node in nodes if id(node) not in early])
    return len(waiting)


def _take_bytes(graph: GraphProto) -> int:
    """The picture comes in as bytes, and the network brings them to -1..1 itself. 1 when done."""
    (value,) = graph.input
    first = [node for node in graph.node if value.name in node.input]
    weights = {tensor.name: tensor for tensor in graph.initializer}
    if len(first) != 1 or first[0].op_type != "Conv" or first[0].input[1] not in weights:
        return 0
    tensor = weights[first[0].input[1]]
    # The network was trained on BGR.
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[:, ::-1].copy(), tensor.name))
    constants = {"half": np.array([127.5], np.float32), "one": np.ones(1, np.float32)}
    graph.initializer.extend(numpy_helper.from_array(v, f"{INPUT}.{name}") for name, v in constants.items())
    nodes = [
        helper.make_node("Transpose", [INPUT], [f"{INPUT}.planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", [f"{INPUT}.planes"], [f"{INPUT}.float"], to=TensorProto.FLOAT),
        helper.make_node("Div", [f"{INPUT}.float", f"{INPUT}.half"], [f"{INPUT}.scaled"]),
        helper.make_node("Sub", [f"{INPUT}.scaled", f"{INPUT}.one"], [f"{INPUT}.centred"]),
    ]
    first[0].input[0] = f"{INPUT}.centred"
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [1, "height", "width", 3]))
    _replace(graph, [*nodes, *graph.node])
    return 1


def _replace(graph: GraphProto, nodes: list[NodeProto]) -> None:
    kept = [NodeProto.FromString(node.SerializeToString()) for node in nodes]  # what is deleted may be among them
    del graph.node[:]
    graph.node.extend(kept)
    del graph.value_info[:]


if __name__ == "__main__":
    _folder, _out = map(Path, sys.argv[1:])
    sys.exit(report(lambda progress: make_thrifty(_folder, _out)))
