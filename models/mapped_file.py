"""Lets go of the pages of a file that onnxruntime has mapped: they come back, from the system's cache, when needed.

For weights that are needed in full, but for a moment: a voice's, between two clauses. Only Linux tells where a file is
mapped; elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

_DONTNEED = 4  # of <sys/mman.h>


class MappedFile:
    """file: as it was opened. Looks for its mappings once, when first asked to let go."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ranges: list[tuple[int, int]] | None = None

    def let_go(self) -> None:
        """Costs microseconds now and some milliseconds at the next use."""
        if not sys.platform.startswith("linux"):
            return
        if self._ranges is None:
            self._ranges = _unchanged_mappings(self._file)
        libc = ctypes.CDLL(None)
        for start, length in self._ranges:
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), _DONTNEED)


def _unchanged_mappings(file: Path) -> list[tuple[int, int]]:
    """Start and length of each mapping of a file. What was written into a private mapping would be lost, so one that
    has changed pages is left out."""
    found: list[tuple[int, int]] = []
    span, name = (0, 0), str(file.resolve())
    with suppress(OSError), open("/proc/self/smaps") as lines:
        for line in lines:
            first, *rest = line.split(maxsplit=5)
            if "-" in first and not first.endswith(":"):
                start, end = (int(number, 16) for number in first.split("-"))
                span = (start, end - start) if len(rest) == 5 and rest[4].strip() == name else (0, 0)
            elif first == "Private_Dirty:" and span[1] and rest[0] == "0":
                found.append(span)
    return found
