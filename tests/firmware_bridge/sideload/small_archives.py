"""Archives of a few kilobytes from the real builder: a launcher that answers at once, one wheel, one model's file."""

from __future__ import annotations

import io
import os
import platform
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from firmware_bridge.sideload.build import Purpose, build
from firmware_bridge.sideload.keys import SecretKey
from firmware_bridge.sideload.on_device.manifest import Manifest
from firmware_bridge.sideload.on_device.self_test import PICTURE, QUESTION
from firmware_bridge.sideload.pack import installer
from firmware_bridge.sideload.parts import Part
from models.progress import silent

KEY = SecretKey(b"glinttst", bytes(range(32)))
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
LAUNCHER = """\
#!/bin/sh
here=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd -P)
cat "$here/site/small/answer.txt" "$here/models/small/1/weights.bin" >/dev/null || exit 1
{extra}
case "$1" in
    doctor) echo '{{"ok": true, "checks": []}}' ;;
    ask) echo '{{"transcript": "What is this?", "answer": "{answer}"}}' ;;
    say) echo "{answer}" ;;
esac
"""


@dataclass(frozen=True)
class Small:
    """An archive and its manifest."""

    path: Path
    manifest: Manifest


def make(
    folder: Path,
    version: str = "1.0.0",
    *,
    answer: str = "A pineapple.",
    extra: str = "",
    target: str = "",
    python: str = PYTHON,
    glibc: str = "2.17",
    key: SecretKey = KEY,
    parts: tuple[Part, ...] = (),
) -> Small:
    """extra: lines of shell that the launcher runs first. parts: files besides."""
    all_parts = [
        Part("install.pyz", installer()),
        Part("bin/glint", LAUNCHER.format(answer=answer, extra=extra).encode(), runs=True),
        Part("glint.service", b"[Service]\nExecStart=@ROOT@/current/bin/glint serve\n"),
        Part(PICTURE, b"picture"),
        Part(QUESTION, b"question"),
        Part("wheels/small-1-py3-none-any.whl", wheel({"small/__init__.py": b"", "small/answer.txt": answer.encode()})),
        Part("models/small/1/weights.bin", version.encode() * 2000),
        *parts,
    ]
    out = folder / f"glint-{version}.tar"
    purpose = Purpose(version, target or platform.machine(), python, glibc, "generic")
    return Small(out, build(out, all_parts, purpose, {"small": "1"}, key, silent))


def wheel(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def run_installer(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """The packed installer, as on a device: another process, Python's standard library alone."""
    tool = Path(str(options.pop("tool", ""))) if "tool" in options else _tool()
    command = [sys.executable, "-I", "-S", str(tool), *map(str, words)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, **options)  # type: ignore[call-overload]


def says(root: Path) -> str:
    """What the version in use says, run as it is on a device."""
    done = subprocess.run([str(root / "current/bin/glint"), "say"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


_TOOLS: list[Path] = []


def _tool() -> Path:
    import atexit
    import shutil
    import tempfile

    if not _TOOLS:
        folder = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        (folder / "install.pyz").write_bytes(installer())
        _TOOLS.append(folder / "install.pyz")
    return _TOOLS[0]
