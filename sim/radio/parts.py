"""What the vendor's emulator gives to Lua, where its own would tell this machine's time or forget what was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from halo_emulator.display import DisplayBuffer
from halo_emulator.stubs.bluetooth import BluetoothStub
from halo_emulator.stubs.sound import SoundStub
from halo_emulator.stubs.system import SystemStub
from halo_emulator.stubs.time_stubs import TimeStub

if TYPE_CHECKING:
    from sim.radio.machine import Machine

CALL_S = 20e-6  # what a call into the firmware takes at least
IDLE_S = 60.0


class System(SystemStub):
    def __init__(self, machine: Machine) -> None:
        super().__init__(machine._event_queue, machine._dispatch_event, machine._stop_event)
        self._machine = machine

    def _poll(self, seconds: float) -> None:
        self._machine.sleep(seconds)

    def _wait_for_wake(self, seconds: float | None) -> str:
        self._machine.sleep(IDLE_S if seconds is None else seconds)
        return "timeout"

    def yield_(self) -> None:
        self._machine.spend(CALL_S)
        self._machine.attend()

    def reboot(self) -> None:
        self._machine.post(0.0, self._machine.power_cycle)
        self._machine.block(1.0)


class Radio(BluetoothStub):
    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine
        self._connected = False

    def is_connected(self) -> bool:
        self._machine.spend(CALL_S)
        return self._connected

    def send(self, data: object) -> None:
        raw = bytes(data) if isinstance(data, (bytes, bytearray)) else str(data).encode("latin-1")
        if not self._connected:
            self._machine.spend(CALL_S)
            raise ConnectionError("not connected")
        for start in range(0, len(raw), self._max_len):
            self._machine.air(b"\x01" + raw[start : start + self._max_len])


class Time(TimeStub):
    """utc() starts at some time of day, not at that of this machine: a run can be repeated."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(None)
        self._machine = machine
        self._offset = 1_790_000_000.0

    def utc(self, timestamp: float | None = None) -> float:
        self._machine.spend(CALL_S)
        if timestamp is not None:
            if float(timestamp) < 0:
                raise ValueError("timestamp must be non-negative")
            self._offset = float(timestamp) - self._machine.now()
            return float(timestamp)
        return self._offset + self._machine.now()


class Sound(SoundStub):
    """Effects that the glasses make by themselves; `made`: [(when, name)]."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine._stop_event)
        self._machine = machine
        self.made: list[tuple[float, str]] = []

    def _start(self, name: str, opts: Any) -> tuple[None, str, int] | None:
        refused = super()._start(name, opts)
        if refused is None:
            self._playing_until = self._machine.now() + self._read_options(opts)[1] / 1000
            self.made.append((self._machine.now(), str(name)))
        return refused

    def play(self, name: str, opts: Any = None) -> object:
        refused = self._start(name, opts)
        if refused is not None:
            return refused
        self._machine.sleep(self._playing_until - self._machine.now())
        return True

    def is_playing(self) -> bool:
        return self._machine.now() < self._playing_until


class Display(DisplayBuffer):
    """Keeps what was drawn. `written`: [(when, text)]; `drawn`: when bitmaps came; `cleared_at`: the last time.

    paints: else no pixels are set, which takes most of the time of a life in which nobody looks at them.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self.written: list[tuple[float, str]] = []
        self.drawn: list[float] = []
        self.cleared_at = 0.0
        self.paints = True

    def text(self, txt: str, x: int, y: int, color: int = 0xFFFFFF) -> None:
        self.written.append((self._now(), str(txt)))
        if self.paints:
            super().text(txt, x, y, color)

    def bitmap(self, *args: Any, **options: Any) -> None:
        self.drawn.append(self._now())
        if self.paints:
            super().bitmap(*args, **options)

    def clear(self, color: int = 0) -> None:
        self.cleared_at = self._now()
        super().clear(color)
