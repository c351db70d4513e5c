"""What the shipped encoder sees in the photos that the object head learns from, kept on disk as the bytes it computes.

The features are read inside vision.onnx where they are quantised, so that they take one byte each and are the very ones
the head meets at use. Several views of a photo are kept: plain, mirrored, and parts of it in other light.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from rich.console import Console
from rich.progress import track

from export.recipe.encoder import SIDE, read_rgb, squash

CELLS = 7  # a side of the grid
PARTS = {  # tensor in vision.onnx: (channels, cells of it along a side of one cell of the grid)
    "/Clip_1_output_0_QuantizeLinear_Output": (1280, 1),  # the last stage
    "/_blocks.14/Add_output_0_QuantizeLinear_Output": (120, 2),  # the last of stride 16
    "/_blocks.6/Add_output_0_QuantizeLinear_Output": (48, 4),  # the last of stride 8
}
WIDTHS = tuple(channels * side * side for channels, side in PARTS.values())
WIDTH = sum(WIDTHS)
ENTRY = list(PARTS)[1]  # where the copy of the encoder's last blocks begins
ENTRY_WIDTH = PARTS[ENTRY][0]
ENTRY_COLUMNS = slice(WIDTHS[0], WIDTHS[0] + WIDTHS[1])
PLAIN, MIRRORED, FIRST_CROP, SECOND_CROP = 0, 1, 2, 3


@dataclass(frozen=True)
class Window:
    """The part of a photo that a view shows: left, top, right, bottom in 0..1, and whether it is mirrored."""

    box: tuple[float, float, float, float]
    mirrored: bool

    @property
    def area(self) -> float:
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)


def window(file: str, view: int) -> Window:
    """Which part a view shows; the same for the same file and view."""
    if view < FIRST_CROP:
        return Window((0.0, 0.0, 1.0, 1.0), view == MIRRORED)
    draw = np.random.default_rng((zlib.crc32(Path(file).name.encode()), view))
    width, height = draw.uniform(0.6, 1.0, 2)
    left, top = draw.uniform(0, 1 - width), draw.uniform(0, 1 - height)
    return Window((left, top, left + width, top + height), bool(draw.random() < 0.5))


def show(photo: np.ndarray, file: str, view: int) -> np.ndarray:
    """uint8 RGB [height, width, 3] -> a view of it, [224, 224, 3]."""
    shown = window(file, view)
    if view >= FIRST_CROP:
        height, width = photo.shape[:2]
        left, top, right, bottom = shown.box
        photo = photo[
            int(top * height) : max(int(top * height) + 1, round(bottom * height)),
            int(left * width) : max(int(left * width) + 1, round(right * width)),
        ]
        draw = np.random.default_rng((zlib.crc32(Path(file).name.encode()), view, 1))
        lit = photo * (draw.uniform(0.6, 1.4) * draw.uniform(0.92, 1.08, 3))
        lit = (lit - lit.mean()) * draw.uniform(0.75, 1.25) + lit.mean()
        photo = np.clip(lit, 0, 255).astype(np.uint8)
        if draw.random() < 0.3:
            photo = cv2.GaussianBlur(photo, (0, 0), draw.uniform(0.4, 1.2))
    part = squash(photo)
    return np.ascontiguousarray(part[:, ::-1]) if shown.mirrored else part


class Encoder:
    """The encoder inside vision.onnx, up to the features. parts: those wanted, as PARTS."""

    def __init__(self, vision: Path, parts: Mapping[str, tuple[int, int]] = PARTS, threads: int = 1):
        model = onnx.load(vision)
        keep_only(model, list(parts))
        self.parts = parts
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # the constants of what is left out would each be reported
        self._session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def encode(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [224, 224, 3] -> uint8 [49, width]."""
        parts = self._session.run(list(self.parts), {"pixels": pixels[None]})
        cells = [gather(part[0], side) for part, (_, side) in zip(parts, self.parts.values(), strict=True)]
        return np.concatenate(cells, -1)


def keep_only(model: onnx.ModelProto, outputs: Sequence[str]) -> None:
    """Leaves of a graph what the uint8 tensors `outputs` need, and makes them its outputs."""
    needed, nodes = set(outputs), []
    for node in reversed(model.graph.node):  # in an order in which they can be computed
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    kept = list(reversed(nodes))
    del model.graph.node[:], model.graph.output[:]
    model.graph.node.extend(kept)
    for name in outputs:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, None))


def gather(part: np.ndarray, side: int) -> np.ndarray:
    """[c, 7 * side, 7 * side] -> [49, c * side * side], ordered as torch's pixel_unshuffle orders it."""
    channels = part.shape[0]
    cells = part.reshape(channels, CELLS, side, CELLS, side).transpose(1, 3, 0, 2, 4)
    return cells.reshape(CELLS * CELLS, channels * side * side)


def quantisation(model: onnx.ModelProto, name: str) -> tuple[float, int]:
    """Scale and zero point of a tensor that a QuantizeLinear writes."""
    node = next(n for n in model.graph.node if name in n.output)
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    return float(constants[node.input[1]]), int(constants[node.input[2]])


@dataclass(frozen=True)
class Features:
    """values: uint8 [views, 49, width], mapped from disk; keys: (file, view) of each."""

    values: np.ndarray
    keys: list[tuple[str, int]]


def compute(
    vision: Path,
    data: Path,
    keys: Sequence[tuple[str, int]],
    out: Path,
    parts: Mapping[str, tuple[int, int]] = PARTS,
) -> Features:
    """Encodes every (file, view), `file` relative to `data`, into out.npy and out.json; not if they are there."""
    index = out.with_suffix(".json")
    if not index.exists():
        encoder = Encoder(vision, parts)
        assert SIDE == CELLS * 32
        width = sum(channels * side * side for channels, side in parts.values())
        values = np.lib.format.open_memmap(out, "w+", np.uint8, (len(keys), CELLS * CELLS, width))

        def encode(row: int) -> None:
            file, view = keys[row]
            values[row] = encoder.encode(show(read_rgb(data / file), file, view))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            done = pool.map(encode, range(len(keys)))
            for _ in track(done, f"encoding for {out.stem}", total=len(keys), console=Console(stderr=True)):
                pass
        values.flush()
        index.write_text(json.dumps([list(key) for key in keys]))
    kept = [(file, view) for file, view in json.loads(index.read_text())]
    return Features(np.load(out, mmap_mode="r"), kept)
