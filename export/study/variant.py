"""One row's decoder on disk, and what has been measured of it so far; both outlive an interruption.

A row's folder: decoder.onnx, decoder.weights, layout.json (written last), figures.json, the raw numbers behind these.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from export.study.rows import Row, quantizer
from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder import Decoder
from models.decoder_graph import write_decoder
from models.decoder_layout import DecoderLayout
from models.decoder_matrices import DecoderWeights


class Variant:
    """`folder` is emptied when it was made for other settings, or out of other sources."""

    def __init__(self, row: Row, folder: Path, sources: dict[str, str]):
        self.row, self.folder = row, folder
        made_of = {"settings": row.record, "sources": sources}
        self._about = folder / "made_of.json"
        if not self._about.exists() or json.loads(self._about.read_text()) != made_of:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _write(self._about, made_of)

    @property
    def is_built(self) -> bool:
        return (self.folder / "layout.json").exists()

    def build(
        self,
        weights: DecoderWeights,
        sequences: Callable[[], Sequence[np.ndarray]],
        progress: Callable[[float], None] = lambda share: None,
    ) -> None:
        """Writes the decoder. GlintError where the settings do not suit the model."""
        rounding = quantizer(self.row, weights, sequences, progress)
        layout = write_decoder(weights, self.folder, settings=self.row.settings, quantize=rounding)
        bytes_of = [(self.folder / name).stat().st_size for name in (DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE)]
        self.note({"decoder_mb": round(sum(bytes_of) / 1e6, 1)})
        _write(self.folder / "layout.json", asdict(layout))

    def decoder(self, threads: int) -> Decoder:
        layout = DecoderLayout(**json.loads((self.folder / "layout.json").read_text()))
        return Decoder.open(self.folder / DECODER_GRAPH_FILE, self.folder / DECODER_WEIGHTS_FILE, layout, threads)

    @property
    def figures(self) -> dict[str, Any]:
        path = self.folder / "figures.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def note(self, figures: dict[str, Any]) -> None:
        _write(self.folder / "figures.json", {**self.figures, **figures})

    def append(self, name: str, record: dict[str, Any]) -> None:
        with (self.folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def records(self, name: str) -> list[dict[str, Any]]:
        """What was appended; a line that an interruption cut off does not count."""
        path = self.folder / f"{name}.jsonl"
        found = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def keep(self, name: str, array: np.ndarray) -> None:
        np.save(self.folder / f"{name}.npy", array)

    def kept(self, name: str) -> np.ndarray | None:
        path = self.folder / f"{name}.npy"
        return np.load(path) if path.exists() else None


def _write(path: Path, content: Any) -> None:
    path.with_suffix(".part").write_text(json.dumps(content, indent=1))
    os.replace(path.with_suffix(".part"), path)
