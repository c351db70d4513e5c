"""How the C library keeps the memory of this process, so that what one model has given back serves the next.

Left alone, onnxruntime holds the most that each model ever needed, and glibc keeps a heap for each thread: together a
fifth more than the assistant uses. Only glibc (Linux) can be told; elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt's names for them, of malloc.h
_MIB = 1 << 20


def share_heap() -> None:
    """One heap for all threads. Blocks below 32 MiB come from it: new pages for each would have to be cleared first.

    Call it before threads are started: a heap that is there stays.
    """
    if libc := _glibc():
        libc.mallopt(_ARENA_MAX, 1)
        libc.mallopt(_MMAP_THRESHOLD, 32 * _MIB)
        libc.mallopt(_TRIM_THRESHOLD, 32 * _MIB)


@contextmanager
def lent_memory() -> Iterator[None]:
    """What is taken inside in blocks of a MiB and more goes back to the system block by block; what is free, before.

    For a large network that runs rarely. Finding text in 1280 x 720 pixels took 280 MB at most, not 480, in all, and
    half as much processor time again, since pages have to be cleared (one measurement on a busy machine).
    """
    libc = _glibc()
    trim_heap()
    if libc:
        libc.mallopt(_MMAP_THRESHOLD, _MIB)
    try:
        yield
    finally:
        if libc:
            libc.mallopt(_MMAP_THRESHOLD, 32 * _MIB)
        trim_heap()


def trim_heap() -> None:
    """Gives what is free back to the system, in a few milliseconds: after loading and between two answers."""
    if libc := _glibc():
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
