"""The live loop on the page's glasses, and what it tells the page.

Within a device profile the glasses are what that device would make of them, and battery and heat are its own.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from device.cli.timeline import AHEAD, spans
from device.face import Face
from device.glasses import RATE, Condition
from device.hearing.ears import Ears
from device.live import Live
from device.thinking.mind import Mind
from device.turn import Turn
from models.audio import Sound
from sim.page.glasses import PageGlasses
from sim.profile.device import Device

TYPED_PEAK = 0.4
GAUGES_EVERY_S = 1.0


class Worn:
    """The loop runs in a thread of its own from entering to leaving. device: what this process is limited to, if so."""

    def __init__(self, glasses: PageGlasses, mind: Mind, ears: Ears, device: Device | None = None) -> None:
        self._glasses, self._mind, self._device = glasses, mind, device
        self._gauge = _DeviceGauge(device) if device else _Sliders()
        self._face = Face(glasses, glasses)
        self._state = "asleep"
        fitted = device.glasses(glasses) if device else glasses
        self._live = Live(fitted, mind, ears, on_event=self._event, on_turn=self._turn, gauge=self._gauge)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._live.run, name="live", daemon=True)]
        if device:
            self._threads.append(threading.Thread(target=self._tell_gauges, name="gauges", daemon=True))

    def __enter__(self) -> Worn:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._live.close()
        for thread in self._threads:
            thread.join(2.0)
        self._glasses.close()

    def greet(self) -> dict[str, Any]:
        """For a page that has just been put on."""
        about = f"Limited to a {self._device.profile.title}." if self._device else ""
        return {"state": self._state, "about": about, **self._gauges()}

    def put(self, condition: Condition) -> None:
        """Where the page's sliders are."""
        self._gauge.put(condition)

    def speak(self, text: str) -> np.ndarray:
        """float32 [n] at RATE: how a question that is typed sounds, in the assistant's own voice."""
        voice = self._mind.voice
        pieces = [
            piece / 32768 if piece.dtype == np.int16 else piece for piece in self._mind.alone.pieces(voice.speak(text))
        ]
        said = Sound(np.concatenate(pieces).astype(np.float32), voice.rate).resampled(RATE).samples
        return np.asarray(said * TYPED_PEAK / max(1e-6, np.abs(said).max()), np.float32)

    def _event(self, kind: str, text: str) -> None:
        if kind == "state":
            self._state = text
        self._glasses.tell(kind, text=text)
        self._face.event(kind, text)

    def _turn(self, turn: Turn) -> None:
        self._face.turn(turn)
        ahead = {name: turn.timings_ms[key] for key, name in AHEAD.items() if key in turn.timings_ms}
        placed = [{"name": span.name, "start": span.start_ms, "end": span.end_ms} for span in spans(turn.timings_ms)]
        self._glasses.tell(
            "turn", turn=turn.as_dict(), frame=self._glasses.eye.number(turn.frame), spans=placed, ahead=ahead
        )

    def _gauges(self) -> dict[str, Any]:
        condition = self._gauge.condition()
        return {"battery": condition.battery, "celsius": condition.celsius}

    def _tell_gauges(self) -> None:
        while not self._over.wait(GAUGES_EVERY_S):
            self._glasses.tell("gauges", **self._gauges())


class _Sliders:
    """Battery and temperature as they were put. Implements device.glasses.Gauge."""

    def __init__(self) -> None:
        self._condition = Condition()

    def condition(self) -> Condition:
        """As the protocol says."""
        return self._condition

    def put(self, condition: Condition) -> None:
        self._condition = condition


class _DeviceGauge:
    """Those of a device, which go on from where they were put. Implements device.glasses.Gauge."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def condition(self) -> Condition:
        """As the protocol says."""
        return self._device.condition()

    def put(self, condition: Condition) -> None:
        heat = self._device.profile.heat  # the slider is what touches the skin
        self._device.battery = condition.battery
        self._device.celsius = heat.ambient_c + (condition.celsius - heat.ambient_c) / heat.skin_share
