"""Who speaks to the glasses while they speak: the echo canceller's output, or the microphone as it is.

A canceller takes the near voice out too where it hears little or no echo (headphones, or a speaker at the ear), and
distorts it where both talk at once. How loud the echo of what is played can be is learnt here; what is louder than that
is somebody near, and is passed on as it was heard. Knows no engine: the canceller is given.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from device.glasses import RATE
from device.hearing.ears import Echo

FRAME = 160  # samples, 10 ms
LOUDER = 2.0  # than the loudest echo that is to be expected
HOLD = 10  # frames that are passed on after one that was loud enough: the soft sounds of a word
_ECHO = 25  # frames in which the echo of a frame comes
_SILENT = 1e-4  # level of what is played, below which it is nothing
_LEARNT, _NEWEST, _KNOWN = 400, 40, 60  # frames; the newest are not learnt from: they may be the wearer's
_DEAF = 1e-6  # level of what is heard, below which it is no microphone's: one that is off or gone teaches nothing
_LOUDEST = 0.9  # share of these frames whose echo was fainter
_EVERY = 5  # frames between two looks at them


class NearVoice:
    """Implements device.hearing.ears.Echo around a canceller whose output is `latency` samples late."""

    def __init__(self, canceller: Echo, latency: int) -> None:
        self._canceller = canceller
        self._late = np.zeros(latency, np.float32)
        self._waiting = np.zeros((3, 0), np.float32)  # heard, cancelled and played, less than a frame of each
        self._ready = np.zeros(FRAME, np.float32)
        self._played: deque[float] = deque(maxlen=_ECHO)
        self._heard: deque[float] = deque(maxlen=3)
        self._gains: deque[float] = deque(maxlen=_LEARNT)  # level heard by level played, while something was
        self._gain: float | None = None  # of the loudest echo; None as long as that is not known
        self._frames = self._held = 0

    def cancel(self, heard: np.ndarray, played: np.ndarray) -> np.ndarray:
        """As the protocol says, float32 [n], a frame later than the canceller."""
        cancelled = self._canceller.cancel(heard, played)
        self._late = np.concatenate([self._late, heard])
        in_time, self._late = np.split(self._late, [len(heard)])
        self._waiting = np.concatenate([self._waiting, np.stack([in_time, cancelled, played])], axis=1)
        whole = self._waiting.shape[1] // FRAME * FRAME
        frames, self._waiting = np.split(self._waiting, [whole], axis=1)
        done = [self._chosen(*frames[:, start : start + FRAME]) for start in range(0, whole, FRAME)]
        chosen, self._ready = np.split(np.concatenate([self._ready, *done]), [len(heard)])
        return chosen.astype(np.float32)

    def _chosen(self, heard: np.ndarray, cancelled: np.ndarray, played: np.ndarray) -> np.ndarray:
        self._played.append(float(np.sqrt(np.mean(np.square(played)))))
        self._heard.append(float(np.mean(np.square(heard))))
        loudest = max(self._played)
        if loudest < _SILENT:
            return heard
        level = float(np.sqrt(np.mean(self._heard)))
        if level > _DEAF:
            self._learn(level / loudest)
        if self._gain is not None and level > LOUDER * self._gain * loudest:
            self._held = HOLD
        if self._held == 0:
            return cancelled
        self._held -= 1
        return heard

    def _learn(self, gain: float) -> None:
        self._gains.append(gain)
        self._frames += 1
        known = len(self._gains) - _NEWEST
        if known >= _KNOWN and (self._gain is None or self._frames % _EVERY == 0):
            self._gain = float(np.quantile(np.fromiter(self._gains, float)[:known], _LOUDEST))


def open_echo() -> Echo:
    """The default: WebRTC's canceller. Raises GlintError if it is missing or has no build for this machine."""
    from models.echo import LATENCY, EchoCanceller
    from models.echo import RATE as ENGINE_RATE

    assert ENGINE_RATE == RATE
    return NearVoice(EchoCanceller(), LATENCY)
