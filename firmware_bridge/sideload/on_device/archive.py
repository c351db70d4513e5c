"""Reading an archive. Nothing in it is believed before the signature of its manifest has been checked.

An archive is a plain tar of files: manifest, signature and key come first, then exactly what the manifest lists.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .disk import write
from .manifest import HEAD, KEY, Entry, Manifest, identity, read_manifest
from .minisign import PublicKey, check, read_key
from .refusal import Refusal

CHUNK = 1 << 20
HEAD_LIMIT = 16 << 20  # bytes of a manifest; more is not read before there is a signature
Progress = Callable[[str, int, int], None]
"""Called with (what is going on, bytes done, bytes in all)."""


@dataclass(frozen=True)
class Archive:
    """An archive whose manifest was signed by a trusted key. The files are yet to be checked."""

    path: Path
    manifest: Manifest
    head: tuple[bytes, bytes, bytes]

    @property
    def identity(self) -> str:
        return identity(self.manifest.version, self.head[0])

    def check(self, progress: Progress) -> None:
        """Hashes everything. Raises Refusal naming archive, file and reason unless all is as the manifest says."""
        size = self.path.stat().st_size
        if size < self.manifest.packed_bytes():
            raise Refusal(
                f"{self.path} is cut off: it has {size:,} of {self.manifest.packed_bytes():,} bytes and more."
            )
        for _, _, pieces in self.members(progress):
            for _ in pieces:
                pass

    def unpack(self, into: Path, progress: Progress) -> None:
        """Writes all files below a new folder, hashing what is written. Raises Refusal as `check`, OSError."""
        for name, content in zip(HEAD, self.head, strict=True):
            write(into / name, [content])
        for path, entry, pieces in self.members(progress):
            write(into / path, pieces, entry.runs)

    def members(self, progress: Progress) -> Iterator[tuple[str, Entry, Iterator[bytes]]]:
        """Each file of the manifest and its content in pieces, which raise Refusal at their end if it is not right."""
        left, done, whole = dict(self.manifest.files), 0, self.manifest.packed_bytes()
        for name, size, pieces in _files(self.path):
            if name in HEAD:
                continue
            entry = left.pop(name, None)
            if entry is None:
                raise Refusal(f"{self.path} holds {name!r}, which its manifest does not list.")
            if size != entry.size:
                raise Refusal(f"{self.path}: {name} has {size:,} bytes in place of {entry.size:,}.")
            yield name, entry, self._checked(name, entry, pieces)
            done += size
            progress(self.path.name, done, whole)
        if left:
            raise Refusal(f"{self.path} is cut off or damaged: {min(left)} and {len(left) - 1} more files are missing.")

    def _checked(self, name: str, entry: Entry, pieces: Iterator[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
            yield piece
        if digest.hexdigest() != entry.sha256:
            raise Refusal(f"{self.path}: {name} has changed content (its sha256 differs).")


def open_archive(path: Path, key: PublicKey | None) -> Archive:
    """Reads the manifest and checks its signature. Raises Refusal, naming the archive and what is wrong with it.

    key: the one that is trusted; None, when none is yet: then the refusal tells which one the archive claims.
    """
    head = _head(path)
    if key is None:
        claimed = read_key(head[2].decode("utf-8", "replace"), f"{KEY} in {path}")
        raise Refusal(
            f"{path} says it was signed with {claimed}, and no key is trusted here yet: "
            f"compare it with what `glint sideload build` printed and give it with --key."
        )
    check(key, head[0], head[1].decode("utf-8", "replace"), f"The signature in {path}")
    return Archive(path, read_manifest(head[0], f"The manifest in {path}"), head)


def _head(path: Path) -> tuple[bytes, bytes, bytes]:
    found: list[bytes] = []
    for name, (member, size, pieces) in zip(HEAD, _files(path), strict=False):
        if member != name or size > HEAD_LIMIT:
            break
        found.append(b"".join(pieces))
    if len(found) != len(HEAD):
        raise Refusal(f"{path} is not an archive of Glint, or cut off at its beginning.")
    return found[0], found[1], found[2]


def _files(path: Path) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Name, size and content in pieces of each file of a tar. Raises Refusal when it is none, is cut off or damaged."""
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if not member.isreg():
                    raise Refusal(f"{path} holds {member.name!r}, which is not a plain file.")
                file = tar.extractfile(member)
                assert file is not None
                yield member.name, member.size, _pieces(path, member.name, file)
    except FileNotFoundError:
        raise Refusal(f"There is no archive {path}.") from None
    except IsADirectoryError:
        raise Refusal(f"{path} is a folder and not an archive.") from None
    except tarfile.TarError as error:
        raise Refusal(f"{path} is cut off or damaged ({error}).") from None
    except OSError as error:
        raise Refusal(f"{path} cannot be read ({error.strerror}).") from None


def _pieces(path: Path, name: str, file: IO[bytes]) -> Iterator[bytes]:
    try:
        while piece := file.read(CHUNK):
            yield piece
    except tarfile.TarError as error:
        raise Refusal(f"{path} is cut off in {name} ({error}).") from None
    except OSError as error:
        raise Refusal(f"{path} cannot be read in {name} ({error.strerror}).") from None
