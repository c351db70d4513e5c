"""Where an installation lies: a folder for each version, and links that say which one is used.

ROOT/versions/0.1.0-1a2b3c4d/   a version, complete and never changed
ROOT/current, ROOT/previous     links to the version in use and to the one before
ROOT/trusted.pub                the key that archives must be signed with
ROOT/.unpacking/                what an installation that is at work, or was cut off, has written
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import disk
from .manifest import AGAIN, MANIFEST, Manifest, read_manifest
from .minisign import PublicKey, read_key
from .refusal import Refusal


@dataclass(frozen=True)
class Layout:
    """The folder that everything lies in."""

    root: Path

    @property
    def versions(self) -> Path:
        return self.root / "versions"

    @property
    def unpacking(self) -> Path:
        return self.root / ".unpacking"

    @property
    def current(self) -> Path:
        return self.root / "current"

    @property
    def previous(self) -> Path:
        return self.root / "previous"

    @property
    def trusted(self) -> Path:
        return self.root / "trusted.pub"

    def folder(self, identity: str) -> Path:
        return self.versions / identity

    def active(self) -> str | None:
        """The version in use; None where none is."""
        return self._linked(self.current)

    def before(self) -> str | None:
        """The version that can be gone back to; None where there is none but the one in use."""
        found = self._linked(self.previous)
        return found if found != self.active() else None

    def manifest(self, identity: str) -> Manifest:
        """Of an installed version. Raises Refusal when it cannot be read."""
        path = self.folder(identity) / MANIFEST
        try:
            return read_manifest(path.read_bytes(), str(path))
        except OSError as error:
            raise Refusal(f"{path} cannot be read ({error.strerror}).") from None

    def key(self) -> PublicKey | None:
        """The key that is trusted here; None before the first installation."""
        try:
            return read_key(self.trusted.read_text(encoding="utf-8", errors="replace"), str(self.trusted))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refusal(f"{self.trusted} cannot be read ({error.strerror}).") from None

    def use(self, identity: str) -> None:
        """Makes a version the one in use; the one that was becomes the one before, unless the new one repairs it.

        A cut leaves one or the other in use.
        """
        old = self.active()
        if old == identity:
            return
        if self.before() == identity:  # going back: no other link leads to it, so it must be in use first
            disk.point(self.current, f"versions/{identity}")
            disk.point(self.previous, f"versions/{old}")
            return
        damaged = old is not None and old.removesuffix(AGAIN) == identity.removesuffix(
            AGAIN
        )  # or it would not be there
        if old is not None and not damaged:
            disk.point(self.previous, f"versions/{old}")
        disk.point(self.current, f"versions/{identity}")

    def tidy(self) -> None:
        """Removes what an installation that was cut off has left, and versions that no link leads to."""
        disk.remove(self.unpacking)
        kept = {self.active(), self._linked(self.previous)}
        for folder in sorted(self.versions.iterdir()) if self.versions.is_dir() else ():
            if folder.name not in kept:
                disk.remove(folder)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Raises Refusal while somebody else installs here."""
        disk.make_folder(self.root)
        handle = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise Refusal(f"Another installation is at work in {self.root}; wait for its end.") from None
        finally:
            os.close(handle)

    def _linked(self, link: Path) -> str | None:
        try:
            identity = os.readlink(link).removeprefix("versions/")
        except OSError:
            return None
        return identity if self.folder(identity).is_dir() else None
