"""What the service runs: `glint run` with the device's settings, later and later where it keeps failing.

`python -m firmware_bridge.sideload.service VERSION_FOLDER`. systemd ends and starts it (the unit has no limit on
starts); how long to wait before is kept here, since RestartSteps is unknown to systemd before 254.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from firmware_bridge.sideload.settings import FILE, LOCAL, read_settings

LONGEST_S = 120.0
HEALTHY_S = 600.0  # who ran that long before failing starts without delay


def wait_before_start(state: Path, now: float, sleep: Callable[[float], None] = time.sleep) -> float:
    """Sleeps for twice as long as before the last start (1 s at first), not at all after a healthy run.

    state: the file that starts are kept in, in a folder that outlives the process. Returns the seconds slept.
    """
    try:
        last, slept = (float(word) for word in state.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        last, slept = now - HEALTHY_S, 0.0
    wait = 0.0 if now - last >= HEALTHY_S or now < last else min(LONGEST_S, max(1.0, 2 * slept))
    sleep(wait)
    state.write_text(f"{now + wait} {wait}", encoding="ascii")
    return wait


def forget_others(cache: Path, version: Path) -> None:
    """Removes the bytecode that Python has kept of versions beside this one."""
    folder = cache / "bytecode" / version.parent.relative_to("/")
    for other in folder.iterdir() if folder.is_dir() else ():
        if other.name != version.name:
            shutil.rmtree(other, ignore_errors=True)


def main(version: Path) -> None:
    """Never returns but by ending the process, as `glint run` does."""
    from device.cli import main as glint

    if folder := os.environ.get("CACHE_DIRECTORY"):
        forget_others(Path(folder), version)
    if folder := os.environ.get("RUNTIME_DIRECTORY"):
        wait_before_start(Path(folder) / "starts", time.time())
    glint(["run", *read_settings([version / FILE, LOCAL]).arguments()])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
