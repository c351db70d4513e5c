"""What the caption head is given of a photo: bytes that the encoder and the object head's copied blocks compute.

vision.onnx gives them out under a name of their own, and what is learned from is read there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from onnxruntime import RunOptions
from rich.console import Console
from rich.progress import track

from export.recipe.encoder import read_rgb
from export.recipe.object_features import FIRST_CROP, MIRRORED, PARTS, PLAIN, SECOND_CROP, show
from export.recipe.object_graph import KEPT, PREFIX
from export.recipe.photos import load_photos
from models.onnx_session import open_session
from models.vision import CAPTION_CELLS

LAST_STAGE = next(iter(PARTS))


def give_out(vision: Path) -> None:
    """Makes CAPTION_CELLS, uint8 [b, 49, width], an output of vision.onnx, which must have an object head.

    Of each cell: the last stage, the last of stride 16, the last stage as the object head's blocks have it. What it was
    made of before is removed.
    """
    model = onnx.load(vision)
    graph = model.graph
    before = (KEPT, f"{PREFIX}caption_")
    lists: tuple[Any, ...] = (graph.node, graph.initializer, graph.output)
    for values in lists:
        kept = [value for value in values if not value.name.startswith(before) and value.name != CAPTION_CELLS]
        del values[:]
        values.extend(kept)
    gathered = next(node for node in graph.node if node.op_type == "Concat" and node.name.startswith(PREFIX))
    own, middle, _ = gathered.input  # in the order of PARTS
    shape = next(node for node in graph.node if own in node.output).input[1]
    flat, cells = f"{PREFIX}caption_flat", f"{PREFIX}caption_last"
    new = [
        helper.make_node("Transpose", [LAST_STAGE], [flat], flat, perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", [flat, shape], [cells], cells),
        helper.make_node("Concat", [cells, middle, own], [CAPTION_CELLS], f"{PREFIX}caption_cells", axis=2),
    ]
    graph.node.extend(new)
    graph.output.append(helper.make_tensor_value_info(CAPTION_CELLS, TensorProto.UINT8, None))
    onnx.save(model, vision)


class CellFeatures:
    """Cells uint8 [n, 49, width], mapped from disk, by (file, view)."""

    def __init__(self, folder: Path):
        self._values = np.load(folder / "caption_cells.npy", mmap_mode="r")
        self._rows: dict[tuple[str, int], int] = {}
        self._views: dict[str, list[int]] = {}
        for row, (file, view) in enumerate(json.loads((folder / "caption_cells.json").read_text())):
            self._rows[file, view] = row
            self._views.setdefault(file, []).append(view)

    def views(self, file: str) -> list[int]:
        return self._views[file]

    def of(self, keys: Sequence[tuple[str, int]]) -> torch.Tensor:
        return torch.from_numpy(self._values[[self._rows[key] for key in keys]])


def cells_of(vision: Path, data: Path, folder: Path) -> CellFeatures:
    """Of all training photos with captions, in several views; computed once and kept in `folder`."""
    give_out(vision)
    if not (folder / "caption_cells.json").exists():
        files = [photo.file for photo in load_photos(data, "train") if photo.captions]
        keys = [(file, view) for file in files for view in (PLAIN, MIRRORED, FIRST_CROP, SECOND_CROP)]
        session, only_needed = open_session(vision, threads=1), RunOptions()
        only_needed.only_execute_path_to_fetches = True

        def cells(file: str, view: int) -> np.ndarray:
            pixels = show(read_rgb(data / file), file, view)
            return session.run([CAPTION_CELLS], {"pixels": pixels[None]}, only_needed)[0][0]

        shape = len(keys), *cells(*keys[0]).shape
        values = np.lib.format.open_memmap(folder / "caption_cells.npy", "w+", np.uint8, shape)

        def encode(row: int) -> None:
            values[row] = cells(*keys[row])

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            done = pool.map(encode, range(len(keys)))
            for _ in track(done, "encoding for captions", total=len(keys), console=Console(stderr=True)):
                pass
        values.flush()
        (folder / "caption_cells.json").write_text(json.dumps(keys))
    return CellFeatures(folder)
