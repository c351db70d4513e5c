"""What this process has taken of the machine: memory, threads, open files."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from device.heap import trim_heap
from device.rss import peak_rss_mb

_SELF = Path("/proc/self")


class PeakMemory:
    """The most memory that the assistant has needed, with what else runs in its process left out.

    Only Linux can leave something out; elsewhere the peak is that of everything.
    """

    def __init__(self) -> None:
        self._before = 0.0

    @contextmanager
    def without(self) -> Iterator[None]:
        """What happens inside does not count, as far as it gives its memory back."""
        self._before = self.mb()
        yield
        trim_heap()
        with suppress(OSError):
            (_SELF / "clear_refs").write_text("5")

    def mb(self) -> float:
        """In MB (10^6 bytes)."""
        return max(self._before, _status_mb("VmHWM") or peak_rss_mb())


def rss_mb() -> float:
    """Memory now, in MB; the peak where the system tells no other."""
    return _status_mb("VmRSS") or peak_rss_mb()


def thread_count() -> int:
    """Native threads too, where the system tells."""
    return len(os.listdir(_SELF / "task")) if (_SELF / "task").is_dir() else threading.active_count()


def open_files() -> int:
    """0 where the system does not tell."""
    folder = next((path for path in (_SELF / "fd", Path("/dev/fd")) if path.is_dir()), None)
    return len(os.listdir(folder)) if folder else 0


def _status_mb(name: str) -> float | None:
    with suppress(OSError):
        found = re.search(rf"^{name}:\s+(\d+) kB", (_SELF / "status").read_text(), re.MULTILINE)
        if found:
            return round(int(found[1]) * 1024 / 1e6, 1)
    return None
