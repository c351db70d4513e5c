"""What an archive holds and for which device it is: the file that is signed, and that vouches for all others."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .refusal import Refusal

FORMAT = 1  # raise it when an installer of before would do the wrong thing with an archive of now
MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.json.minisig", "key.pub"
HEAD = (MANIFEST, SIGNATURE, KEY)  # the archive's first members: in no list, since they are what vouches for the lists
SITE = "site"
AGAIN = "+"  # ends the name of a version that was installed beside itself, because it was damaged
_VERSION = re.compile(r"\d+(\.\d+){1,3}")


@dataclass(frozen=True)
class Entry:
    """What a file must be: size in bytes, sha256 in hexadecimal, whether it can be run."""

    size: int
    sha256: str
    runs: bool = False


@dataclass(frozen=True)
class Manifest:
    """files: the archive's members but the first three. site: what the wheels among them unpack to, below `site/`.

    target: machine, as `uname -m` says it. python and glibc: the version that the wheels are for, and the least one.
    versions: of what is inside, by name.
    """

    version: str
    target: str
    python: str
    glibc: str
    profile: str
    versions: Mapping[str, str]
    files: Mapping[str, Entry]
    site: Mapping[str, Entry]

    def to_bytes(self) -> bytes:
        """The file. The same content gives the same bytes."""
        content = {"format": FORMAT, "name": "glint", **asdict(self)}
        return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"

    def installed(self) -> dict[str, Entry]:
        """Every file of an installed version by its path below the version's folder, but for the manifest's own."""
        kept = {path: entry for path, entry in self.files.items() if not is_wheel(path)}
        return kept | {f"{SITE}/{path}": entry for path, entry in self.site.items()}

    def packed_bytes(self) -> int:
        return sum(entry.size for entry in self.files.values())

    def installed_bytes(self) -> int:
        return sum(entry.size for entry in self.installed().values())


def is_wheel(path: str) -> bool:
    """Whether a member is unpacked rather than kept."""
    return path.startswith("wheels/")


def identity(version: str, content: bytes) -> str:
    """The name of the folder that it is installed in: two archives of one version can lie side by side."""
    return f"{version}-{hashlib.sha256(content).hexdigest()[:8]}"


def read_manifest(content: bytes, where: str) -> Manifest:
    """Raises Refusal, naming `where`, unless it is a manifest that this installer understands and may act on."""
    try:
        said: dict[str, Any] = json.loads(content)
        kind, name = said.pop("format"), said.pop("name")
        if name == "glint" and kind != FORMAT:
            raise Refusal(f"{where} is of format {kind}, which this installer does not know: take the archive's own.")
        files, site = ({path: Entry(**entry) for path, entry in said.pop(key).items()} for key in ("files", "site"))
        manifest = Manifest(**said, files=files, site=site)
        ordered(manifest.version)
        sound = name == "glint" and all(isinstance(said[key], str) for key in said if key != "versions")
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Refusal(f"{where} is not the manifest of an archive ({error}).") from None
    for path in (*files, *site):
        sound = sound and _is_plain(path)
    if not sound or set(files) & set(HEAD) or any(path.startswith(f"{SITE}/") for path in files):
        raise Refusal(f"{where} lists files outside the folder of an installation.")
    return manifest


def ordered(version: str) -> tuple[int, ...]:
    """A version to compare with others. Raises ValueError unless it is two to four numbers between full stops."""
    if not _VERSION.fullmatch(version):
        raise ValueError(f"{version!r} is not a version of two to four numbers between full stops")
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (4 - len(numbers)))


def _is_plain(path: str) -> bool:
    parts = path.split("/")
    return "\\" not in path and "\0" not in path and all(part not in ("", ".", "..") for part in parts)
