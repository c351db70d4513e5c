"""Tells systemd that the loop is alive (sd_notify), and is silent where systemd does not ask.

The loop reads the microphone some thirty times a second, whatever it is doing, so that is what is watched: a loop that
hangs reads no more, and after WatchdogSec systemd starts the service anew.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TypeVar

import numpy as np

from device.glasses import Glasses, Microphone
from models.errors import GlintError

Worn = TypeVar("Worn", bound=Glasses)


def watched(glasses: Worn) -> Worn:
    """The same glasses; where systemd waits for word (NOTIFY_SOCKET), their microphone tells it of every read.

    Raises GlintError for glasses whose microphone cannot be put behind another.
    """
    address = os.environ.pop("NOTIFY_SOCKET", "")  # for this process alone, not for those it starts
    if not address:
        return glasses
    period = float(os.environ.get("WATCHDOG_USEC") or 60e6) / 1e6
    try:
        glasses.microphone = WatchedMicrophone(glasses.microphone, address, period / 4)
    except AttributeError:
        raise GlintError(f"{type(glasses).__name__} cannot be watched: its microphone cannot be replaced.") from None
    return glasses


class WatchedMicrophone:
    """Implements device.glasses.Microphone around another one. every: seconds between two words to systemd."""

    def __init__(self, microphone: Microphone, address: str, every: float) -> None:
        self._microphone, self._every = microphone, every
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._told: float | None = None

    def read(self, timeout_s: float) -> np.ndarray | None:
        now = time.monotonic()
        if self._told is None or now - self._told >= self._every:
            self._tell("READY=1" if self._told is None else "WATCHDOG=1")
            self._told = now
        return self._microphone.read(timeout_s)

    def late_s(self) -> float:
        return self._microphone.late_s()

    def _tell(self, what: str) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto(what.encode(), self._address)
