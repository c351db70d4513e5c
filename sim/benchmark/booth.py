"""Glasses in a quiet booth: a script plays the microphone, one photo the camera, and the speaker can come back as echo.

The samples of the microphone are the clock of the speaker too, so that what was played is known to the sample. What a
real room adds, a loudspeaker that distorts and clocks that drift apart, is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from device.glasses import CHUNK, RATE, Button, Camera, Ended, Frame, Microphone, Speaker
from device.playback import Playback

QUIET = 3e-4  # level of the booth itself
EARCON_S = 0.2  # no earcon is longer and no clause as short
ECHO_DB, ECHO_DELAY_S, ECHO_TAIL_S = -12.0, 0.040, 0.080
_TAIL_DECAY_S, _TAIL_DB = 0.02, -6.0  # the room's answer, beside the direct sound


@dataclass(frozen=True)
class Play:
    """Sound handed to the speaker: when (seconds since the start), how long, and how much silence it begins with."""

    at_s: float
    seconds: float
    lead_s: float


@dataclass(frozen=True)
class Stop:
    """Sound cut off: after how many seconds of sound heard, and how long after the last of them had been."""

    heard_s: float
    late_s: float


class Tempo:
    """How fast time passes. busy: None for real time; else in real time while it returns True, else at once."""

    def __init__(self, busy: Callable[[], bool] | None) -> None:
        self._busy = busy
        self.started: float | None = None  # on time.monotonic's clock, when the first chunk begins
        self._due = 0.0

    def next(self, wait: bool = True) -> None:
        """One chunk passes: comes back when it is over."""
        now = time.monotonic()
        if self.started is None:
            self.started = self._due = now
        if self._busy is None:
            self._due += CHUNK / RATE
        elif self._busy():
            self._due = max(now, self._due + CHUNK / RATE)
        else:
            self._due = now
        if wait:
            time.sleep(max(0.0, self._due - now))

    def late_s(self) -> float:
        """Seconds since the last chunk was over, in real time; else 0: the samples are the clock."""
        return max(0.0, time.monotonic() - self._due) if self._busy is None and self.started is not None else 0.0


class EchoPath:
    """From speaker to microphone. response: float32 [n] at RATE, its impulse response."""

    def __init__(self, response: np.ndarray) -> None:
        self._response = response
        self._leaving = np.zeros(CHUNK + len(response), np.float32)

    def heard(self, block: np.ndarray) -> np.ndarray:
        """What comes back while the next block, float32 [CHUNK], leaves the speaker: float32 [CHUNK]."""
        self._leaving = np.concatenate([self._leaving[CHUNK:], block])
        if not self._leaving.any():
            return np.zeros(CHUNK, np.float32)
        return np.convolve(self._leaving[1:], self._response, "valid").astype(np.float32)


class Booth:
    """script: gets the booth and yields what is to be heard next, float32 [n] at RATE each, as long as it likes.

    echo: impulse response from speaker to microphone, None for a booth in which nothing comes back. busy: None plays
    in real time; else time passes as fast as the chunks are taken while it returns False, and in real time while True.
    """

    def __init__(
        self,
        script: Callable[[Booth], Iterable[np.ndarray]],
        pixels: np.ndarray,
        echo: np.ndarray | None = None,
        busy: Callable[[], bool] | None = None,
        press: bool = True,
    ) -> None:
        self.microphone: Microphone = self
        self.camera: Camera = self
        self.speaker: Speaker = self
        self.button: Button = self
        self.pixels = pixels
        self.plays: list[Play] = []
        self.stops: list[Stop] = []
        self._script = iter(script(self))
        self._press = press
        self._tempo = Tempo(busy)
        self._echo = None if echo is None else EchoPath(echo)
        self._playback = Playback(RATE)
        self._random = np.random.default_rng(2)
        self._waiting = np.zeros(0, np.float32)
        self._heard = 0  # samples
        self._over = False

    @property
    def started(self) -> float:
        """On time.monotonic's clock, when the first chunk begins; 0 before."""
        return self._tempo.started or 0.0

    @property
    def now_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def scripted_s(self) -> float:
        """When what the script yields next is heard, in seconds since the start."""
        return (self._heard + len(self._waiting)) / RATE

    @property
    def answers(self) -> list[Play]:
        """What was played and is no earcon."""
        return [play for play in self.plays if play.seconds > EARCON_S]

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol of a microphone says."""
        while len(self._waiting) < CHUNK:
            more = next(self._script, None)
            if more is None:
                self._over = True
                raise Ended
            self._waiting = np.concatenate([self._waiting, more])
        said, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
        noise = self._random.normal(0, QUIET, CHUNK).astype(np.float32)
        played = self._playback.take(CHUNK)
        chunk = said + noise + (0 if self._echo is None else self._echo.heard(played))
        self._tempo.next()
        self._heard += CHUNK
        return chunk

    def late_s(self) -> float:
        """As the protocol of a microphone says; 0 where the samples are the clock."""
        return self._tempo.late_s()

    def latest(self) -> Frame:
        """As the protocol of a camera says; in memory of its own, as each frame of one is."""
        return Frame(self.pixels.copy(), time.monotonic())

    def play(self, samples: np.ndarray, rate: int) -> None:
        loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max(initial=0))
        lead_s = loud[0] / rate if len(loud) else 0.0
        self.plays.append(Play(self.now_s, len(samples) / rate, lead_s))
        self._playback.play(samples, rate)

    def stop(self) -> None:
        if self._playback.pending_s() > 0:
            self.stops.append(Stop(self._heard / RATE, self.late_s()))
        self._playback.stop()

    def pending_s(self) -> float:
        """As the protocol of a speaker says; when the script is over nobody waits for what is queued."""
        return 0.0 if self._over else self._playback.pending_s()

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """As the protocol of a speaker says."""
        return self._playback.played(count)

    def pressed(self) -> bool:
        """Once, at the beginning, if at all."""
        first, self._press = self._press, False
        return first

    def close(self) -> None:
        pass


def room_echo(decibels: float = ECHO_DB, seed: int = 3) -> np.ndarray:
    """What comes back from the speaker: the direct sound so much quieter, and a small room's answer to it."""
    time_s = np.arange(int(ECHO_TAIL_S * RATE)) / RATE
    tail = np.random.default_rng(seed).normal(0, 1, len(time_s)) * np.exp(-time_s / _TAIL_DECAY_S)
    tail *= 10 ** (_TAIL_DB / 20) / np.sqrt(np.sum(np.square(tail)))
    response = np.concatenate([np.zeros(int(ECHO_DELAY_S * RATE)), [1.0], tail])
    return (10 ** (decibels / 20) * response).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    """float32 [n] at RATE: nothing but the booth's own noise."""
    return np.zeros(int(seconds * RATE), np.float32)
