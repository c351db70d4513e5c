"""What the frozen int8 encoder sees in every training photo, computed once and kept on disk.

The features come from the very graph that ships, so the connector learns to live with its quantisation.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from rich.progress import track

from export.recipe.encoder import open_session, read_squashed

CELLS, WIDTH = 49, 1280 + 480


def _encode(job: tuple[Path, list[tuple[Path, bool]]]) -> tuple[np.ndarray, np.ndarray]:
    encoder, photos = job
    session = open_session(encoder, threads=1)
    grids, classes = [], []
    for path, mirrored in photos:
        pixels = read_squashed(path)
        grid, middle, logits = session.run(None, {"pixels": (pixels[:, ::-1] if mirrored else pixels)[None]})
        grids.append(np.concatenate([grid, middle], -1)[0].astype(np.float16))
        classes.append(logits[0].astype(np.float16))
    return np.stack(grids), np.stack(classes)


class Features:
    """Grids float16 [n, 49, 1760] (memory-mapped) and class scores float16 [n, 1000], looked up by (file, mirrored)."""

    def __init__(self, folder: Path):
        self.grids = np.load(folder / "grids.npy", mmap_mode="r")
        self.classes = np.load(folder / "classes.npy")
        self._rows = {(file, bool(m)): i for i, (file, m) in enumerate(json.loads((folder / "files.json").read_text()))}

    def row(self, file: str, mirrored: bool = False) -> int:
        return self._rows[file, mirrored]


def compute(encoder: Path, data: Path, wanted: list[tuple[str, bool]], folder: Path, workers: int = 2) -> Features:
    """Encodes every (file, mirrored) of `wanted`; writes grids, class scores and index into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    grids = np.lib.format.open_memmap(folder / "grids.npy", "w+", np.float16, (len(wanted), CELLS, WIDTH))
    classes = np.zeros((len(wanted), 1000), np.float16)
    chunks = [wanted[i : i + 128] for i in range(0, len(wanted), 128)]
    jobs = [(encoder, [(data / file, mirrored) for file, mirrored in chunk]) for chunk in chunks]
    with ProcessPoolExecutor(workers) as pool:
        start = 0
        for grid, logits in track(pool.map(_encode, jobs), "encoding photos", len(jobs)):
            grids[start : start + len(grid)], classes[start : start + len(grid)] = grid, logits
            start += len(grid)
    grids.flush()
    np.save(folder / "classes.npy", classes)
    (folder / "files.json").write_text(json.dumps(wanted))
    return Features(folder)
