"""What an archive is made of: models, launcher, settings, unit and the self-test's files, as (path, content) pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from firmware_bridge.sideload.launcher import launcher, unit
from firmware_bridge.sideload.lock import PYTHON
from firmware_bridge.sideload.on_device.self_test import PICTURE, QUESTION
from firmware_bridge.sideload.on_device.unit import NAME as UNIT_NAME
from firmware_bridge.sideload.pack import glint_wheel, installer
from firmware_bridge.sideload.settings import FILE, Profile
from models.catalog import Model
from models.errors import GlintError
from models.fetch import Store
from models.integrity import files_below, sha256_of

CATALOG = "models/catalog.toml"  # in Glint's wheel
DEMO = Path(__file__).parents[2] / "sim/demo"


@dataclass(frozen=True)
class Part:
    """One file of the archive: its content, or where that lies."""

    path: str
    content: bytes | Path
    runs: bool = False

    @property
    def size(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


def own_parts(profile: Profile) -> list[Part]:
    """Installer, launcher, unit, settings and the self-test's picture and question."""
    tests = [(PICTURE, DEMO / "photo.jpg"), (QUESTION, DEMO / "question.wav")]
    for _, path in tests:
        if not path.is_file():
            raise GlintError(f"The self-test's file {path} is missing from this installation.")
    return [
        Part("install.pyz", installer()),
        Part("bin/glint", launcher(PYTHON).encode(), runs=True),
        Part(UNIT_NAME, unit(profile).encode()),
        Part(FILE, profile.settings.as_toml().encode()),
        *(Part(name, path) for name, path in tests),
    ]


def model_parts(store: Store) -> list[Part]:
    """Every file of the models that the assistant uses by default, where the device's cache will have them."""
    return [
        Part(f"models/{model.name}/{model.version}/{path}", store.folder(model) / path)
        for model in store.catalog.defaults()
        for path in files_below(store.folder(model))
    ]


def glint_part(store: Store) -> Part:
    """Glint's own wheel, with a catalogue of what the archive brings in place of what could be fetched."""
    name, content = glint_wheel({CATALOG: "\n".join(_catalog(store)).encode()})
    return Part(f"wheels/{name}", content)


def _catalog(store: Store) -> Iterator[str]:
    """The models as they are here: assembled and rewritten, so that nothing of what they were made from is needed."""
    yield "# The models of this device. Each file came with the archive that it was installed from.\n"
    for model in store.catalog.defaults():
        yield "[[model]]"
        yield from (f"{key} = {json.dumps(value)}" for key, value in _facts(model))
        yield 'source = { folder = "the archive that this was installed from" }'
        yield "files = ["
        for path in files_below(store.folder(model)):
            place = store.folder(model) / path
            size, sha256 = place.stat().st_size, sha256_of(place)
            yield f'  {{ path = {json.dumps(path)}, size = {size}, sha256 = "{sha256}" }},'
        yield "]\n"


def _facts(model: Model) -> Iterator[tuple[str, object]]:
    for key in ("name", "version", "licence", "role", "default"):
        yield key, getattr(model, key)
