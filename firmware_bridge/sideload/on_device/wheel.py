"""What a wheel unpacks to: the part of the wheel format (PEP 427) that Python itself needs to import what is in it."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from .refusal import Refusal

CHUNK = 1 << 20
_LIBRARIES = ("purelib", "platlib")


def contents(wheel: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Path below `site/` and content, in pieces, of each file. Programs, headers and other data files are left out.

    Raises Refusal when the file is no wheel or damaged.
    """
    try:
        with zipfile.ZipFile(wheel) as packed:
            for member in packed.infolist():
                path = _place(member.filename)
                if path is not None and not member.is_dir():
                    yield path, _pieces(packed, member)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise Refusal(f"{wheel.name} is not a wheel that can be unpacked ({error}).") from None


def _place(name: str) -> str | None:
    parts = name.split("/")
    if parts[0].endswith(".data"):
        return "/".join(parts[2:]) if len(parts) > 2 and parts[1] in _LIBRARIES else None
    return name


def _pieces(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with packed.open(member) as file:
        while chunk := file.read(CHUNK):
            yield chunk
