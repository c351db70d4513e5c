"""Makes the exporter's graph one that a camera can use: whole pixels in, and tensor names that stay.

Changes nothing that the graph computes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PIXELS, TOKENS = "pixels", "visual_tokens"
HIDDEN_STATES = "hidden_states."


def accept_pixels(model: onnx.ModelProto, mean: Sequence[float], std: Sequence[float]) -> None:
    """pixel_values float32 [n, 3, H, W] becomes PIXELS, uint8 [n, H, W, 3] RGB: (pixel / 255 - mean) / std, as the
    image processors of transformers do it; mean and std are of the channels, in 0..1.
    """
    graph = model.graph
    (old,) = graph.input
    batch, channels, height, width = (_size(dim) for dim in old.type.tensor_type.shape.dim)
    scale = 1 / (255 * np.asarray(std, np.float64))
    shift = -np.asarray(mean, np.float64) / np.asarray(std, np.float64)
    for name, value in (("pixel_scale", scale), ("pixel_shift", shift)):
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    nodes = [
        helper.make_node("Cast", [PIXELS], ["pixels_float"], "pixels/Cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["pixels_float", "pixel_scale"], ["pixels_scaled"], "pixels/Mul"),
        helper.make_node("Add", ["pixels_scaled", "pixel_shift"], ["pixels_normal"], "pixels/Add"),
        helper.make_node("Transpose", ["pixels_normal"], [old.name], "pixels/Transpose", perm=[0, 3, 1, 2]),
    ]
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    graph.input[0].CopyFrom(helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, [batch, height, width, channels]))


def name_tensors(model: onnx.ModelProto, features: str) -> None:
    """The output `features` becomes TOKENS. Hidden states are no outputs any more, and keep their names inside."""
    graph = model.graph
    aliases = {node.output[0]: node for node in graph.node if node.op_type == "Identity"}
    names = {features: TOKENS}
    for value in list(graph.output):
        if value.name.startswith(HIDDEN_STATES):
            graph.output.remove(value)
            alias = aliases.get(value.name)
            if alias is not None:
                graph.node.remove(alias)
                names[alias.input[0]] = value.name
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in graph.output:
        value.name = names.get(value.name, value.name)


def hidden_state_names(model: onnx.ModelProto) -> list[str]:
    """Of the hidden states in a graph that `name_tensors` has seen, first to last."""
    outputs = {name for node in model.graph.node for name in node.output}
    names = (f"{HIDDEN_STATES}{i}" for i in range(len(outputs)))
    return [name for name in names if name in outputs]


def inline_constants(model: onnx.ModelProto) -> None:
    """Constant nodes become initializers, as which everything else looks for weights."""
    graph = model.graph
    kept = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def _size(dim: onnx.TensorShapeProto.Dimension) -> int | str:
    return dim.dim_param or dim.dim_value
