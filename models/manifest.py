"""The manifest of a folder that was made on this machine: what is in it, and that nobody has changed that since.

Knows a manifest's frame and its list of files. What else stands in one is the business of who wrote it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.errors import GlintError
from models.integrity import sha256_of

MANIFEST_FILE = "manifest.json"
REMEDY = "remove the folder and it is built again at the next use"


@dataclass(frozen=True)
class FileRecord:
    """What a file must be: its length in bytes and its SHA-256 in hexadecimal."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileRecord:
        return cls(path.stat().st_size, sha256_of(path))


def read_manifest(folder: Path, kind: int) -> dict[str, Any]:
    """The content of a folder's manifest, `files` as FileRecord by name. Takes a millisecond.

    Raises GlintError when it is missing, changed or not of the format `kind`.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_bytes())
        content = manifest["content"]
        intact = manifest["sha256"] == _sha256(content)
        if intact and content["format"] != kind:
            raise GlintError(f"{folder} was made by another version of Glint; {REMEDY}.")
        if not intact:
            raise GlintError(f"{path} is damaged (its checksum does not match); {REMEDY}.")
        files = {name: FileRecord(**record) for name, record in content["files"].items()}
    except FileNotFoundError:
        raise GlintError(f"{folder} holds no model ({MANIFEST_FILE} is missing); {REMEDY}.") from None
    except OSError as error:
        raise GlintError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, LookupError, TypeError) as error:
        raise GlintError(f"{path} is damaged (it is not a model's manifest); {REMEDY}.") from error
    return content | {"files": files}


def write_manifest(folder: Path, kind: int, content: Mapping[str, Any], files: Mapping[str, FileRecord]) -> None:
    """Writes it: the last step of making a folder."""
    whole = {"format": kind, **content, "files": {name: asdict(record) for name, record in files.items()}}
    manifest = {"content": whole, "sha256": _sha256(whole)}
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def is_other_format(folder: Path, kind: int) -> bool:
    """Whether the manifest can be read and is of another format than `kind`: outdated, then, and not damaged."""
    try:
        return bool(json.loads((folder / MANIFEST_FILE).read_bytes())["content"]["format"] != kind)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
