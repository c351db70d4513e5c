"""Builds a bundle out of a base model in GGUF and the weights trained for it, with numpy and onnx alone.

Knows what goes into a bundle. Does not know where the base model comes from (models.fetch), nor how it is run.
`python -m models.assemble GGUF WEIGHTS OUT` does it too, and reports in JSON lines.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.adapted_weights import AdaptedWeights
from models.apart import report, run_apart
from models.bundle import (
    ADAPTER_FILE,
    ANSWERS_FILE,
    CAPTIONS_FILE,
    CAPTIONS_WEIGHTS_FILE,
    NAMES_FILE,
    TOKENIZER_FILE,
    VISION_FILE,
    Bundle,
)
from models.decoder_graph import write_decoder
from models.errors import GlintError
from models.gguf_weights import GgufWeights
from models.integrity import sha256_of
from models.manifest import FileRecord

CONFIG_FILE = "config.json"
NETWORKS = (VISION_FILE, CAPTIONS_FILE, CAPTIONS_WEIGHTS_FILE, ANSWERS_FILE, NAMES_FILE)


def assemble(gguf: Path, weights: Path, out: Path, progress: Callable[[float], None] | None = None) -> Bundle:
    """Makes the bundle folder `out`, or replaces it, in one step: it is there in full or not at all.

    weights: a folder with config.json (its `name` and `version` become the bundle's; all of it is kept) and, where
    trained, adapter.safetensors (see AdaptedWeights) and NETWORKS (taken as they are). progress: called with the share
    done, 0 to 1. Raises GlintError when a source is unreadable or does not fit, OSError when `out` cannot be written.
    """
    config = _read_config(weights / CONFIG_FILE)
    base = GgufWeights(gguf)
    adapter = weights / ADAPTER_FILE
    adapted = AdaptedWeights(base, adapter if adapter.exists() else None)
    with _replacing(out) as folder:
        decoder = write_decoder(adapted, folder, progress=progress)
        base.tokenizer().save(str(folder / TOKENIZER_FILE))
        for network in NETWORKS:
            if (weights / network).exists():
                shutil.copyfile(weights / network, folder / network)
        Bundle(
            folder=folder,
            name=config["name"],
            version=config["version"],
            decoder=decoder,
            config=config,
            sources={gguf.name: sha256_of(gguf), **_hashes(weights)},
            files={path.name: FileRecord.of(path) for path in sorted(folder.iterdir())},
        ).write_manifest()
    return Bundle.open(out)


def assemble_apart(gguf: Path, weights: Path, out: Path, progress: Callable[[float], None]) -> None:
    """`assemble` in a process of its own. Errors as `assemble`; GlintError too when that process dies."""
    run_apart(__name__, gguf, weights, out, progress=progress)


def _hashes(weights: Path) -> dict[str, str]:
    names = (CONFIG_FILE, ADAPTER_FILE, *NETWORKS)
    return {name: sha256_of(weights / name) for name in names if (weights / name).exists()}


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GlintError(f"{path} is not a readable JSON file ({error}).") from error
    if not isinstance(config, dict) or not all(isinstance(config.get(key), str) for key in ("name", "version")):
        raise GlintError(f"{path} must be an object that gives the model's name and version as text.")
    return config


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place at the end; it is removed if anything goes wrong."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary) / "new"
        folder.mkdir()
        yield folder
        if out.exists():
            os.replace(out, Path(temporary) / "old")
        os.replace(folder, out)


if __name__ == "__main__":
    _gguf, _weights, _out = map(Path, sys.argv[1:])
    sys.exit(report(lambda progress: assemble(_gguf, _weights, _out, progress)))
