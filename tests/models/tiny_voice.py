"""A network built like a Piper voice, so small that it is made in the test: random numbers."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HOP = 6


def tiny_voice(path, *, spoil: str = ""):
    """Writes NAME.onnx. Input float32 [1, 2, n] -> twice as many frames -> float32 [1, 1, 1, 2 n HOP].

    spoil: "mean" has the decoder look at everything at once, "input" at the text, "stride" shortens what it makes,
    "flat" has no upsampling, "short" nothing but the frames before its decoder.
    """
    generator = np.random.default_rng(0)
    tensors = []

    def weight(name, *shape):
        tensors.append(numpy_helper.from_array(generator.standard_normal(shape).astype(np.float32), name))
        return name

    def node(kind, inputs, output, **attributes):
        return helper.make_node(kind, inputs, [output], name=output, **attributes)

    def conv(source, output, channels, kernel, step=1, **attributes):
        pad = step * (kernel - 1) // 2
        attributes = {"kernel_shape": [kernel], "dilations": [step], "pads": [pad, pad], **attributes}
        return node("Conv", [source, weight(f"{output}.w", *channels, kernel)], output, **attributes)

    up = {"kernel_shape": [8], "strides": [HOP], "pads": [1, 1]}
    nodes = [
        node("Concat", ["input", "input"], "doubled", axis=2),
        conv("doubled", "frames", (32, 2), 1),
        conv("frames", "pre", (4, 32), 33),
        node("LeakyRelu", ["pre"], "bent"),
        node("ConvTranspose", ["bent", weight("up.w", 4, 2, 8)], "up", **up),
        conv("up", "near", (2, 2), 3),
        conv("up", "far", (2, 2), 3, step=9, **({"strides": [2]} if spoil == "stride" else {})),
        node("Add", ["near", "far"], "both"),
        conv("both", "one", (1, 2), 3),
        node("Tanh", ["one"], "sound"),
        node("Unsqueeze", ["sound", "axes"], "output"),
    ]
    tensors.append(numpy_helper.from_array(np.array([1]), "axes"))
    if spoil == "mean":
        nodes[3:4] = [node("ReduceMean", ["pre"], "mean"), node("Add", ["pre", "mean"], "bent")]
    if spoil == "input":
        nodes[3:4] = [node("ReduceMax", ["input"], "loudest"), node("Add", ["pre", "loudest"], "bent")]
    if spoil == "short":
        nodes[:2] = [conv("input", "frames", (32, 2), 1)]
    if spoil == "flat":
        nodes[4] = conv("bent", "up", (2, 4), 3)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [value("input", TensorProto.FLOAT, [1, 2, "n"])],
        [value("output", TensorProto.FLOAT, [1, 1, 1, "samples"])],
        tensors,
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    path.with_name(path.name + ".json").write_text("{}")
    return path
