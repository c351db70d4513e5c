"""Which safetensors file of a Hugging Face folder holds which tensor: one file, or shards with an index."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from models.errors import GlintError

INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"


def tensor_files(folder: Path) -> dict[str, Path]:
    """The file of every tensor. A shard that the index names need not be there: whoever reads one finds out.

    Raises GlintError where there is neither, or what there is cannot be read.
    """
    index, single = folder / INDEX_FILE, folder / SINGLE_FILE
    try:
        if index.exists():
            return {key: folder / name for key, name in json.loads(index.read_bytes())["weight_map"].items()}
        if not single.exists():
            raise GlintError(f"{folder} holds no weights in safetensors ({SINGLE_FILE} or {INDEX_FILE}).")
        with safe_open(single, framework="numpy") as file:
            return dict.fromkeys(file.keys(), single)
    except (OSError, SafetensorError) as error:
        raise GlintError(f"{single} is damaged ({error}); fetch it again.") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise GlintError(f"{index} is damaged ({error!r}); fetch it again.") from error
