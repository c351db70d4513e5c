"""Cuts a Piper voice where its frames become sound, so that sound is made a stretch at a time; and once before.

The network of VITS (Kim et al. 2021, arXiv:2106.06103) first turns the whole text into latent frames, through a prior
and a flow; its decoder, a HiFi-GAN (Kong et al. 2020, arXiv:2010.05646), then turns frames into samples by convolutions
alone, each of which sees a few neighbours. Prior and flow have most of the weights; cut apart, only those of one need
be in memory. Does not know where the voice comes from, nor how it is run (models.piper).
`python -m models.split_voice FOLDER OUT` does it too, and reports in JSON lines.
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from models.apart import report
from models.errors import GlintError
from models.manifest import FileRecord, write_manifest
from models.onnx_file import read_network
from models.remade import VOICE
from models.voice_parts import DECODER, FLOW, PRIOR, WEIGHTS

PAGE = 4096  # bytes; larger tensors lie on one of their own, so that onnxruntime maps them instead of copying
CROSSING = 2  # tensors, at most, that the prior hands to the flow: latents, and which of them are none
_SAMPLE_BY_SAMPLE = {"LeakyRelu", "Add", "Div", "Mul", "Tanh", "Unsqueeze"}


def split_voice(folder: Path, out: Path) -> None:
    """Writes into the folder `out` what `folder`, with one NAME.onnx, becomes; all its other files are copied.

    prior.onnx and flow.onnx are everything up to the frames, what the first gives being what the second takes;
    decoder.onnx makes samples of frames and has two properties: `hop`, samples a frame, and `overlap`, frames on either
    side that a sample depends on. The weights lie beside each.
    Raises GlintError when the network cannot be read or is not built like that, OSError when `out` cannot be written.
    """
    (path,) = folder.glob("*.onnx")
    model = read_network(path)
    try:
        frames, first, last = _halves(model.graph)
        prior, flow, crossing = _evenly(model, first)
        hop, overlap = _reach(last)
    except _OtherShape as error:
        raise GlintError(f"The voice {path.stem} cannot be cut up: {error}; choose another voice.") from error
    value = helper.make_tensor_value_info(frames, TensorProto.FLOAT, [1, None, "frames"])
    _write(model, prior, model.graph.input, crossing, out / PRIOR)
    _write(model, flow, crossing, [value], out / FLOW)
    _write(model, last, [value], model.graph.output, out / DECODER, {"hop": str(hop), "overlap": str(overlap)})
    for other in folder.iterdir():
        if other.is_file() and other != path and not other.name.startswith("."):
            shutil.copyfile(other, out / other.name)
    files = {made.name: FileRecord.of(made) for made in sorted(out.iterdir()) if not made.name.startswith(".")}
    write_manifest(out, VOICE.format, {"name": path.stem}, files)


class _OtherShape(Exception):
    """What about the network is not as it should be, in a clause."""


def _halves(graph: GraphProto) -> tuple[str, list[NodeProto], list[NodeProto]]:
    """The name of the frames, the nodes up to them, and those of the decoder."""
    maker = {name: node for node in graph.node for name in node.output}
    frames = _frames(graph, maker)
    decoder: set[str] = set()
    waiting = [graph.output[0].name]
    given = {value.name for value in graph.input}
    while waiting:
        name = waiting.pop()
        if name == frames or name in decoder or (name not in maker and name not in given):
            continue
        if name in given:
            raise _OtherShape(f"its decoder depends on the input {name}, too")
        decoder.add(name)
        waiting += maker[name].input
    last = [node for node in graph.node if decoder.intersection(node.output)]
    return frames, [node for node in graph.node if not decoder.intersection(node.output)], last


def _frames(graph: GraphProto, maker: dict[str, NodeProto]) -> str:
    """The decoder's input: what the convolution reads that stands before the first upsampling."""
    node = next((node for node in graph.node if node.op_type == "ConvTranspose"), None)
    while node is not None:
        node = maker.get(node.input[0])
        if node is not None and node.op_type == "Conv" and node.input[0] in maker:
            return str(node.input[0])
    raise _OtherShape("it has no decoder of upsampling convolutions")


def _evenly(
    model: ModelProto, nodes: Sequence[NodeProto]
) -> tuple[Sequence[NodeProto], Sequence[NodeProto], list[onnx.ValueInfoProto]]:
    """Nodes cut in two where few tensors cross, and of such places where the weights are halved best; these tensors.

    `nodes` are in an order in which they can be computed.
    """
    weights = {tensor.name: len(tensor.raw_data) for tensor in model.graph.initializer}
    given = {value.name for value in model.graph.input}
    last_use = {name: place for place, node in enumerate(nodes) for name in node.input}
    total, before = sum(weights[name] for name in last_use if name in weights), 0
    seen: set[str] = set()
    alive: list[str] = [name for name in given if name in last_use]
    found = []
    for place, node in enumerate(nodes[:-1]):
        new = {name for name in node.input if name in weights} - seen
        seen |= new
        before += sum(weights[name] for name in new)
        alive = [name for name in (*alive, *node.output) if last_use.get(name, -1) > place]
        if len(alive) <= CROSSING and not given.intersection(alive):
            found.append((max(before, total - before), place + 1, alive))
    if not found:
        raise _OtherShape("there is no narrow place before its frames")
    *_, place, crossing = min(found)
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in crossing]
    return nodes[:place], nodes[place:], tensors


class _Seen(NamedTuple):
    """Of one tensor: samples a frame, and how many frames to either side a sample depends on."""

    rate: int
    reach: Fraction


def _reach(decoder: Sequence[NodeProto]) -> tuple[int, int]:
    """(samples a frame, whole frames on either side that a sample depends on)."""
    seen: dict[str, _Seen] = {}
    for node in decoder:
        # What has not been met is the frames themselves, where the first node reads, or else a weight.
        inputs = [seen[name] for name in node.input if name in seen] or [_Seen(1, Fraction(0))]
        rate, reach = inputs[0].rate, max(one.reach for one in inputs)
        if node.op_type in ("Conv", "ConvTranspose"):
            rate, reach = _convolved(node, rate, reach)
        elif node.op_type not in _SAMPLE_BY_SAMPLE or any(one.rate != rate for one in inputs):
            raise _OtherShape(f"its decoder has the operation {node.op_type}")
        seen |= dict.fromkeys(node.output, _Seen(rate, reach))
    return rate, math.ceil(reach)


def _convolved(node: NodeProto, rate: int, reach: Fraction) -> tuple[int, Fraction]:
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    if given.get("auto_pad", b"NOTSET") != b"NOTSET" or len(given["kernel_shape"]) != 1 or len(given["pads"]) != 2:
        raise _OtherShape(f"{node.name} is padded in a way that is not understood")
    (kernel,), (before, after) = given["kernel_shape"], given["pads"]
    (stride,), (step,) = given.get("strides", [1]), given.get("dilations", [1])
    span = step * (kernel - 1)
    if node.op_type == "Conv":
        lengthens = before + after - span, stride
        more = max(before, after)
    else:
        lengthens = span + 1 + given.get("output_padding", [0])[0] - before - after - stride, step
        more = Fraction(max(before, span - before), stride)
    if lengthens != (0, 1):
        raise _OtherShape(f"{node.name} changes the length by more than a factor")
    return rate * (stride if node.op_type == "ConvTranspose" else 1), reach + more / Fraction(rate)


def _write(
    model: ModelProto,
    nodes: Sequence[NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    path: Path,
    properties: dict[str, str] | None = None,
) -> None:
    """One part, its large tensors in a file beside it, by place and length."""
    used = {name for node in nodes for name in node.input}
    weights = path.with_suffix(WEIGHTS)
    tensors = []
    with weights.open("wb") as file:
        for tensor in model.graph.initializer:
            if tensor.name not in used:
                continue
            if len(tensor.raw_data) < PAGE:
                tensors.append(tensor)
                continue
            file.write(bytes(-file.tell() % PAGE))
            outside = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
            outside.data_location = TensorProto.EXTERNAL
            place = {"location": weights.name, "offset": file.tell(), "length": len(tensor.raw_data)}
            for key, value in place.items():
                outside.external_data.add(key=key, value=str(value))
            file.write(tensor.raw_data)
            tensors.append(outside)
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, tensors)
    part = helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version, producer_name="glint"
    )
    helper.set_model_props(part, properties or {})
    onnx.save(part, path)


if __name__ == "__main__":
    _folder, _out = map(Path, sys.argv[1:])
    sys.exit(report(lambda progress: split_voice(_folder, _out)))
