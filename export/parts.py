"""Parts of a bundle in the making: each is there in full or not at all, and known by what it was made from.

Does not know what a part is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.manifest import FileRecord
from models.sources import Progress

_PART_FILE = "part.json"


@dataclass(frozen=True)
class Part:
    """A finished part. key: the hash of what it was made from. about: what the manifest needs to know of it.

    files: a FileRecord by name, as a dict.
    """

    folder: Path
    key: str
    about: dict[str, Any]
    files: dict[str, dict[str, Any]]

    def is_intact(self) -> bool:
        """Hashes its files. Raises OSError when one is missing."""
        return all(asdict(FileRecord.of(self.folder / name)) == record for name, record in self.files.items())


class Parts:
    """The parts in a folder, a folder each."""

    def __init__(self, folder: Path):
        self._folder = folder

    def get(
        self, name: str, key: Mapping[str, Any], make: Callable[[Path], dict[str, Any]], progress: Progress
    ) -> Part:
        """The part that was made from what `key` says, or a new one. make: writes files, and says `about` of them."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        folder = self._folder / name
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            part = Part(folder, **json.loads((folder / _PART_FILE).read_text()))
            if part.key == digest and part.is_intact():
                progress(f"{name}: taken from the interrupted export", 1, 1)
                return part
        shutil.rmtree(folder, ignore_errors=True)
        making = self._folder / f"{name}.making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        about = make(making)
        files = {path.name: asdict(FileRecord.of(path)) for path in sorted(making.iterdir())}
        (making / _PART_FILE).write_text(json.dumps({"key": digest, "about": about, "files": files}))
        os.replace(making, folder)
        return Part(folder, digest, about, files)

    def keep_finished(self) -> None:
        """Removes everything else, and the folder where nothing is finished."""
        for path in self._folder.iterdir():
            if not (path / _PART_FILE).exists():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        with contextlib.suppress(OSError):
            self._folder.rmdir()
