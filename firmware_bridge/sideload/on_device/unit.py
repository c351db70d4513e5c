"""The version in use as a service of systemd: its unit is written, started, and looked at until it is ready."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from . import disk
from .refusal import Refusal

NAME = "glint.service"
STARTING_S = 300  # as TimeoutStartSec in the unit
ROOT_MARK = "@ROOT@"


def is_running() -> bool:
    """Whether systemd runs this machine."""
    return os.path.isdir("/run/systemd/system")


def write_unit(version: Path, root: Path, folder: Path) -> None:
    """Puts the version's unit, made out for `root`, into systemd's folder. Raises OSError."""
    unit = (version / NAME).read_text(encoding="utf-8").replace(ROOT_MARK, str(root))
    disk.replace_file(folder / NAME, unit.encode())


def start(systemctl: str = "systemctl") -> None:
    """Has systemd read the unit again and start the service anew, now and at every boot.

    Raises Refusal when it does not become ready: Type=notify makes systemd wait for the service's own word.
    """
    for command in (["daemon-reload"], ["enable", NAME], ["restart", NAME]):
        try:
            done = subprocess.run(
                [systemctl, *command], capture_output=True, text=True, errors="replace", timeout=STARTING_S + 30
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refusal(f"`systemctl {' '.join(command)}` failed ({error}).") from None
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise Refusal(f"`systemctl {' '.join(command)}` failed ({reason}); `journalctl -u {NAME}` says more.")
