"""Watches the memory that a small device could not take back: RssAnon, the pages that no file backs.

What is mapped from files, such as libraries and models, is dropped and read again when memory is short; the rest of a
process must fit, where there is no swap.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

EVERY_S = 0.05
_STATUS = Path("/proc/self/status")


def memory_mb(name: str = "RssAnon") -> float:
    """RssAnon, RssFile or VmRSS of this process now, in MB (10^6 bytes); 0 where the system does not tell."""
    with suppress(OSError):
        if found := re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE):
            return int(found[1]) * 1024 / 1e6
    return 0.0


class MemoryWatch:
    """A context that looks every EVERY_S. ceiling_mb: None is none; on_full is called once when it is exceeded."""

    def __init__(self, ceiling_mb: float | None, on_full: Callable[[], None] = lambda: None) -> None:
        self.ceiling_mb = ceiling_mb
        self.peak_mb = 0.0
        self.file_mb = 0.0  # of files, at the peak
        self.full_after_s: float | None = None  # seconds from the start until the ceiling was exceeded
        self._on_full = on_full
        self._start = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._start = time.monotonic()
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        mb = memory_mb()
        if mb > self.peak_mb:
            self.peak_mb, self.file_mb = mb, memory_mb("RssFile")
        if self.ceiling_mb is not None and mb > self.ceiling_mb and self.full_after_s is None:
            self.full_after_s = time.monotonic() - self._start
            self._on_full()
