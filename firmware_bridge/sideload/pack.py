"""Files packed the same way each time, everywhere: the installer as a zipapp, Glint itself as a wheel.

They are not compressed: what comes out would depend on the version of zlib.
"""

from __future__ import annotations

import base64
import hashlib
import io
import stat
import zipfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import firmware_bridge
from firmware_bridge.sideload import on_device

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip knows
PACKAGES = ("device", "models", "firmware_bridge")
ASSEMBLED_FROM = "models/weights/glint-135m/"  # what the bundle, which the archive holds, was made of


def installer() -> bytes:
    """install.pyz: the modules of `on_device`, run by `python3.11 install.pyz`."""
    folder = Path(on_device.__file__).parent
    files = {f"installer/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py"))}
    start = "import sys\n\nfrom installer.main import main\n\nsys.exit(main())\n"
    return b"#!/usr/bin/env python3.11\n" + _zipped({"__main__.py": start.encode(), **files})


def glint_wheel(replaced: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Name and content of a wheel of this very Glint, without simulator, exporter and what bundles are assembled from.

    replaced: files whose content is another on a device, by their path.
    """
    version = metadata.version("glint")
    info = f"glint-{version}.dist-info"
    files = {path: replaced.get(path, content) for path, content in _sources()}
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: glint\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: glint sideload\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},sha256={_record_hash(content)},{len(content)}" for path, content in files.items()]
    record.append(f"{info}/RECORD,,")
    files[f"{info}/RECORD"] = ("\n".join(record) + "\n").encode()
    return f"glint-{version}-py3-none-any.whl", _zipped(files)


def _sources() -> Iterator[tuple[str, bytes]]:
    root = Path(firmware_bridge.__file__).parents[1]
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and "__pycache__" not in path.parts and not name.startswith(ASSEMBLED_FROM):
                yield name, path.read_bytes()


def _record_hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, LONG_AGO)
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            packed.writestr(member, content)
    return out.getvalue()
