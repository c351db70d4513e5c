"""The glasses that a scenario is played on. The samples of the microphone are the clock of everything.

In real time a second lasts a second. Else time passes as fast as the loop can hear, and as it really does only while
somebody thinks, so that both give the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from device.glasses import CHUNK, RATE, Button, Camera, Condition, Ended, Frame, Microphone, Speaker
from device.playback import Playback
from sim.benchmark.booth import QUIET, EchoPath, Tempo, room_echo
from sim.scenario.faults import Faults
from sim.scenario.record import Record
from sim.scenario.scenery import Scenery


class Stage:
    """Implements device.glasses.Glasses and Gauge.

    sound: yields what is said next, float32 [CHUNK] at RATE; what it does between two chunks happens between them.
    busy: None plays in real time; else tells whether somebody thinks.
    """

    def __init__(
        self, sound: Iterator[np.ndarray], scenery: Scenery, faults: Faults, busy: Callable[[], bool] | None
    ) -> None:
        self.microphone: Microphone = self
        self.camera: Camera = self
        self.speaker: Speaker = self
        self.button: Button = self
        self.record = Record(lambda: self.now_s)
        self._sound, self._scenery, self._faults = sound, scenery, faults
        self._tempo = Tempo(busy)
        self._playback = Playback(RATE)
        self._echo: EchoPath | None = None
        self._noise: np.ndarray | None = None
        self._random = np.random.default_rng(2)
        self._heard = 0  # samples
        self._pressed = self._over = False

    @property
    def now_s(self) -> float:
        """Seconds of sound since the start."""
        return self._heard / RATE

    def furnish(self, noise: np.ndarray | None, echo: bool) -> None:
        """What is heard all the time from now on: float32 [n], over and over."""
        self._noise = noise
        self._echo = EchoPath(room_echo()) if echo else None

    def press(self) -> None:
        self._pressed = True

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol of a microphone says. What is said while it is gone is lost, and takes its time."""
        chunk = next(self._sound, None)
        if chunk is None:
            self._over = True
            raise Ended
        chunk = chunk + self._random.normal(0, QUIET, CHUNK).astype(np.float32)
        if self._noise is not None:
            chunk += self._noise[(self._heard + np.arange(CHUNK)) % len(self._noise)]
        played = self._playback.take(CHUNK)
        if self._echo is not None:
            chunk += self._echo.heard(played)
        gone = "microphone" in self._faults
        self._tempo.next(wait=not gone)  # the loop waits itself before it asks again
        self._heard += CHUNK
        self._faults.check("microphone")
        return chunk

    def late_s(self) -> float:
        """As the protocol of a microphone says; 0 where the samples are the clock."""
        return self._tempo.late_s()

    def latest(self) -> Frame | None:
        """As the protocol of a camera says, but for a frame's time, which is on the sound's clock."""
        self._faults.check("camera")
        return self._scenery.frame(self.now_s, cut="picture" in self._faults)

    def play(self, samples: np.ndarray, rate: int) -> None:
        """As the protocol of a speaker says."""
        self._faults.check("speaker")
        self.record.played(len(samples), rate)
        self._playback.play(samples, rate)

    def stop(self) -> None:
        """As the protocol of a speaker says."""
        self.record.stopped()
        self._playback.stop()

    def pending_s(self) -> float:
        """As the protocol of a speaker says; when the script is over nobody waits for what is queued."""
        return 0.0 if self._over else self._playback.pending_s()

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """As the protocol of a speaker says."""
        return self._playback.played(count)

    def pressed(self) -> bool:
        """As the protocol of a button says."""
        pressed, self._pressed = self._pressed, False
        return pressed

    def condition(self) -> Condition:
        """As the protocol of a gauge says."""
        return self._faults.condition

    def close(self) -> None:
        self._scenery.close()


def chunks(seconds: float) -> int:
    """How many chunks last at least so long."""
    return int(np.ceil(round(seconds * RATE / CHUNK, 6)))
