"""What this process has taken of the machine: memory, threads, open files."""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from pathlib import Path

from device.rss import peak_rss_mb

_SELF = Path("/proc/self")


def rss_mb() -> float:
    """Memory now, in MB; the peak where the system tells no other."""
    return status_mb("VmRSS") or peak_rss_mb()


def thread_count() -> int:
    """Native threads too, where the system tells."""
    return len(os.listdir(_SELF / "task")) if (_SELF / "task").is_dir() else threading.active_count()


def open_files() -> int:
    """0 where the system does not tell."""
    folder = next((path for path in (_SELF / "fd", Path("/dev/fd")) if path.is_dir()), None)
    return len(os.listdir(folder)) if folder else 0


def status_mb(name: str, pid: int | str = "self") -> float | None:
    """VmRSS or VmHWM (the most it ever was) of a process in MB; None where the system does not tell."""
    with suppress(OSError):
        found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        if found:
            return round(int(found[1]) * 1024 / 1e6, 1)
    return None
