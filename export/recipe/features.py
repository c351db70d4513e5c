"""What the frozen int8 encoder sees in every training photo, computed once and kept on disk.

The features come from the very graph that ships, so the connector learns to live with its quantisation.
"""

from __future__ import annotations

import json
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from rich.progress import track

from export.recipe.encoder import open_session, read_rgb, squash

CELLS, WIDTH = 49, 1280 + 480
PLAIN, MIRRORED = 0, 1  # views of a photo; from FIRST_CROP on, a part of it in other light
FIRST_CROP = 2


def view_of(photo: np.ndarray, view: int, seed: int) -> np.ndarray:
    """One view of a photo, uint8 RGB [height, width, 3] -> [224, 224, 3]; the same for the same seed."""
    if view == MIRRORED:
        return squash(photo)[:, ::-1]
    if view < FIRST_CROP:
        return squash(photo)
    draw = np.random.default_rng((seed, view))
    height, width = (max(1, int(side * draw.uniform(0.6, 0.95))) for side in photo.shape[:2])
    top, left = (
        int(draw.integers(whole - part + 1)) for whole, part in zip(photo.shape[:2], (height, width), strict=True)
    )
    part = squash(photo[top : top + height, left : left + width])
    lit = part * draw.uniform(0.7, 1.3) * draw.uniform(0.93, 1.07, 3)
    lit = (lit - lit.mean()) * draw.uniform(0.8, 1.2) + lit.mean()
    return np.clip(lit[:, :: draw.choice((1, -1))], 0, 255).astype(np.uint8)


def _encode(job: tuple[Path, list[tuple[Path, int]]]) -> tuple[np.ndarray, np.ndarray]:
    encoder, photos = job
    session = open_session(encoder, threads=1)
    grids, classes = [], []
    for path, view in photos:
        pixels = view_of(read_rgb(path), view, zlib.crc32(path.name.encode()))
        grid, middle, logits = session.run(None, {"pixels": pixels[None]})
        grids.append(np.concatenate([grid, middle], -1)[0].astype(np.float16))
        classes.append(logits[0].astype(np.float16))
    return np.stack(grids), np.stack(classes)


class Features:
    """Grids float16 [n, 49, 1760] (memory-mapped) and class scores float16 [n, 1000], looked up by (file, view)."""

    def __init__(self, folder: Path):
        self.grids = np.load(folder / "grids.npy", mmap_mode="r")
        self.classes = np.load(folder / "classes.npy")
        self._rows = {(file, view): i for i, (file, view) in enumerate(json.loads((folder / "files.json").read_text()))}

    def row(self, file: str, view: int = PLAIN) -> int:
        return self._rows[file, view]


def compute(encoder: Path, data: Path, wanted: list[tuple[str, int]], folder: Path, workers: int = 2) -> Features:
    """Encodes every (file, view) of `wanted`; writes grids, class scores and index into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    grids = np.lib.format.open_memmap(folder / "grids.npy", "w+", np.float16, (len(wanted), CELLS, WIDTH))
    classes = np.zeros((len(wanted), 1000), np.float16)
    chunks = [wanted[i : i + 128] for i in range(0, len(wanted), 128)]
    jobs = [(encoder, [(data / file, view) for file, view in chunk]) for chunk in chunks]
    with ProcessPoolExecutor(workers) as pool:
        start = 0
        for grid, logits in track(pool.map(_encode, jobs), "encoding photos", len(jobs)):
            grids[start : start + len(grid)], classes[start : start + len(grid)] = grid, logits
            start += len(grid)
    grids.flush()
    np.save(folder / "classes.npy", classes)
    (folder / "files.json").write_text(json.dumps(wanted))
    return Features(folder)
