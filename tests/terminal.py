"""A terminal for tests: runs a program on a pseudo-terminal and keeps what its screen shows."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CODE = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])")


class Screen:
    """Lines of text, as rich's live display writes them; `cursor` is whether it shows. Raises for codes unknown."""

    def __init__(self, columns):
        self.columns, self.lines, self.row, self.column = columns, [""], 0, 0
        self.cursor, self.wrapped = True, 0

    def write(self, text):
        at = 0
        while at < len(text):
            code = _CODE.match(text, at)
            if code:
                self._obey(*code.groups())
                at = code.end()
                continue
            char, at = text[at], at + 1
            if char == "\r":
                self.column = 0
            elif char == "\n":
                self._down()
            else:
                self._put(char)

    def _put(self, char):
        assert char.isprintable(), repr(char)
        if self.column == self.columns:
            self.wrapped += 1
            self.column = 0
            self._down()
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + char + line[self.column + 1 :]
        self.column += 1

    def _down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")

    def _obey(self, private, numbers, letter):
        if private and numbers == "25":
            self.cursor = letter == "h"
        elif letter == "A":
            self.row = max(0, self.row - int(numbers or 1))
        elif letter == "K" and numbers == "2":
            self.lines[self.row] = ""
        else:
            assert letter == "m", f"{private}{numbers}{letter}"


class Terminal:
    """One Python program, by its arguments, in front of a terminal of `columns`."""

    def __init__(self, *arguments, columns=80, environment=None):
        self.screen, self._rest = Screen(columns), b""
        self.process, self._handle = pty.fork()
        if self.process == 0:
            os.chdir(ROOT)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
            os.execve(
                sys.executable,
                [sys.executable, *map(str, arguments)],
                kept | {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)} | (environment or {}),
            )

    def read(self, timeout_s=0.1):
        """Whether the program is still there."""
        if not select.select([self._handle], [], [], timeout_s)[0]:
            return True
        try:
            more = os.read(self._handle, 65536)
        except OSError:
            return False
        # A code or a character that is cut in two is put together first.
        text = (self._rest + more).decode(errors="surrogateescape")
        whole = re.sub(r"(?:\x1b(?:\[[\d;?]*)?|[\udc80-\udcff]+)$", "", text)
        self._rest = text[len(whole) :].encode(errors="surrogateescape")
        self.screen.write(whole)
        return bool(more)

    def until(self, condition, timeout_s=60.0):
        """Reads until `condition(screen)`; raises AssertionError with the screen if that does not come."""
        deadline = time.monotonic() + timeout_s
        while not condition(self.screen):
            there = self.read()
            assert there or condition(self.screen), "\n".join(self.screen.lines)
            assert time.monotonic() < deadline, "\n".join(self.screen.lines)

    def type(self, text):
        os.write(self._handle, text.encode())

    def echoes(self):
        """Whether the terminal shows what is typed, as a shell expects it."""
        return bool(termios.tcgetattr(self._handle)[3] & termios.ECHO)

    def wait(self, timeout_s=30.0):
        """The exit status, once the program has ended."""
        deadline = time.monotonic() + timeout_s
        while True:
            there = self.read(0.02)
            ended, status = os.waitpid(self.process, os.WNOHANG)
            if ended:
                while there and self.read(0.0) and select.select([self._handle], [], [], 0)[0]:
                    pass
                self.process = 0
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, "\n".join(self.screen.lines)

    def close(self):
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self._handle)
