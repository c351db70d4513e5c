"""Ctrl-C as a wish to end that is granted once: what closes after it is not disturbed by a second one."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any


class Interrupts(AbstractContextManager):
    """The first Ctrl-C raises KeyboardInterrupt; a signal to terminate raises SystemExit, so that devices are released.

    Further ones do nothing, to the end of the program. For the main thread.
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._came = False

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and shells do for what runs in the background
                self._before[number] = signal.signal(number, self._end)
        return self

    def ignore(self) -> None:
        """From now on none does anything."""
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def __exit__(self, *raised: object) -> None:
        if not self._came:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self._came = True
        self.ignore()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)
