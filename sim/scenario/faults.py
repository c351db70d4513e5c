"""What can break, and what has: sensors that are gone, a full disk, no network, a slow model, an empty battery.

All of it is real to the loop: a camera that is gone raises what a camera that is gone raises, a full disk is a device
that takes nothing, no network refuses every connection.
"""

from __future__ import annotations

import errno
import functools
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.glasses import Condition, Unplugged
from sim.scenario.script import Fault

_FULL = Path("/dev/full")  # where there is none, the disk is gone instead of full


@dataclass(frozen=True)
class Kind:
    """A fault there is: what happens, and the key it needs."""

    about: str
    needs: str | None = None


FAULTS = {
    "camera": Kind("the camera is gone"),
    "picture": Kind("pictures arrive cut short"),
    "microphone": Kind("the microphone is gone"),
    "speaker": Kind("the speaker is gone"),
    "disk": Kind("the disk with the log of the turns is full"),
    "network": Kind("there is no network"),
    "model": Kind("the model takes so many seconds longer", "seconds"),
    "standstill": Kind("the machine stands still for so many seconds, once", "seconds"),
    "battery": Kind("so much of the battery is left, 0 to 1", "left"),
    "heat": Kind("so many degrees", "celsius"),
}


class Faults:
    """What is broken at the moment. A context: at its end the network is back and the log's folder is gone."""

    def __init__(self) -> None:
        self._broken: dict[str, Fault] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="glint-scenario-")
        self.log = Path(self._folder.name) / "turns.jsonl"
        self._mend_disk()

    def __enter__(self) -> Faults:
        _refuse_connections()
        return self

    def __exit__(self, *raised: object) -> None:
        _network.down = False
        self._folder.cleanup()

    def set(self, fault: Fault) -> None:
        """It begins, or ends where it is `off`."""
        if fault.what == "standstill":
            time.sleep(0 if fault.off else fault.seconds or 0)
        elif fault.what == "network":
            _network.down = not fault.off
        elif fault.what == "disk":
            self._mend_disk() if fault.off else self._break_disk()
        if fault.off:
            self._broken.pop(fault.what, None)
        else:
            self._broken[fault.what] = fault

    def __contains__(self, what: str) -> bool:
        return what in self._broken

    def check(self, what: str) -> None:
        """Raises Unplugged while that is gone."""
        if what in self._broken:
            raise Unplugged(f"The {what} is gone; plug it in again.")

    @property
    def condition(self) -> Condition:
        """What the gauge shows."""
        condition = Condition()
        battery, heat = self._broken.get("battery"), self._broken.get("heat")
        return Condition(
            condition.battery if battery is None or battery.left is None else battery.left,
            condition.celsius if heat is None or heat.celsius is None else heat.celsius,
        )

    @property
    def delay_s(self) -> float:
        """How much longer the model takes."""
        slow = self._broken.get("model")
        return slow.seconds or 0.0 if slow else 0.0

    def _break_disk(self) -> None:
        self._relink(_FULL if _FULL.exists() else self.log.with_name("gone") / "turns.jsonl")

    def _mend_disk(self) -> None:
        self._relink(self.log.with_name("kept.jsonl"))

    def _relink(self, to: Path) -> None:
        self.log.unlink(missing_ok=True)
        os.symlink(to, self.log)


class Slowed:
    """A model that takes `faults.delay_s` longer to begin an answer; else the model that it is given."""

    def __init__(self, model: Any, faults: Faults) -> None:
        self._model, self._faults = model, faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def ask(self, *arguments: Any, **named: Any) -> Iterator[str]:
        """As VisionLanguageModel.ask."""
        time.sleep(self._faults.delay_s)
        yield from self._model.ask(*arguments, **named)


class _Network:
    down = False


_network = _Network()


@functools.cache
def _refuse_connections() -> None:
    """While the network is down. Python asks before it looks up a name or connects, and what is asked stays so."""

    def hook(event: str, arguments: tuple) -> None:
        if not _network.down:
            return
        opens = event in ("socket.connect", "socket.sendto", "socket.sendmsg")
        if event == "socket.getaddrinfo" or (opens and arguments[0].family in (socket.AF_INET, socket.AF_INET6)):
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    sys.addaudithook(hook)
