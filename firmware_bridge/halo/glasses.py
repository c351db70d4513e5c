"""Halo as a pair of glasses: the driver's parts, and the thread that its event loop runs on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

from device.cards.card import Card
from device.glasses import Camera, Condition, Frame, Light, Microphone, Speaker
from firmware_bridge.halo.driver import Driver
from firmware_bridge.halo.session import State, Timings
from models.errors import GlintError


class HaloGlasses:
    """Implements device.glasses.Glasses, Button, Display, Led and Gauge. The thread starts at the first use."""

    def __init__(
        self,
        name: str | None,
        on_note: Callable[[str], None],
        on_state: Callable[[State], None],
        timings: Timings,
    ) -> None:
        self.driver = Driver(name, timings, on_note=on_note, on_state=on_state)
        self.microphone: Microphone = _Microphone(self)
        self.camera: Camera = _Camera(self)
        self.speaker: Speaker = self.driver.mouth
        self.button = self
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def start(self) -> None:
        """Begins to look for the glasses, unless that has begun. Raises GlintError after `close`."""
        with self._lock:
            if self._closed:
                raise GlintError("The glasses have been closed; open them again.")
            if self._thread is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._work, args=(self._loop,), name="glint halo", daemon=True)
                self._thread.start()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_until_complete(self.driver.run())
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    def pressed(self) -> bool:
        """As the protocol of a button says."""
        return self.driver.pressed()

    def show(self, cards: Sequence[Card], picture: np.ndarray | None = None) -> None:
        """As the protocol of a display says."""
        self.driver.screen.show(cards, picture)

    def light(self, light: Light) -> None:
        """As the protocol of a light says."""
        self.driver.screen.light(light)

    def condition(self) -> Condition:
        """As the protocol of a gauge says."""
        return self.driver.condition()

    def close(self) -> None:
        """Ends our app on the glasses and drops the link; waits for it a few seconds at most. May be called twice."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        with suppress(RuntimeError):  # it has ended
            loop.call_soon_threadsafe(self.driver.stop)
        thread.join(self.driver.session.timings.closing + 1.0)


class _Microphone:
    """Implements device.glasses.Microphone."""

    def __init__(self, glasses: HaloGlasses) -> None:
        self._glasses, self._ear = glasses, glasses.driver.ear

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol says."""
        self._glasses.start()
        return self._ear.read(timeout_s)

    def late_s(self) -> float:
        """As the protocol says."""
        return self._ear.late_s()


class _Camera:
    """Implements device.glasses.Camera."""

    def __init__(self, glasses: HaloGlasses) -> None:
        self._glasses, self._eye = glasses, glasses.driver.eye

    def latest(self) -> Frame | None:
        """As the protocol says."""
        self._glasses.start()
        return self._eye.latest()
