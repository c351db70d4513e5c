"""Which wheels an archive holds: wheels.lock, and writing it anew (`python -m firmware_bridge.sideload.lock`).

The lock names every package of a device with its version and, for each processor, the wheel's file and sha256, so that
the same source gives the same archive. Written anew it has the versions that are installed where it is written.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from models.errors import GlintError
from models.integrity import sha256_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LOCK = Path(__file__).with_name("wheels.lock")
PYTHON = "3.11"  # Debian 12's and Raspberry Pi OS's of 2023; wheels are built for one version
TARGETS = ("aarch64", "x86_64")

# What a device does without, of Glint's dependencies and of theirs.
NOT_ON_DEVICE = {
    "gguf": "assembles the bundle, which the archive brings assembled",
    "safetensors": "the same",
    "filelock": "guards fetching, and nothing is fetched",
    "pip": "the same",
    "jiwer": "evaluation",
    "starlette": "the simulator's page",
    "uvicorn": "the same",
    "websockets": "the same",
    "tomli": "part of Python 3.11",
    "huggingface-hub": "tokenizers fetches with it, and nothing is fetched",
    "types-protobuf": "for type checkers",
}
# A device without a screen has no libGL, and this one does not need it; it is 10 MB smaller, too.
INSTEAD = {"opencv-python": "opencv-python-headless"}
# Extras elsewhere: the device's own microphone and speaker, and the echo between them. Brilliant Halo and glasses on a
# stream are not here: their packages lc3py and cobs have no wheels for aarch64.
BESIDES = ("sounddevice", "livekit")


@dataclass(frozen=True)
class Wheel:
    """One wheel for one processor."""

    name: str
    version: str
    file: str
    size: int
    sha256: str


def read_lock(target: str, path: Path = LOCK) -> dict[str, Wheel]:
    """Wheels by the name of their package. Raises GlintError for a processor that there are none for."""
    if target not in TARGETS:
        raise GlintError(f"There is no archive for {target!r}; choose from {', '.join(TARGETS)}.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Wheel(name, row["version"], **row[target]) for name, row in table.items()}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise GlintError(f"{path} is not a list of wheels ({error!r}).") from error


def names() -> list[str]:
    """Every package that a device needs: Glint's dependencies and theirs, as installed here."""
    found: dict[str, None] = {}
    waiting = [*_required("glint"), *BESIDES]
    while waiting:
        name = INSTEAD.get(waiting[0], waiting[0])
        del waiting[0]
        if name not in found and name not in NOT_ON_DEVICE:
            found[name] = None
            waiting += _required(_here(name))
    return sorted(found)


def installed_version(name: str) -> str:
    """Raises GlintError when the package is not installed here."""
    try:
        return metadata.version(_here(name))
    except metadata.PackageNotFoundError:
        raise GlintError(f"{_here(name)} is not installed here, so its version is not known.") from None


def _here(name: str) -> str:
    return {there: here for here, there in INSTEAD.items()}.get(name, name)


def _required(name: str) -> Iterable[str]:
    """What a package names without a condition, and with one on the Python or its implementation that holds."""
    for line in metadata.requires(name) or ():
        package, _, condition = line.partition(";")
        if "extra" not in condition and "sys_platform" not in condition and "python_version <" not in condition:
            yield re.split(r"[ <>=!~(\[]", package.strip(), maxsplit=1)[0].lower().replace("_", "-")


def _main() -> None:
    from firmware_bridge.sideload.wheels import download

    versions = {name: installed_version(name) for name in names()}
    rows: dict[str, dict[str, Mapping[str, object]]] = {name: {} for name in versions}
    for target in TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            for name, path in download(versions, {}, target, Path(folder), lambda *_: None).items():
                rows[name][target] = {"file": path.name, "size": path.stat().st_size, "sha256": sha256_of(path)}
    lines = ["# Written by `python -m firmware_bridge.sideload.lock`; firmware_bridge/sideload/lock.py says what for."]
    for name, row in rows.items():
        lines += ["", f"[{name}]", f"version = {json.dumps(versions[name])}"]
        for target, wheel in row.items():
            lines.append(
                f"{target} = {{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in wheel.items())} }}"
            )
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
