"""Which cores this process may use. Only Linux lets a process choose."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def usable() -> list[int]:
    """The numbers of the cores that this process may use now."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@contextmanager
def only(cores: list[int]) -> Iterator[bool]:
    """All threads that there are and that will be stay on these cores inside. Yields whether that can be had here."""
    if not hasattr(os, "sched_setaffinity"):
        yield False
        return
    before = os.sched_getaffinity(0)
    _move(set(cores))
    try:
        yield True
    finally:
        _move(before)


def _move(cores: set[int]) -> None:
    """A new thread begins where its parent is, so those that there are must be moved one by one."""
    for thread in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), cores)
