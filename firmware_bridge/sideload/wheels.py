"""Fetching the wheels of a device with pip, whatever machine this is, into a folder that keeps them.

pip's own settings (index, proxy, certificates) hold. Does not know which wheels there are to be: lock.py does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from firmware_bridge.sideload.lock import PYTHON, TARGETS, Wheel, installed_version, names, read_lock
from models.errors import GlintError
from models.integrity import sha256_of
from models.sources import Progress

USUAL_SIZE = 1 << 20  # bytes, of a wheel that the lock does not have
NEWEST_GLIBC = 36  # Debian 12's is 2.36
_GLIBC = re.compile(r"manylinux_(\d+)_(\d+)_")


def fetch_wheels(target: str, kept: Path, as_installed: bool, offline: bool, progress: Progress) -> list[Path]:
    """The wheels of a device: those of the lock or, `as_installed`, of the versions that are installed here.

    kept: a folder where those of before lie. Raises GlintError when one cannot be had or has another sha256.
    """
    lock = read_lock(target)
    versions = {name: wheel.version for name, wheel in lock.items()}
    if as_installed:
        versions = {name: installed_version(name) for name in names()}
    locked = {name: wheel for name, wheel in lock.items() if wheel.version == versions.get(name)}
    kept.mkdir(parents=True, exist_ok=True)
    found = {name: kept / wheel.file for name, wheel in locked.items() if _is_kept(kept / wheel.file, wheel)}
    lacking = {name: version for name, version in versions.items() if name not in found}
    if lacking and offline:
        raise GlintError(f"{', '.join(lacking)}: not in {kept}, and fetching is switched off.")
    if lacking:
        with tempfile.TemporaryDirectory(dir=kept, prefix=".fetching-") as folder:
            for name, path in download(lacking, locked, target, Path(folder), progress).items():
                if name in locked and not _is_kept(path, locked[name]):
                    raise GlintError(f"{path.name} from the package index is not the file that wheels.lock names.")
                found[name] = kept / path.name
                os.replace(path, found[name])
    return [found[name] for name in sorted(found)]


def least_glibc(wheels: list[Path]) -> str:
    """The oldest C library that all of them run with, as their names say it."""
    needed = [17]
    for wheel in wheels:
        tags = [int(minor) for _, minor in _GLIBC.findall(wheel.name)]
        if tags and "manylinux2014" not in wheel.name:
            needed.append(min(tags))
    return f"2.{max(needed)}"


def download(
    versions: Mapping[str, str], locked: Mapping[str, Wheel], target: str, into: Path, progress: Progress
) -> dict[str, Path]:
    """Has pip download exactly these versions, without what they depend on. Returns files by package name."""
    assert target in TARGETS
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--python-version", PYTHON, "--implementation", "cp", "--progress-bar", "off", "--dest", str(into)]
    for minor in range(17, NEWEST_GLIBC + 1):
        command += ["--platform", f"manylinux_2_{minor}_{target}"]
    command += ["--platform", f"manylinux2014_{target}", *(f"{name}=={version}" for name, version in versions.items())]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_QUIET": "0"}
    sizes = {name: locked[name].size if name in locked else USUAL_SIZE for name in versions}
    done, under_way, errors = 0, 0, list[str]()
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                if line.startswith("Collecting "):
                    done, under_way = done + under_way, sizes.get(line.split()[1].split("=")[0], 0)
                    progress("fetching wheels", done, sum(sizes.values()))
                elif line.startswith("ERROR"):
                    errors.append(line.strip())
        except BaseException:
            pip.kill()
            raise
    if pip.returncode:
        reason = errors[-1].removeprefix("ERROR:").strip() if errors else "it said nothing"
        raise GlintError(f"pip could not get the wheels for {target} ({reason}).")
    files = {_package(path): path for path in into.glob("*.whl")}
    if lacking := versions.keys() - files.keys():
        raise GlintError(f"pip brought no wheel of {', '.join(sorted(lacking))} for {target}.")
    return {name: files[name] for name in versions}


def _package(wheel: Path) -> str:
    return re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()


def _is_kept(path: Path, wheel: Wheel) -> bool:
    return path.is_file() and path.stat().st_size == wheel.size and sha256_of(path) == wheel.sha256
