"""A microphone of the system's, as the assistant hears it."""

from __future__ import annotations

import queue
import time
from contextlib import suppress
from typing import Any

import numpy as np

from device.glasses import CHUNK, RATE, Unplugged
from device.keeper import CLOSING_S, Keeper
from device.laptop.sound_devices import Stream, open_stream
from device.stream_clock import StreamClock

QUEUE_S = 60.0  # what is kept for a reader that is late
SILENT_S = 4.0  # without a block the device is taken for gone; waking one up takes some systems two
_STEP_S = 0.1


class Microphone:
    """Implements device.glasses.Microphone. `device` is PortAudio's number or (part of a) name; None is the default.

    A device that refuses 16 kHz is opened at its own rate and resampled, several channels are averaged. `dropped`
    counts what was lost, in blocks of 32 ms: what was not read within 60 s, and what the system says it had no room
    for.
    """

    def __init__(self, device: int | str | None = None) -> None:
        self.dropped = 0
        self._device = device
        self._keeper = Keeper("microphone", opens=self._open, step=self._watch, release=self._release)
        self._blocks: queue.SimpleQueue[tuple[np.ndarray, Any, float]] = queue.SimpleQueue()
        self._heard = np.zeros(0, np.float32)  # at RATE, less than a chunk once read
        self._stream: Stream | None = None
        self._resampler: Any = None  # a new one whenever the device is opened
        self._clock = StreamClock()
        self._called_at = 0.0
        self._heard_until = 0.0  # when the last sample of `_heard` was heard, on time.monotonic's clock
        self._read_until: float | None = None  # the same of the chunk that was read last

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol says; what was heard before the device went away is given first.

        Raises Unplugged, and GlintError if sounddevice or PortAudio is missing or after `close`.
        """
        self._keeper.start()
        deadline = time.monotonic() + timeout_s
        while len(self._heard) < CHUNK:
            left = deadline - time.monotonic()
            try:
                block, resampler, heard_at = self._blocks.get(timeout=min(max(left, 0), _STEP_S))
            except queue.Empty:
                self._keeper.check()
                if left <= 0:
                    return None
                continue
            self._heard = np.concatenate([self._heard, resampler.resample_chunk(block) if resampler else block])
            self._heard_until = heard_at - (resampler.delay() / RATE if resampler else 0.0)
        chunk, self._heard = self._heard[:CHUNK], self._heard[CHUNK:]
        self._read_until = self._heard_until - len(self._heard) / RATE
        return chunk

    def late_s(self) -> float:
        """As the protocol says; a sample counts as heard when the device hands it over."""
        return 0.0 if self._read_until is None else max(0.0, time.monotonic() - self._read_until)

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Releases the device. May be called twice."""
        self._keeper.close(timeout_s)

    def _open(self) -> None:
        self._called_at = time.monotonic()
        self._resampler = None
        self._stream = open_stream("input", self._device, [RATE], self._hear, block_s=CHUNK / RATE, latency="high")
        if self._stream.rate != RATE:
            import soxr

            self._resampler = soxr.ResampleStream(self._stream.rate, RATE, 1)
        self._stream.start()

    def _watch(self) -> None:
        time.sleep(_STEP_S)
        assert self._stream is not None
        if not self._stream.alive or time.monotonic() - self._called_at > SILENT_S:
            raise Unplugged(f"The microphone {self._stream.name!r} is gone; plug it in again or choose another.")

    def _release(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _hear(self, block: np.ndarray, _frames: int, _time: object, status: Any) -> None:
        now = self._called_at = time.monotonic()
        if (stream := self._stream) is None:
            return
        heard_at = self._clock.passed(len(block) / stream.rate, now)
        self.dropped += bool(status.input_overflow)
        while self._blocks.qsize() >= QUEUE_S * RATE / CHUNK:
            with suppress(queue.Empty):  # the reader was faster
                self._blocks.get_nowait()
                self.dropped += 1
        self._blocks.put((block.mean(axis=1, dtype=np.float32), self._resampler, heard_at))
