"""Building an archive: its parts are hashed into a manifest, the manifest is signed, and all of it written as one tar.

The same source, versions and key give the same bytes. Does not know what the parts are for.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_bridge.sideload.keys import SecretKey
from firmware_bridge.sideload.on_device.manifest import HEAD, Entry, Manifest, is_wheel, ordered
from firmware_bridge.sideload.on_device.wheel import contents
from firmware_bridge.sideload.parts import Part
from models.errors import GlintError
from models.sources import Progress

CHUNK = 1 << 20


@dataclass(frozen=True)
class Purpose:
    """What an archive is for; the fields are those of Manifest."""

    version: str
    target: str
    python: str
    glibc: str
    profile: str


def build(
    out: Path, parts: Sequence[Part], purpose: Purpose, versions: Mapping[str, str], key: SecretKey, progress: Progress
) -> Manifest:
    """Writes the archive `out`, in one step. Raises GlintError when it cannot be written or two parts collide."""
    check_version(purpose.version)
    files = {part.path: _entry(part) for part in parts}
    if len(files) < len(parts):
        raise GlintError("Two parts of the archive have the same name.")
    site = _site(part for part in parts if is_wheel(part.path))
    manifest = Manifest(**vars(purpose), versions=dict(versions), files=files, site=site)
    content = manifest.to_bytes()
    signature = key.signature(content, f"glint {purpose.version} for {purpose.target}")
    head = (content, signature.encode(), key.public.as_file().encode())
    whole = [*(Part(name, said) for name, said in zip(HEAD, head, strict=True)), *parts]
    try:
        _write(out, whole, progress)
    except OSError as error:
        raise GlintError(f"{out} cannot be written ({error.strerror}).") from error
    return manifest


def check_version(version: str) -> None:
    """Raises GlintError for one that devices could not compare."""
    try:
        ordered(version)
    except ValueError as error:
        raise GlintError(f"An archive cannot be made: {error}.") from None


def _entry(part: Part) -> Entry:
    digest = hashlib.sha256()
    with _opened(part) as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return Entry(part.size, digest.hexdigest(), part.runs)


def _site(wheels: Iterable[Part]) -> dict[str, Entry]:
    """What the wheels unpack to, found by the very code that unpacks them on the device."""
    site: dict[str, Entry] = {}
    for part in wheels:
        with tempfile.TemporaryDirectory() as folder:
            place = part.content
            if isinstance(place, bytes):
                place = Path(folder) / Path(part.path).name
                place.write_bytes(part.content)  # type: ignore[arg-type]
            for path, pieces in contents(place):
                digest, size = hashlib.sha256(), 0
                for piece in pieces:
                    digest.update(piece)
                    size += len(piece)
                entry = Entry(size, digest.hexdigest())
                if path in site:
                    raise GlintError(f"Two wheels hold {path}; the second is {part.path}.")
                site[path] = entry
    return site


def _write(out: Path, parts: Sequence[Part], progress: Progress) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    whole, done = sum(part.size for part in parts), 0
    handle, fresh = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
                for part in parts:
                    member = tarfile.TarInfo(part.path)
                    member.size, member.mode = part.size, 0o755 if part.runs else 0o644
                    with _opened(part) as content:
                        tar.addfile(member, content)
                    done += part.size
                    progress(f"writing {out.name}", done, whole)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(fresh, 0o644)
        os.replace(fresh, out)
    except BaseException:
        os.unlink(fresh)
        raise


def _opened(part: Part) -> io.BufferedIOBase:
    return io.BytesIO(part.content) if isinstance(part.content, bytes) else open(part.content, "rb")
