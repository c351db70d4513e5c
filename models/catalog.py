"""What models there are: catalog.toml read into frozen dataclasses.

Does not know what is installed (models/fetch.py) or how a file is fetched (models/sources.py).
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.errors import GlintError
from models.remade import REMAKINGS, Remaking
from models.sources import SOURCE_KINDS, Source

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CATALOG_PATH = Path(__file__).with_name("catalog.toml")
WEIGHTS_PATH = Path(__file__).with_name("weights")


@dataclass(frozen=True)
class ModelFile:
    """One file of a model: path below the model's folder, size in bytes, sha256 in hexadecimal."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """One entry of the catalogue.

    `size` is what the model takes on disk, in bytes. A fetched model has a `source` and `files`; a bundle has instead a
    `base`, the name of the model it is assembled from, and the folder `weights`. Where there is `remade`, the files are
    rewritten once they have been fetched (models.remade), which takes as much on disk and is all that stays.
    """

    name: str
    version: str
    licence: str
    role: str
    default: bool
    size: int
    source: Source | None = None
    files: tuple[ModelFile, ...] = ()
    base: str | None = None
    weights: Path | None = None
    remade: Remaking | None = None

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return str(self.source) if self.source else f"assembled from {self.base} and this package's weights"


@dataclass(frozen=True)
class Catalog:
    """All models by name, in the order of the file."""

    models: Mapping[str, Model]

    @classmethod
    def read(cls, path: Path = CATALOG_PATH, weights: Path = WEIGHTS_PATH) -> Catalog:
        """Reads a catalogue file; `weights` is the folder that holds one folder for each bundle.

        Raises GlintError when the file is not a valid catalogue.
        """
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8"))["model"]
            return cls({entry["name"]: _model(entry, weights) for entry in entries})
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise GlintError(f"{path} is not a valid model catalogue ({error!r}).") from error

    def __getitem__(self, name: str) -> Model:
        """The model of that name. Raises GlintError, naming the nearest one, when there is none."""
        if name in self.models:
            return self.models[name]
        nearest = difflib.get_close_matches(name, self.models, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else "`glint models list` shows what there is."
        raise GlintError(f"There is no model called {name!r}; {hint}")

    def defaults(self) -> tuple[Model, ...]:
        """The models that the assistant uses when nothing else is asked for."""
        return tuple(model for model in self.models.values() if model.default)


@cache
def catalog() -> Catalog:
    """The catalogue that comes with this package, read once."""
    return Catalog.read()


def _model(entry: Mapping[str, Any], weights: Path) -> Model:
    common = {key: entry[key] for key in ("name", "licence", "role", "default")}
    if "base" in entry:
        folder = weights / entry["name"]
        return Model(**common, version=_weights_version(folder), size=entry["size"], base=entry["base"], weights=folder)
    fields = dict(entry["source"])
    kind = next(kind for kind in SOURCE_KINDS if kind in fields)  # first match: a wheel, too, has a folder
    files = tuple(ModelFile(**file) for file in entry["files"])
    return Model(
        **common,
        version=entry["version"],
        size=sum(file.size for file in files),
        source=SOURCE_KINDS[kind](**fields),
        files=files,
        remade=REMAKINGS[entry["remade"]] if "remade" in entry else None,
    )


def _weights_version(folder: Path) -> str:
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["version"])
    except (OSError, KeyError, ValueError):
        return "unreleased"
