"""The terminal's Enter and space keys, as the assistant's button."""

from __future__ import annotations

import atexit
import os
import select
import sys
from contextlib import suppress

_KEYS = frozenset(b"\r\n ")


class Keyboard:
    """Implements device.glasses.Button. Never pressed where standard input is no terminal, or not this program's own.

    The terminal keeps what was typed until it is asked, so that no thread waits for it. From the first call to `close`
    it hands over keys at once and does not show them; Ctrl-C works as ever.
    """

    def __init__(self) -> None:
        self._terminal: _Terminal | None = None
        self._closed = False

    def pressed(self) -> bool:
        """Whether Enter or space was pressed since the last call."""
        if self._closed:
            return False
        if self._terminal is None:
            self._terminal = _Terminal()
        return not _KEYS.isdisjoint(self._terminal.typed())

    def close(self, timeout_s: float = 0.0) -> None:
        """Gives the terminal back as it was. May be called twice."""
        self._closed = True
        if self._terminal is not None:
            self._terminal.restore()


if sys.platform == "win32":

    class _Terminal:
        def typed(self) -> bytes:
            import msvcrt

            keys = b""
            while sys.stdin is not None and sys.stdin.isatty() and msvcrt.kbhit():
                keys += msvcrt.getwch().encode(errors="replace")
            return keys

        def restore(self) -> None:
            pass

else:
    import termios
    import tty

    class _Terminal:
        def __init__(self) -> None:
            self._handle: int | None = None
            # Standard input may be missing, closed, or something else.
            with suppress(AttributeError, OSError, ValueError, termios.error):
                handle = sys.stdin.fileno()
                if _in_front(handle):
                    self._before = termios.tcgetattr(handle)
                    tty.setcbreak(handle, termios.TCSANOW)
                    self._handle = handle
                    atexit.register(self.restore)

        def typed(self) -> bytes:
            keys = b""
            try:
                while (
                    self._handle is not None and _in_front(self._handle) and select.select([self._handle], [], [], 0)[0]
                ):
                    keys += (more := os.read(self._handle, 1024))
                    if not more:
                        self._handle = None
            except (OSError, ValueError):
                self._handle = None
            return keys

        def restore(self) -> None:
            handle, self._handle = self._handle, None
            atexit.unregister(self.restore)
            if handle is not None:
                with suppress(OSError, termios.error):
                    termios.tcsetattr(handle, termios.TCSANOW, self._before)

    def _in_front(handle: int) -> bool:
        """Whether this program may touch the terminal: it would be halted for that in the background."""
        return os.isatty(handle) and os.tcgetpgrp(handle) == os.getpgrp()
