"""How the C library keeps the memory of this process, so that what one model has given back serves the next.

Left alone, onnxruntime holds the most that each model ever needed, and glibc keeps a heap for each thread: together a
fifth more than the assistant uses. Only glibc (Linux) can be told; elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import sys

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


def trim_heap() -> None:
    """Gives what is free back to the system, in a few milliseconds: after loading and between two answers."""
    if libc := _glibc():
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
