"""What a speaker has yet to play and what it has just played, whether a sound device takes it away or a file."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import Any

import numpy as np

from device.glasses import RATE
from device.stream_clock import StreamClock

MEMORY_S = 5.0  # of what was played
_SLICE = 2048  # samples resampled at once, so that taking a block stays short however long the sound is
_MARGIN = 256  # samples at RATE around what is resampled for `played`: its filter is no longer


class Playback:
    """A queue of sounds of any rate, taken away in blocks at `rate` Hz. Safe to use from several threads."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._lock = threading.Lock()
        self._queue: deque[tuple[np.ndarray, int]] = deque()
        self._ready = np.zeros(0, np.float32)  # at `rate`, next to be taken
        self._resampler: tuple[int, Any] | None = None  # its input's rate, and a soxr.ResampleStream
        self._memory = np.zeros(math.ceil(MEMORY_S * rate), np.float32)  # sample n lies at n modulo its length
        self._taken = 0  # samples, ever
        self._clock = StreamClock()
        self._taken_leaves_at = self._sound_leaves_at = -math.inf  # on time.monotonic's clock

    def play(self, samples: np.ndarray, rate: int) -> None:
        """Queues float [n], clipped to -1..1; pieces of one rate that follow each other are joined seamlessly."""
        samples = np.clip(samples, -1, 1).astype(np.float32)
        with self._lock:
            self._queue.extend((samples[at : at + _SLICE], rate) for at in range(0, len(samples), _SLICE))

    def stop(self) -> None:
        """Forgets what is queued; every block taken from now on is silent."""
        with self._lock:
            self._queue.clear()
            self._ready, self._resampler = self._ready[:0], None
            self._sound_leaves_at = -math.inf

    def take(self, count: int, delay_s: float | None = None) -> np.ndarray:
        """The next block, float32 [count] at `rate`: what is queued, then silence.

        The block begins to leave the speaker in `delay_s` seconds; with None it has left as soon as it is taken.
        """
        with self._lock:
            while len(self._ready) < count and (self._queue or self._resampler):
                self._ready = np.concatenate([self._ready, self._resampled()])
            sound, self._ready = self._ready[:count], self._ready[count:]
            block = np.zeros(count, np.float32)
            block[: len(sound)] = sound
            self._memory[(self._taken + np.arange(count)) % len(self._memory)] = block
            self._taken += count
            if delay_s is not None:
                length_s = count / self.rate
                self._taken_leaves_at = self._clock.passed(length_s, time.monotonic() + delay_s + length_s)
                if len(sound):
                    self._sound_leaves_at = self._taken_leaves_at - (count - len(sound)) / self.rate
            return block

    def pending_s(self) -> float:
        """Seconds until the last sample queued has left the speaker."""
        with self._lock:
            queued = sum(len(samples) / rate for samples, rate in self._queue) + len(self._ready) / self.rate
            if self._resampler is not None:
                queued += self._resampler[1].delay() / self.rate
            return queued + max(0.0, self._sound_leaves_at - time.monotonic())

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """The last samples that had left the speaker `late_s` seconds ago, float32 [count] at RATE.

        Zeros beyond MEMORY_S. Where blocks leave as soon as they are taken there is no clock that `late_s` could be
        on, and it counts for nothing.
        """
        with self._lock:
            waiting = max(0.0, self._taken_leaves_at - (time.monotonic() - late_s)) * self.rate
            end = max(0, self._taken - round(waiting))
            if self.rate == RATE:
                return self._remembered(end - count, end)
            margin = round(_MARGIN * self.rate / RATE)
            window = self._remembered(
                end - math.ceil(count * self.rate / RATE) - margin, min(end + margin, self._taken)
            )
            behind = min(end + margin, self._taken) - end
        import soxr

        at_rate = soxr.resample(window, self.rate, RATE)
        last = len(at_rate) - round(behind * RATE / self.rate)
        return np.asarray(at_rate[last - count : last], np.float32)

    def _resampled(self) -> np.ndarray:
        """More sound at `rate`: the next of the queue, or what the resampler holds back when its sound is over."""
        import soxr

        if self._resampler is not None and (not self._queue or self._queue[0][1] != self._resampler[0]):
            rest = self._resampler[1].resample_chunk(np.zeros(0, np.float32), last=True)
            self._resampler = None
            return np.asarray(rest)
        samples, rate = self._queue.popleft()
        if rate == self.rate:
            return samples
        if self._resampler is None:
            self._resampler = (rate, soxr.ResampleStream(rate, self.rate, 1))
        return np.asarray(self._resampler[1].resample_chunk(samples))

    def _remembered(self, start: int, end: int) -> np.ndarray:
        at = np.arange(start, end)
        known = (at >= 0) & (at >= self._taken - len(self._memory))
        return np.where(known, self._memory[at % len(self._memory)], np.float32(0))
