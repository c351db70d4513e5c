"""Whether the files of a folder are what they should be, cheaply: a file is hashed again only when it was touched.

A folder's record, `.verified.json`, holds for each file its sha256 and what the file system said of it when that was
computed. Writing to a file changes its times, and the time of the last change of its metadata (on POSIX) cannot be set
back, so a file whose size and times still agree has not been rewritten. Bits that rot unwritten are found by
`thorough=True` alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD = ".verified.json"


@dataclass(frozen=True)
class Stamp:
    """One file as it was when it was hashed: size in bytes, times in nanoseconds."""

    sha256: str
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Hashes the file. Raises OSError when it cannot be read."""
        status = path.stat()
        return cls(sha256_of(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def still_holds(self, path: Path) -> bool:
        """Whether the file has not been touched since; reads no content. Raises OSError when it is not there."""
        status = path.stat()
        return (self.size, self.mtime_ns, self.ctime_ns) == (status.st_size, status.st_mtime_ns, status.st_ctime_ns)


Record = Mapping[str, Stamp]
"""Stamps by path below the folder, with forward slashes."""


def sha256_of(path: Path) -> str:
    """The hexadecimal sha256 of a file's content. Raises OSError."""
    digest = hashlib.sha256()
    buffer = bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
    return digest.hexdigest()


def take_record(folder: Path, paths: Iterable[str], known: Record | None = None) -> dict[str, Stamp]:
    """A record of the files, hashing those for which `known` does not vouch. Raises OSError when one cannot be read."""
    stamps = ((path, (known or {}).get(path)) for path in paths)
    return {
        path: stamp if stamp is not None and stamp.still_holds(folder / path) else Stamp.of(folder / path)
        for path, stamp in stamps
    }


def files_below(folder: Path) -> list[str]:
    """Paths of all files below a folder, hidden ones apart, sorted, with forward slashes."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))


def read_record(place: Path) -> dict[str, Stamp]:
    """The record kept in the file `place`; empty when there is none that can be read."""
    try:
        return {path: Stamp(**stamp) for path, stamp in json.loads(place.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_record(place: Path, record: Record) -> None:
    """Writes the file `place` in one step. Raises OSError."""
    fresh = place.with_name(f"{place.name}.{os.getpid()}")
    fresh.write_text(json.dumps({path: asdict(stamp) for path, stamp in record.items()}, indent=1), encoding="utf-8")
    os.replace(fresh, place)


def differences(
    folder: Path, expected: Mapping[str, tuple[int, str]], record: Record, *, thorough: bool = False
) -> tuple[dict[str, str], dict[str, Stamp]]:
    """Compares files with their expected (size in bytes, sha256).

    Returns what is wrong, by path and in words, and a record of the files that are right. A size is always looked at;
    content only where the record does not vouch for the file, or when `thorough`.
    """
    wrong: dict[str, str] = {}
    right: dict[str, Stamp] = {}
    for path, (size, sha256) in expected.items():
        place = folder / path
        try:
            found = place.stat().st_size
            if found != size:
                wrong[path] = f"has {found:,} bytes in place of {size:,}"
                continue
            known = record.get(path)
            vouched = not thorough and known is not None and known.sha256 == sha256 and known.still_holds(place)
            stamp = known if vouched and known is not None else Stamp.of(place)
        except FileNotFoundError:
            wrong[path] = "is missing"
        except OSError as error:
            wrong[path] = f"cannot be read ({error.strerror})"
        else:
            if stamp.sha256 == sha256:
                right[path] = stamp
            else:
                wrong[path] = "has changed content (its sha256 differs)"
    return wrong, right
