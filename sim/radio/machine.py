"""The Lua side of emulated glasses: the vendor's emulator, run as the firmware runs Lua.

The emulator runs one script on a thread and polls. Here it gets what the firmware has besides (lua_runtime.c): a REPL
fed over the air, break, reset and reboot, files that survive both, events that arrive between two instructions, errors
that are Lua strings; and time that is the event loop's. Everything under `frame.` is the emulator's, but the camera,
which it lacks, and microphone and speaker, which have no sound there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from halo_emulator import HaloEmulator
from halo_emulator.event_queue import Event

from sim.radio.clock import Processor
from sim.radio.ears_and_mouth import Microphone, Speaker
from sim.radio.eye import Camera
from sim.radio.parts import CALL_S, IDLE_S, Display, Radio, Sound, System, Time

T = TypeVar("T")
KEEPS_BOUNDARIES = (0, 8, 9)  # from this firmware on the receive ring knows where a packet ends
_REPL_RING = 1_024  # bytes
_HOOK_EVERY = 1_000  # instructions
_HOOK_S = 0.25e-3  # what so many take on the glasses, roughly
_MOST_DEBT_S = 1e-3

_PREPARE = """
local tick, flagged, every = _tick, _flagged, _every
_tick, _flagged, _every = nil, nil, nil
local sethook, pcall, tostring, error, type = debug.sethook, pcall, tostring, error, type
local pack, unpack = table.pack, table.unpack
local hook
hook = function()
    local why = tick()
    if why then sethook(hook, '', 1) error(why, 0) end
end
local function guard(call)
    return function(...)
        local got = pack(pcall(call, ...))
        if got[1] then return unpack(got, 2, got.n) end
        if flagged() then sethook(hook, '', 1) end
        error(tostring(got[2]), 0)
    end
end
for name, part in pairs(frame) do
    if type(part) == 'table' then
        for inner, call in pairs(part) do
            if type(call) == 'userdata' then part[inner] = guard(call) end
        end
    elseif type(part) == 'userdata' then
        frame[name] = guard(part)
    end
end
halo = frame
return function() sethook(hook, '', every) end
"""


class Interrupted(Exception):
    """A break, a reset, a crash or the end. Comes again at every instruction until the code has been left."""


class Machine(HaloEmulator):
    """One pair's processor. `air` is set by whoever connects it: send(bytes) -> None, blocks, raises if it cannot."""

    def __init__(
        self, files: Path, picture: np.ndarray, sounds: Callable[[float, int], np.ndarray], firmware: str
    ) -> None:
        super().__init__(files, print_handler=self._print)
        self.files, self.firmware = files, firmware
        self.version = tuple(int(part) for part in firmware.split("-")[0].split(".")[:3])
        self.air: Callable[[bytes], None] = lambda data: None
        self.errors: list[str] = []  # of callbacks, which the firmware does not tell
        self.power_cycle: Callable[[], None] = lambda: None  # frame.reboot()
        self.display = self._display = Display(self.now)
        self.camera = Camera(self.now, picture)
        self.microphone = self._microphone = Microphone(self.now, sounds)
        self.speaker = self._speaker = Speaker(self.now)
        self.sound = self._sound = Sound(self)
        self.radio = self._bluetooth = Radio(self)
        self._time = Time(self)
        self._system = System(self)
        self._processor: Processor | None = None
        self._repl: deque[bytes] = deque()
        self._packets: deque[bytes] = deque()
        self._presses: deque[Event] = deque()
        self._off = self._restart = self._break = False
        self._debt = 0.0
        self.stalled_until = 0.0
        self._crash = ""
        self._arm: Any = None

    # From the loop's thread: what happens to it.

    def power_on(self, processor: Processor) -> None:
        self._off, self.stalled_until, self._crash = False, 0.0, ""
        self._processor = processor
        processor.start(self._live)

    def power_off(self) -> None:
        """Waits until no code runs any more."""
        if self._processor is not None:
            self._off = True
            self._processor.wake()
            self._processor.join()
            self._silence()
            self._processor = None

    def interrupt(self) -> None:
        self._forget()
        self.radio._receive_cb = None
        self._break = True
        self._wake()

    def restart(self) -> None:
        self._forget()
        self._restart = True
        self._wake()

    def stall(self, seconds: float) -> None:
        """Its code does nothing from now on, not even end when it is told to."""
        self.stalled_until = self.now() + seconds

    def crash(self, why: str) -> None:
        """The code that runs ends with an error that no pcall stops."""
        self._crash = why
        self._wake()

    def repl(self, line: bytes) -> bool:
        """False if there is no room."""
        if sum(len(each) + 1 for each in self._repl) + len(line) + 1 > _REPL_RING:
            return False
        self._repl.append(line)
        self._wake()
        return True

    def packet(self, data: bytes) -> bool:
        """False if there is no room."""
        if sum(len(each) + 2 for each in self._packets) + len(data) + 2 > self.radio._receive_buffer_size:
            return False
        self._packets.append(data)
        self._wake()
        return True

    def event(self, event: Event) -> None:
        self._presses.append(event)
        self._wake()

    def unlinked(self) -> None:
        """The link is gone: the firmware forgets what is queued and stops the microphone; the app goes on."""
        self._forget()
        self.speaker.flush()
        self.microphone.stop()

    def takes_clicks(self) -> bool:
        """Whether an app runs that wants to know of the button."""
        return self._button._single_cb is not None

    def now(self) -> float:
        return self._processor.now() if self._processor is not None else 0.0

    def _wake(self) -> None:
        if self._processor is not None:
            self._processor.wake()

    def _forget(self) -> None:
        self._repl.clear()
        self._packets.clear()

    # On its own thread.

    def _live(self) -> None:
        while not self._off:
            self._restart = self._break = False
            self._start_anew()
            if (self.files / "main.lua").exists():
                self._execute(b"require('main')")
            while not (self._off or self._restart):
                self._break, self._crash = False, ""
                line = _first(self._repl)
                if line is None:
                    self._idle()
                else:
                    self._execute(line)

    def _start_anew(self) -> None:
        self._silence()
        self._presses.clear()
        for part in ("single", "double", "long"):
            getattr(self._button, part)(None)
        self._imu.tap_callback(None)
        self.radio._receive_cb = None
        self.radio._receive_buffer_size = 4096
        self.display.clear()
        self._build_runtime()

    def _silence(self) -> None:
        self.microphone.stop()
        self.speaker.stop()
        self.camera.reset()

    def _build_runtime(self) -> None:
        super()._build_runtime()
        lua = self._lua
        assert lua is not None
        frame = lua.globals().frame
        frame.HARDWARE_VERSION, frame.FIRMWARE_VERSION = "Halo", self.firmware
        camera = lua.table()
        for name in ("capture", "image_ready", "read", "power_save"):
            camera[name] = getattr(self.camera, name)
        frame.camera = camera
        if self.version < KEEPS_BOUNDARIES:
            frame.bluetooth.receive_buffer_size = None
            frame.bluetooth.connection_interval = None
        globals_ = lua.globals()
        globals_._tick, globals_._flagged, globals_._every = self._tick, self._flagged, _HOOK_EVERY
        self._arm = lua.execute(_PREPARE)

    def _execute(self, code: bytes) -> None:
        assert self._lua is not None
        self._arm()
        try:
            self._lua.execute(code)
        except Exception as error:  # Lua's errors, and Python's of what it called
            if self._break:
                self._silence()
            if not (self._off or self._restart):
                self._tell(str(error).split("\nstack traceback")[0])

    def _idle(self) -> None:
        """The REPL waits; callbacks are called all the same."""
        assert self._processor is not None
        self._processor.sleep(IDLE_S)
        self._hold()
        if not self._flagged():
            with suppress(Interrupted):
                self._dispatch()

    def _flagged(self) -> bool:
        return bool(self._off or self._restart or self._break or self._crash)

    def attend(self) -> None:
        """What the firmware does between two instructions."""
        self._hold()
        if self._flagged():
            raise Interrupted(self._crash or "interrupted")
        self._dispatch()

    def sleep(self, seconds: float) -> None:
        """frame.sleep: events are seen meanwhile."""
        assert self._processor is not None
        self._debt = 0.0
        until = self.now() + seconds
        while True:
            self.attend()
            left = until - self.now()
            if left <= 0:
                return
            self._processor.sleep(left)

    def spend(self, seconds: float) -> None:
        """Time that the code takes, so that code that waits by asking again and again sees the time go by."""
        self._debt += seconds
        if self._debt >= _MOST_DEBT_S:
            self.block(self._debt)
            self._debt = 0.0

    def block(self, seconds: float) -> None:
        """Nothing is seen meanwhile."""
        if seconds > 0 and self._processor is not None:
            self._processor.sleep(seconds, wakes=False)

    def post(self, delay: float, call: Callable[[], None]) -> None:
        assert self._processor is not None
        self._processor.post(delay, call)

    def _hold(self) -> None:
        while self.stalled_until > self.now() and not self._off:
            self.block(self.stalled_until - self.now())

    def _tick(self) -> str | None:
        self.spend(_HOOK_S)
        try:
            self.attend()
        except Exception as error:
            return str(error)
        return None

    def _dispatch(self) -> None:
        while (data := _first(self._packets)) is not None:
            if self.version < KEEPS_BOUNDARIES:
                while (more := _first(self._packets)) is not None:
                    data += more
            self._call(lambda data=data: self.radio.dispatch(data))  # type: ignore[misc]
        while (event := _first(self._presses)) is not None:
            self._call(lambda event=event: self._dispatch_event(event))  # type: ignore[misc]

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:
            if self._flagged():
                raise Interrupted("interrupted") from None
            self.errors.append(str(error))

    def _print(self, text: str) -> None:
        self._tell(text)

    def _tell(self, text: str) -> None:
        self.spend(CALL_S)
        if text:
            try:
                self.air(text.encode("latin-1", "replace"))
            except ConnectionError:
                self.block(0.01)


def _first(queue: deque[T]) -> T | None:
    """The other thread may empty it at any time."""
    try:
        return queue.popleft()
    except IndexError:
        return None
