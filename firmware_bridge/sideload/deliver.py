"""From an archive to an installation: `glint sideload push`, on either of its ways."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path

from firmware_bridge.sideload.on_device.archive import Archive, open_archive
from firmware_bridge.sideload.on_device.minisign import PublicKey
from firmware_bridge.sideload.on_device.refusal import Refusal
from firmware_bridge.sideload.pack import installer
from firmware_bridge.sideload.push import LOST, PLACE, Broken, Remote, connected, copy_to_folder, send_file
from models.errors import GlintError
from models.sources import Progress

INSTALLER = "install.pyz"


def checked(path: Path, key: PublicKey, progress: Progress) -> Archive:
    """An archive that is whole and signed with the key. Raises GlintError."""
    try:
        archive = open_archive(path, key)
        archive.check(progress)
    except Refusal as refusal:
        raise GlintError(str(refusal)) from None
    return archive


def to_folder(archive: Archive, key: PublicKey, folder: Path, progress: Progress) -> str:
    """Copies archive and installer; returns the command to give on the device. Raises GlintError."""
    with tempfile.TemporaryDirectory() as temporary:
        copy_to_folder([_own_installer(Path(temporary)), archive.path], folder, progress)
    return f"sudo python{archive.manifest.python} {INSTALLER} install {archive.path.name} --key {key}"


def to_host(
    archive: Archive,
    key: PublicKey,
    host: str,
    options: list[str],
    say: Callable[[str], None],
    progress: Progress,
) -> None:
    """Sends the archive, installs it there and removes it again. options: the installer's. Raises GlintError."""
    python = f"python{archive.manifest.python}"
    with connected(host) as remote, tempfile.TemporaryDirectory() as temporary:
        _check_device(remote, archive, python)
        # The installer is our own, not the archive's: what has not been checked is not run.
        tool = send_file(remote, _own_installer(Path(temporary)), progress)
        there = send_file(remote, archive.path, progress)
        say(f"{archive.path.name} is on {host}; installing")
        words = [python, tool, "install", there, "--key", str(key), *options]
        command = " ".join(shlex.quote(word) for word in words)
        root = "" if remote.run("id -u").strip() == "0" or "--root" in options else "sudo "
        status = remote.show(root + command)
        if status == LOST:
            raise GlintError(
                f"The connection to {host} broke while it installed; push again, and it goes on from there."
            )
        if status:
            raise GlintError(f"{archive.path.name} was not installed on {host}; what was in use there still is.")
        remote.run(f"rm -f {shlex.quote(there)} {shlex.quote(tool)}; rmdir {PLACE} 2>/dev/null || true")


def _check_device(remote: Remote, archive: Archive, python: str) -> None:
    """What would be refused there anyway is refused before hundreds of megabytes are sent."""
    try:
        machine, *version = remote.run(f"uname -m; {python} -V 2>/dev/null || true").split()
    except Broken as broken:
        raise GlintError(str(broken)) from None
    if machine != archive.manifest.target:
        raise GlintError(f"{archive.path} is for {archive.manifest.target} and {remote.host} is {machine}.")
    if not version:
        raise GlintError(f"{remote.host} has no {python}, which {archive.path} needs.")


def _own_installer(folder: Path) -> Path:
    path = folder / INSTALLER
    path.write_bytes(installer())
    return path
