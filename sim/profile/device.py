"""A device that this process is limited to: what can be had here is limited, the rest is modelled.

Limited: cores, speed, pictures, and the way over a radio. Watched: memory. Modelled: battery and heat, from what the
process really uses; heat acts back on the speed.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from device.glasses import Button, Camera, Condition, Glasses, Microphone, Speaker
from models.errors import GlintError
from sim.profile import cores
from sim.profile.camera import DeviceCamera
from sim.profile.guard import watched
from sim.profile.linpack import measured_gflops
from sim.profile.memory import MemoryWatch
from sim.profile.physics import Physics
from sim.profile.radio import Radio, RadioButton, RadioCamera, RadioMicrophone, RadioSpeaker
from sim.profile.read import Profile
from sim.profile.slowdown import CAN_HOLD, Slowdown

EVERY_S = 0.5  # seconds between two steps of battery and heat
_AS_FAST = 0.95  # a ratio below which the device is faster than this machine
_LEAST_CHANGE = 0.02  # of the speed, below which the slowdown is left as it is


@dataclass(frozen=True)
class Calibration:
    """cores: numbers of those that are used here; gflops: of all of these, None where it does not matter.

    ratio: how much faster they are than all of the device's; below 1 they are slower.
    """

    cores: tuple[int, ...]
    gflops: float | None = None
    ratio: float = 1.0


class Device:
    """Made by `applied`. Implements device.glasses.Gauge.

    threads: for each model. radio: None where there is none. battery (0..1) and celsius (of the chip, or of the skin
    where the profile says so) may be set, and go on from there. notes: sentences on what is not as on the device.
    """

    def __init__(self, profile: Profile, calibration: Calibration, slowdown: Slowdown, memory: MemoryWatch) -> None:
        self.profile, self.calibration, self.memory = profile, calibration, memory
        self.threads = len(calibration.cores)
        self.radio = Radio(profile.radio) if profile.radio else None
        self.notes: list[str] = []
        self._slowdown = slowdown
        self._physics = Physics(profile)
        self._cameras: list[DeviceCamera] = []
        self._lock = threading.Lock()
        self._began_at = self._stepped_at = time.monotonic()
        self._began_cpu_s = self._stepped_cpu_s = time.process_time()
        self._looks, self._busy_s = 0, 0.0

    @property
    def battery(self) -> float:
        return self._physics.battery

    @battery.setter
    def battery(self, battery: float) -> None:
        with self._lock:
            self._physics.battery = min(1.0, max(0.0, battery))

    @property
    def celsius(self) -> float:
        return self._physics.celsius

    @celsius.setter
    def celsius(self, celsius: float) -> None:
        with self._lock:
            self._physics.celsius = celsius
        self._throttle()

    @property
    def throttled(self) -> bool:
        """Whether heat slows it down."""
        return self._physics.speed < 1

    @property
    def slowdown(self) -> float:
        """How much slower than at full speed this process runs now; 1 where it is not slowed."""
        return self._slowdown.factor if self._slowdown.holds else 1.0

    def condition(self) -> Condition:
        """As the protocol says: battery, and what touches the skin."""
        return Condition(self._physics.battery, self._physics.skin_celsius)

    def glasses(self, worn: Glasses) -> Glasses:
        """`worn` as this device would have it: its pictures, and the radio between it and the host if there is one."""
        eye = DeviceCamera(worn.camera, self.profile.camera)
        self._cameras.append(eye)
        if self.radio is None:
            return Worn(worn.microphone, eye, worn.speaker, worn.button, worn)
        return Worn(
            RadioMicrophone(worn.microphone, self.radio),
            RadioCamera(eye, self.radio),
            RadioSpeaker(worn.speaker, self.radio),
            RadioButton(worn.button, self.radio),
            worn,
        )

    def step(self) -> None:
        """Battery and heat take in what has been used since the last time."""
        with self._lock:
            now, cpu_s = time.monotonic(), time.process_time()
            seconds = now - self._stepped_at
            if seconds <= 0:
                return
            # What took one second here would have taken `ratio` seconds of all of the device's cores.
            cpu = (cpu_s - self._stepped_cpu_s) * self.calibration.ratio / self.threads / seconds
            looks = sum(camera.looks for camera in self._cameras)
            busy_s = self.radio.busy_s if self.radio else 0.0
            self._physics.step(seconds, cpu, float(looks > self._looks), (busy_s - self._busy_s) / seconds)
            self._stepped_at, self._stepped_cpu_s, self._looks, self._busy_s = now, cpu_s, looks, busy_s
        self._throttle()

    def _throttle(self) -> None:
        if not self._slowdown.holds:
            return
        factor = self.calibration.ratio / self._physics.speed
        if abs(factor / self._slowdown.factor - 1) > _LEAST_CHANGE:
            self._slowdown.factor = factor

    def report(self) -> dict[str, Any]:
        """name, title; measured, modelled: figures by plain names; notes: sentences."""
        self.step()
        profile, physics, calibration, memory = self.profile, self._physics, self.calibration, self.memory
        processor, radio = profile.processor, self.radio
        measured: dict[str, Any] = {
            "seconds": round(time.monotonic() - self._began_at, 1),
            "cpu_seconds": round(time.process_time() - self._began_cpu_s, 2),
            "cores_used": len(calibration.cores),
            "peak_anonymous_mb": round(memory.peak_mb, 1),
            "file_mb_at_peak": round(memory.file_mb, 1),
            "pictures": sum(camera.pictures for camera in self._cameras),
        }
        modelled: dict[str, Any] = {"slowdown": round(self.slowdown, 2)}
        if processor is not None and calibration.gflops is not None:
            measured["linpack_gflops_here"] = round(calibration.gflops, 1)
            modelled["linpack_gflops_device"] = processor.linpack_gflops
            modelled["cores_device"] = processor.cores
        if memory.ceiling_mb is not None:
            modelled["free_memory_mb"] = memory.ceiling_mb
            modelled["killed_after_s"] = None if memory.full_after_s is None else round(memory.full_after_s, 1)
        if radio is not None:
            modelled |= {"radio_bytes_up": radio.up, "radio_bytes_down": radio.down}
            modelled["radio_sound_late_ms"] = round(1e3 * radio.delay_s)
        modelled |= {
            "battery": round(physics.battery, 4),
            "mean_w": round(physics.mean_w, 3),
            "battery_hours": round(physics.hours, 2),
            "celsius": round(physics.celsius, 1),
            "celsius_hottest": round(physics.hottest, 1),
            "celsius_after_hours": round(physics.settled_at_mean(), 1),
            "skin_celsius": round(physics.skin_celsius, 1),
            "throttled": self.throttled,
        }
        notes = [*self.notes, *([self.killed] if self.killed else [])]
        return {
            "name": profile.name,
            "title": profile.title,
            "measured": measured,
            "modelled": modelled,
            "notes": notes,
        }

    @property
    def killed(self) -> str | None:
        """A sentence where the device would have ended this process for want of memory."""
        memory = self.memory
        if memory.full_after_s is None or memory.ceiling_mb is None:
            return None
        return (
            f"{self.profile.title} has {memory.ceiling_mb:.0f} MB for an application and would have killed this one "
            f"after {memory.full_after_s:.1f} s; it needed {memory.peak_mb:.0f} MB that no file backs."
        )


@dataclass
class Worn:
    """Implements device.glasses.Glasses. `within`: the glasses that these are made of."""

    microphone: Microphone
    camera: Camera
    speaker: Speaker
    button: Button
    within: Glasses

    def close(self) -> None:
        self.within.close()


@contextmanager
def applied(profile: Profile, enforce: bool = False, slow: bool = True) -> Iterator[Device]:
    """This process is limited to the device inside, and as before afterwards.

    enforce: a process that needs more memory than there is is interrupted as by Ctrl-C, and GlintError says so at the
    end; else the report says it. slow: False leaves the speed as it is. Models are loaded inside, with device.threads.
    """
    here = cores.usable()
    used = tuple(here[: profile.processor.cores] if profile.processor else here)
    notes = _shortcomings(profile, used, slow)
    calibration = Calibration(used)
    if profile.processor is not None:
        gflops = measured_gflops() * len(used)
        calibration = Calibration(used, gflops, gflops / profile.processor.linpack_gflops)
        if calibration.ratio < _AS_FAST:
            notes.append(
                f"{profile.title} is {1 / calibration.ratio:.1f} times as fast as this machine; that is not modelled, "
                "times are this machine's."
            )
    slow = slow and profile.processor is not None and CAN_HOLD and not watched()

    def full() -> None:
        if enforce:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # wakes it, whatever it waits for

    memory = MemoryWatch(profile.memory.free_mb if profile.memory else None, full)
    slowdown = Slowdown(calibration.ratio)
    with ExitStack() as stack:
        if slow:
            stack.enter_context(slowdown)  # before the cores are chosen: it must not share them
        if not stack.enter_context(cores.only(list(used))):
            notes.append("This system does not let a process choose its cores; it uses all of them.")
        device = Device(profile, calibration, slowdown, memory)
        device.notes += notes
        stack.enter_context(memory)
        stack.enter_context(_stepping(device))
        try:
            yield device
        except KeyboardInterrupt:
            if not (enforce and device.killed):
                raise
        if enforce and device.killed:
            raise GlintError(device.killed)


@contextmanager
def _stepping(device: Device) -> Iterator[None]:
    over = threading.Event()

    def step() -> None:
        while not over.wait(EVERY_S):
            device.step()

    thread = threading.Thread(target=step, name="battery and heat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _shortcomings(profile: Profile, used: tuple[int, ...], slow: bool) -> list[str]:
    processor = profile.processor
    if processor is None:
        return ["The assistant runs on this machine as its host: speed and memory are this machine's."]
    notes = []
    if len(used) < processor.cores:
        notes.append(
            f"{profile.title} has {processor.cores} cores and this machine {len(used)}; all of its speed is compared "
            "with all of this one's, so work that uses few cores comes out too fast."
        )
    if not slow:
        notes.append("The speed is this machine's, as asked for.")
    elif not CAN_HOLD:
        notes.append("This system cannot hold a process, so the speed is this machine's.")
    elif watched():
        notes.append("The speed is this machine's: the shell would take a held process for one that Ctrl-Z stopped.")
    return notes
