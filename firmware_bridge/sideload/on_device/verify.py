"""Whether an installation, every byte of it, is still what was signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from .archive import CHUNK, Progress
from .layout import Layout
from .manifest import AGAIN, HEAD, MANIFEST, SIGNATURE, Entry, Manifest, identity, read_manifest
from .minisign import PublicKey, check
from .refusal import Refusal
from .self_test import RESULT

OWN = {*HEAD, RESULT}  # files of a version that its manifest does not list
STAMPS = ".verified.json"  # beside a model: when it was last hashed; it vouches for nothing here


def problems(layout: Layout, name: str, key: PublicKey, progress: Progress) -> list[str]:
    """What is wrong with an installed version, a sentence each; empty when nothing is."""
    folder = layout.folder(name)
    try:
        manifest = _signed(folder, key)
    except Refusal as refusal:
        return [str(refusal)]
    right = identity(manifest.version, (folder / MANIFEST).read_bytes()) == name.removesuffix(AGAIN)
    wrong = [] if right else [f"{folder} has another version's name."]
    return wrong + list(_changed(folder, manifest, progress)) + list(_unlisted(folder, manifest))


def _signed(folder: Path, key: PublicKey) -> Manifest:
    try:
        content = (folder / MANIFEST).read_bytes()
        signature = (folder / SIGNATURE).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Refusal(f"{error.filename} cannot be read ({error.strerror}).") from None
    check(key, content, signature, f"The signature {folder / SIGNATURE}")
    return read_manifest(content, str(folder / MANIFEST))


def _changed(folder: Path, manifest: Manifest, progress: Progress) -> Iterator[str]:
    done, whole = 0, manifest.installed_bytes()
    for path, entry in manifest.installed().items():
        place = folder / path
        try:
            if place.is_symlink() or _entry(place, entry.runs) != entry:
                yield f"{place} has changed: it is not what was signed."
        except FileNotFoundError:
            yield f"{place} is missing."
        except OSError as error:
            yield f"{place} cannot be read ({error.strerror})."
        done += entry.size
        progress(folder.name, done, whole)


def _entry(place: Path, runs: bool) -> Entry:
    digest, size = hashlib.sha256(), 0
    with open(place, "rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
            size += len(piece)
    return Entry(size, digest.hexdigest(), runs)


def _unlisted(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Python imports whatever lies in `site`, so a file too many is as bad as one that was changed."""
    listed = manifest.installed().keys() | OWN
    for place in sorted(folder.rglob("*")):
        path = place.relative_to(folder).as_posix()
        of_a_model = path.startswith("models/") and place.name == STAMPS
        if (place.is_symlink() or not place.is_dir()) and path not in listed and not of_a_model:
            yield f"{place} is not part of what was signed."
