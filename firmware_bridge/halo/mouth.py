"""The speaker of glasses over a radio: queues sound, and says which packet is due when.

The glasses hold little and drop in silence what is too much, so nothing is sent more than AHEAD_S before it is played,
and always whole frames. Glasses that cancel the echo themselves leave nothing to cancel here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from device.glasses import RATE, Unplugged
from device.playback import Playback
from firmware_bridge.halo.codec import Encoder, frame_bytes, frame_samples
from firmware_bridge.halo.messages import Codec

AHEAD_S = 0.3
_MOST_FRAMES = 8  # in one packet


class Mouth:
    """Implements device.glasses.Speaker. Played into from any thread, taken away from by the radio's."""

    def __init__(self, why_not: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._playback = Playback(RATE)
        self._encoder = Encoder()
        self._why_not = why_not
        self._ends = 0.0  # when what was sent will have been played, on the clock
        self.stopped = False  # by `stop`, and the glasses do not know it yet

    def up(self) -> None:
        with self._lock:
            self._why_not, self.stopped = "", False

    def end(self, why_not: str) -> None:
        """There is no speaker any more because of this; what was queued is lost."""
        with self._lock:
            self._why_not = why_not
            self._silence()

    def play(self, samples: np.ndarray, rate: int) -> None:
        """As the protocol says."""
        with self._lock:
            if self._why_not:
                raise Unplugged(self._why_not)
            self._playback.play(samples, rate)

    def stop(self) -> None:
        """As the protocol says; what has been sent, AHEAD_S at most, is silenced as soon as the radio brings it."""
        with self._lock:
            self.stopped = self._ends > self._clock() or self.stopped
            self._silence()

    def _silence(self) -> None:
        self._playback.stop()
        self._ends = 0.0

    def pending_s(self) -> float:
        """As the protocol says."""
        with self._lock:
            return self._playback.pending_s() + max(0.0, self._ends - self._clock())

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """Zeros: the glasses have taken out of the microphone what they played."""
        return np.zeros(count, np.float32)

    @property
    def queued(self) -> bool:
        """Whether there is something to send."""
        return self._playback.pending_s() > 0

    def due_s(self, now: float) -> float:
        """Seconds until the next packet may be sent. now: on the clock."""
        return max(0.0, self._ends - now - AHEAD_S)

    def packet(self, now: float, room: int, codec: Codec, kbps: int) -> bytes:
        """The next packet, of at most `room` bytes; b"" where nothing is queued or none may be sent yet."""
        size, samples = frame_bytes(codec, kbps), frame_samples(codec)
        with self._lock:
            begins = max(now, self._ends)
            free = int((now + AHEAD_S - begins) * RATE // samples)
            wanted = int(-(-self._playback.pending_s() * RATE // samples))
            count = min(room // size, _MOST_FRAMES, free, wanted)
            if count <= 0:
                return b""
            frames = [self._encoder.encode(self._playback.take(samples), codec, kbps) for _ in range(count)]
            self._ends = begins + count * samples / RATE
            return b"".join(frames)
