"""Makes this process as slow as another processor: a helper holds it for a part of every few milliseconds.

All threads are slowed alike, native ones too, while clocks, files and sockets go on as on a slow device. It needs
POSIX signals, and a parent that does not take a held process for one that Ctrl-Z has stopped (sim.profile.guard).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_GOVERNOR = Path(__file__).with_name("governor.py")
_CLOSING_S = 3.0
CAN_HOLD = hasattr(signal, "SIGSTOP")


class Slowdown:
    """A context. factor: 1 is full speed; may be set at any time."""

    def __init__(self, factor: float = 1.0) -> None:
        self._factor = max(1.0, factor)
        self._governor: subprocess.Popen | None = None

    @property
    def factor(self) -> float:
        return self._factor

    @factor.setter
    def factor(self, factor: float) -> None:
        factor = max(1.0, factor)
        if factor != self._factor:
            self._factor = factor
            self._tell()

    @property
    def holds(self) -> bool:
        """Whether it is at work: inside the context."""
        return self._governor is not None

    def __enter__(self) -> Slowdown:
        self._governor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GOVERNOR), str(os.getpid())], bufsize=0, stdin=subprocess.PIPE
        )
        self._tell()
        return self

    def __exit__(self, *raised: object) -> None:
        governor, self._governor = self._governor, None
        if governor is None or governor.stdin is None:
            return
        governor.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            governor.wait(_CLOSING_S)
        governor.kill()
        governor.wait()

    def _tell(self) -> None:
        if self._governor is not None and self._governor.stdin is not None:
            with suppress(BrokenPipeError):  # it was ended from outside; full speed from now on
                self._governor.stdin.write(f"{self._factor}\n".encode())
