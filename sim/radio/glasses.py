"""A pair of Brilliant Labs Halo glasses that exists in memory: the vendor's emulator behind a Bluetooth service."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from halo_emulator.event_queue import Event
from PIL import Image

from sim.radio.clock import processor
from sim.radio.link import DOWN, UP, Link
from sim.radio.machine import Machine

SERVICE = "7a230001-5475-a6a4-654c-8431f6ad49c4"
WRITE = "7a230002-5475-a6a4-654c-8431f6ad49c4"
NOTIFY = "7a230003-5475-a6a4-654c-8431f6ad49c4"
SPEAK = "7a230005-5475-a6a4-654c-8431f6ad49c4"
BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"
_BOOT_S = 1.5
NO_ROOM = "Insufficient Resources"


class Host(Protocol):
    """The other end of a connection."""

    def notified(self, data: bytes) -> None: ...

    def gone(self) -> None: ...


class EmulatedHalo:
    """What a test does to a pair and reads from it. The files last as long as the object, over resets and reboots.

    picture: uint8 RGB [height, width, 3] before the camera; grey if None. mtu: what the connection will have.
    bonded: whether the host is one that it lets in; else it must be in pairing mode (`pair`).
    """

    def __init__(
        self,
        name: str = "Halo 4F",
        mtu: int = 247,
        firmware: str = "0.8.12",
        picture: np.ndarray | None = None,
        battery: float = 0.85,
        link: Link | None = None,
        bonded: bool = True,
    ) -> None:
        self.name, self.mtu, self.bonded = name, mtu, bonded
        self.address = "4F:00:00:" + ":".join(f"{ord(char):02X}" for char in f"{name:>3}"[-3:])
        self.link = link or Link()
        self._folder = Path(tempfile.mkdtemp(prefix="glint_halo_"))
        if picture is None:
            picture = np.full((48, 64, 3), 128, np.uint8)
        self.machine = Machine(self._folder, picture, self._sounds, firmware)
        self.machine.air = self._send
        self.machine.power_cycle = self.reboot
        self.battery = battery
        self.hidden_until = 0.0
        self.refusals = 0  # connections that will fail
        self.connections = 0
        self.heard_from_host_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._host: Host | None = None
        self._said: list[tuple[float, np.ndarray]] = []
        self._booting = self._pairing = False

    # What the wearer does and gets.

    def press(self, kind: str = "single") -> None:
        """The button: single, double or long."""
        self.machine.event(Event(f"button_{kind}"))

    def tap(self, kind: str = "double") -> None:
        self.machine.event(Event("imu_tap", kind))

    def hear(self, samples: np.ndarray) -> None:
        """float32 16 kHz that the wearer says from now on."""
        self._said.append((self.now(), samples))

    def see(self, picture: np.ndarray) -> None:
        self.machine.camera.picture = picture

    def screen(self) -> Image.Image:
        """256 x 256."""
        return self.machine.get_framebuffer()

    def spoken(self, since: float = 0.0) -> np.ndarray:
        """float32 16 kHz that has left the speaker since then."""
        return self.machine.speaker.heard(since)

    @property
    def texts(self) -> list[tuple[float, str]]:
        """When, and what, was written into the display."""
        return self.machine.display.written

    @property
    def sounds(self) -> list[tuple[float, str]]:
        """Effects that the glasses made by themselves (frame.sound)."""
        return self.machine.sound.made

    @property
    def showing(self) -> list[str]:
        """The texts that are in the display now."""
        display = self.machine.display
        return [text for when, text in display.written if when >= display.cleared_at]

    @property
    def listening(self) -> bool:
        """Whether the microphone is on."""
        return self.machine.microphone.listening

    @property
    def battery(self) -> float:
        return self.machine._system._battery_level / 100

    @battery.setter
    def battery(self, share: float) -> None:
        self.machine.set_battery_level(round(share * 100))

    @property
    def connected(self) -> bool:
        return self._host is not None

    def pair(self) -> None:
        """Held for five seconds: takes the next host that comes. The link that there is goes."""
        self._pairing = True
        self.drop()

    # What goes wrong.

    def drop(self, host_knows_s: float = 0.0) -> None:
        """The link is gone; the host knows after so long, and sends into nothing until then."""
        host, self._host = self._host, None
        if host is None or self._loop is None:
            return
        self.machine.radio._connected = False
        self.machine.unlinked()
        self.link.forget()
        self.later(host_knows_s, host.gone)

    def reboot(self) -> None:
        """Off the air for a second and a half; main.lua starts again."""
        self.drop(0.2)
        self.machine.power_off()
        if not self._booting:
            self._booting = True
            self.later(_BOOT_S, self._boot)

    def hide(self, seconds: float) -> None:
        """No scan finds it for so long. A link that there is stays."""
        self.hidden_until = max(self.hidden_until, self.now() + seconds)

    def deafen(self, seconds: float) -> None:
        """Everything that is sent is lost for so long, and the link seems to be up."""
        self.link.deaf_until = max(self.link.deaf_until, self.now() + seconds)

    def stall(self, seconds: float) -> None:
        """The app stops answering, and cannot be stopped, for so long."""
        self.machine.stall(seconds)

    def crash(self, why: str = "attempt to index a nil value") -> None:
        """The app ends with an error."""
        self.machine.crash(why)

    def spoil_photo(self, how: Callable[[bytes], bytes | None]) -> None:
        """The next photo becomes what `how` makes of its JPEG; fails if that is None."""
        self.machine.camera.spoil.append(how)

    # For the Bluetooth of the host.

    def turn_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """At the first scan: in that loop's time."""
        if self._loop is None:
            self._loop = loop
            self._boot()

    def turn_off(self) -> None:
        self.drop()
        self.machine.power_off()
        self._loop = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def advertises(self) -> bool:
        return self._host is None and not self._booting and self.now() >= self.hidden_until

    def admits(self, pairing: bool) -> bool:
        """Whether it lets a host in that comes to pair, or does not."""
        if self._pairing and pairing:
            self.bonded = True
            self._pairing = False
        return self.bonded

    def accept(self, host: Host) -> bool:
        if not self.advertises():
            return False
        self._host = host
        self.connections += 1
        self.machine.radio._connected = True
        self.machine.radio._max_len = self.mtu - 4
        self.link.forget()
        return True

    def leave(self, host: Host) -> None:
        """The host hangs up."""
        if self._host is host:
            self._host = None
            self.machine.radio._connected = False
            self.machine.unlinked()
            self.link.forget()

    def transmit(self, host: Host, characteristic: str, data: bytes, done: Callable[[str | None], None]) -> float:
        """Sends to the glasses; `done` with what they object once it is there. Returns seconds until it has left."""
        now = self.now()
        arrives = self.link.book(UP, len(data), now)

        def arrived() -> None:
            if self._host is not host:
                return
            objection: list[str] = []

            def give(packet: bytes) -> None:
                refused = self._receive(characteristic, packet) if self._host is host else None
                if refused:
                    objection.append(refused)

            joins = characteristic == WRITE and data[:1] == b"\x01"
            self.link.arrive(UP, data, self.now(), give, self.later, joins)
            done(objection[0] if objection else None)

        self.later(arrives, arrived)
        return self.link.ahead(UP, now)

    def now(self) -> float:
        return self._loop.time() if self._loop is not None else 0.0

    def _boot(self) -> None:
        self._booting = False
        if self._loop is not None and not self._loop.is_closed():
            self.machine.power_on(processor(self._loop))

    def later(self, delay: float, call: Callable[[], None]) -> None:
        """Calls it on the loop in so many seconds, unless the loop is over by then."""
        loop = self._loop
        if loop is None:  # before the first connection it is that of whoever asks, if there is one
            with suppress(RuntimeError):
                loop = asyncio.get_running_loop()
        if loop is not None and not loop.is_closed():
            at = loop.time() + delay
            loop.call_soon_threadsafe(lambda: loop.call_at(at, call))

    def _receive(self, characteristic: str, data: bytes) -> str | None:
        """One write, as ble_lua.c takes it."""
        self.heard_from_host_at = self.now()
        if characteristic == SPEAK:
            return None if self.machine.speaker.feed(data) else NO_ROOM
        if characteristic != WRITE or not data:
            return None
        code = data[0]
        if code == 0x01:
            return None if len(data) == 1 or self.machine.packet(data[1:]) else NO_ROOM
        if code == 0x02:
            self.reboot()
        elif code == 0x03:
            self.machine.interrupt()
        elif code == 0x04:
            self.machine.restart()
        elif code == 0x05:
            (self._folder / "main.lua").unlink(missing_ok=True)
            self.machine.restart()
        elif not self.machine.repl(data):
            return NO_ROOM
        return None

    def _send(self, data: bytes) -> None:
        """On the Lua thread: one notification or, for text, several; waits until the one before has left."""
        for start in range(0, len(data), self.mtu - 3):
            piece = data[start : start + self.mtu - 3]
            self.machine.block(self.link.ahead(DOWN, self.machine.now()))
            host = self._host
            if host is None:
                raise ConnectionError("not connected")
            delay = self.link.book(DOWN, len(piece), self.machine.now())
            self.machine.post(delay, lambda piece=piece, host=host: self._deliver(host, piece))  # type: ignore[misc]

    def _deliver(self, host: Host, piece: bytes) -> None:
        def give(packet: bytes) -> None:
            if self._host is host:
                host.notified(packet)

        if self._host is host:
            self.link.arrive(DOWN, piece, self.now(), give, self.later)

    def _sounds(self, start: float, count: int) -> np.ndarray:
        """What is to be heard there: float32 [count] at 16 kHz, silence where nobody speaks."""
        heard = np.zeros(count, np.float32)
        for when, samples in self._said:
            first = round((when - start) * 16_000)
            left, right = max(0, first), min(count, first + len(samples))
            if left < right:
                heard[left:right] += samples[left - first : right - first]
        return heard


def services(halo: EmulatedHalo) -> dict[str, tuple[str, ...]]:
    """GATT: characteristics by service."""
    return {SERVICE: (WRITE, NOTIFY, SPEAK), BATTERY_SERVICE: (BATTERY,)}


def read(halo: EmulatedHalo, characteristic: str) -> Any:
    return bytearray([round(halo.battery * 100)]) if characteristic == BATTERY else bytearray()
