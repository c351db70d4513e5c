"""Memory over time: what this process holds, once a second, and which part of a bench it was at."""

from __future__ import annotations

import threading
import time
from array import array
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from sim.benchmark.resources import rss_mb

EVERY_S = 1.0
MOST = 600  # points that are kept of a long bench; a plot shows no more


@dataclass(frozen=True)
class Memory:
    """seconds since the start and mb (10^6 bytes), equally many; phases: when each part began, and its name."""

    seconds: list[float]
    mb: list[float]
    phases: list[tuple[float, str]]


class MemoryTrace:
    """A context that watches from a thread of its own. Only Linux tells the memory now; elsewhere it is the peak."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        # Numbers, not objects: an hour of them must not be a growth of memory that the bench then finds.
        self._seconds, self._mb = array("f"), array("f")
        self._phases: list[tuple[float, str]] = []
        self._start = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory trace", daemon=True)

    def __enter__(self) -> MemoryTrace:
        self._start = time.monotonic()
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._sample()

    def phase(self, name: str) -> None:
        """From now on it is at this part."""
        self._phases.append((round(time.monotonic() - self._start, 1), name))

    def memory(self) -> Memory:
        """What was seen; where there is too much, the highest of each few neighbours."""
        step = -(-len(self._mb) // MOST) or 1
        starts = range(0, len(self._mb), step)
        return Memory(
            [round(self._seconds[start], 1) for start in starts],
            [round(max(self._mb[start : start + step]), 1) for start in starts],
            list(self._phases),
        )

    def _watch(self) -> None:
        while not self._over.wait(self._every_s):
            self._sample()

    def _sample(self) -> None:
        self._seconds.append(time.monotonic() - self._start)
        self._mb.append(rss_mb())


def read_memory(fields: Any) -> Memory:
    """What dataclasses.asdict made of a Memory, and JSON of that. Raises ValueError or TypeError for anything else."""
    seconds = [float(value) for value in fields["seconds"]]
    mb = [float(value) for value in fields["mb"]]
    if len(seconds) != len(mb):
        raise ValueError("as many seconds as readings")
    return Memory(seconds, mb, [(float(at), str(name)) for at, name in fields["phases"]])
