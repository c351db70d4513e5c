"""Keeps the shell away from a process that is slowed down by being held.

An interactive shell takes every stop of a job of its own for Ctrl-Z, says so, and takes the terminal back. It watches
its own children only: so the command runs once more as a child of itself, which the shell does not see.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def watched() -> bool:
    """Whether the parent put this process into a group of its own, as shells do with jobs that they watch."""
    try:
        return os.getpgid(os.getppid()) != os.getpgrp()
    except (AttributeError, OSError):
        return False


def guard() -> None:
    """First thing in a command that will slow itself down: where the parent watches, does not come back.

    The same command then runs as a child, and its exit status becomes this one's. Ctrl-C reaches the child by itself.
    """
    if not watched():
        return
    child = subprocess.Popen([sys.executable, *sys.orig_argv[1:]])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # after the child has begun, which would inherit it
    signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
    code = child.wait()
    sys.stdout.flush()
    os._exit(128 - code if code < 0 else code)
