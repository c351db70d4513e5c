"""Building the archive of this very Glint: models, wheels and all else, for a processor and a profile."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from firmware_bridge.sideload.build import Purpose, build, check_version
from firmware_bridge.sideload.keys import load_or_make
from firmware_bridge.sideload.lock import PYTHON, read_lock
from firmware_bridge.sideload.on_device.manifest import Manifest
from firmware_bridge.sideload.on_device.minisign import PublicKey
from firmware_bridge.sideload.parts import Part, glint_part, model_parts, own_parts
from firmware_bridge.sideload.settings import read_profile
from firmware_bridge.sideload.wheels import fetch_wheels, least_glibc
from models.fetch import cache_root, default_store, is_offline
from models.integrity import sha256_of
from models.sources import Progress


@dataclass(frozen=True)
class Built:
    """An archive and what was put into it."""

    archive: Path
    manifest: Manifest
    key: PublicKey
    sha256: str
    warning: str


def build_archive(
    out: Path | None,
    *,
    target: str,
    profile: str,
    key: Path | None,
    release: str | None,
    as_installed: bool,
    offline: bool,
    progress: Progress,
) -> Built:
    """Builds it; the options are those of `glint sideload build`. Raises GlintError."""
    version = release or metadata.version("glint")
    read_lock(target)  # whatever can be refused is, before anything takes long or a key is made
    check_version(version)
    chosen = read_profile(profile)
    secret = load_or_make(key)
    public = secret.public
    offline = offline or is_offline()
    store = default_store()
    for model in store.catalog.defaults():
        store.ensure(model.name, offline=offline, progress=progress)
    wheels = fetch_wheels(target, cache_root() / "sideload" / "wheels", as_installed, offline, progress)
    parts = [
        *own_parts(chosen),
        glint_part(store),
        *(Part(f"wheels/{path.name}", path) for path in wheels),
        *model_parts(store),
    ]
    out = out or Path(f"glint-{version}-{target}.tar")
    purpose = Purpose(version, target, PYTHON, least_glibc(wheels), profile)
    versions = {"glint": metadata.version("glint")}
    versions |= {path.name.split("-")[0]: path.name.split("-")[1] for path in wheels}
    versions |= {model.name: model.version for model in store.catalog.defaults()}
    manifest = build(out, parts, purpose, versions, secret, progress)
    return Built(out, manifest, public, sha256_of(out), chosen.warning)
