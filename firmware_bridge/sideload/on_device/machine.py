"""Whether this machine is one that an archive is for."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from .layout import Layout
from .manifest import Manifest, is_wheel, ordered
from .refusal import Refusal

SPARE_BYTES = 64 << 20  # what a system should still have when all is installed
BLOCK = 4096  # bytes that a file's last piece takes on disk


def check_machine(archive: Path, manifest: Manifest) -> None:
    """Raises Refusal for another processor, another Python or a C library that is too old."""
    if platform.machine() != manifest.target:
        raise Refusal(f"{archive} is for {manifest.target} and this machine is {platform.machine()}.")
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if python != manifest.python:
        raise Refusal(f"{archive} needs Python {manifest.python} and this is {python}: run the installer with it.")
    library = _glibc()
    if library is None or ordered(library) < ordered(manifest.glibc):
        raise Refusal(f"{archive} needs glibc {manifest.glibc} and this system has {library or 'another C library'}.")


def check_version(archive: Path, manifest: Manifest, layout: Layout, downgrade: bool) -> None:
    """Raises Refusal for a version older than the one in use, unless `downgrade`."""
    active = layout.active()
    if active is None or downgrade:
        return
    there = layout.manifest(active).version
    if ordered(manifest.version) < ordered(there):
        raise Refusal(
            f"{archive} holds version {manifest.version}, which is older than {there} in {layout.root}: "
            f"give --allow-downgrade if that is what you want, or `rollback` to the version before."
        )


def check_space(archive: Path, manifest: Manifest, layout: Layout) -> None:
    """Raises Refusal when the disk lacks room for another version: what it takes, and its wheels while they unpack."""
    wheels = sum(entry.size for path, entry in manifest.files.items() if is_wheel(path))
    needed = manifest.installed_bytes() + wheels + BLOCK * len(manifest.installed()) + SPARE_BYTES
    free = shutil.disk_usage(layout.root).free
    if free < needed:
        raise Refusal(
            f"{archive} needs {needed / 1e6:,.0f} MB of free disk and {layout.root} has {free / 1e6:,.0f} MB: "
            f"nothing was changed."
        )


def _glibc() -> str | None:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):
        return None
    return version if name == "glibc" else None
