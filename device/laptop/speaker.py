"""A speaker of the system's, as the assistant speaks through it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from device.glasses import Unplugged
from device.keeper import CLOSING_S, Keeper
from device.laptop.sound_devices import Stream, open_stream
from device.playback import Playback

BLOCK_S = 0.02  # what the device asks for at once, and how soon it can be silenced
LATENCY_S = 0.06  # what the device holds: enough to keep playing while the processor is busy
SILENT_S = 4.0  # without being asked for a block the device is taken for gone; waking one up takes some systems two
WAIT_S = 3.0  # for a device that is opened at the first sound
_STEP_S = 0.1


class Speaker:
    """Implements device.glasses.Speaker. `device` is PortAudio's number or (part of a) name; None is the default.

    The device runs at its own rate, and sound is resampled to it. `underruns` counts how often it had to wait for this
    program. When it goes away, what was queued is forgotten.
    """

    def __init__(self, device: int | str | None = None) -> None:
        self.underruns = 0
        self._device = device
        self._keeper = Keeper("speaker", opens=self._open, step=self._watch, release=self._release)
        self._stream: Stream | None = None
        self._playback: Playback | None = None  # at the device's rate
        self._called_at = 0.0

    def play(self, samples: np.ndarray, rate: int) -> None:
        """As the protocol says; the first call opens the device and waits for it, at most 3 s.

        Raises Unplugged, and GlintError if sounddevice or PortAudio is missing or after `close`.
        """
        self._keeper.start()
        self._keeper.wait(WAIT_S)
        if (playback := self._playback) is not None:
            playback.play(samples, rate)

    def stop(self) -> None:
        """As the protocol says."""
        if (playback := self._playback) is not None:
            playback.stop()

    def pending_s(self) -> float:
        """As the protocol says; 0 while there is no speaker."""
        playback = self._playback
        return playback.pending_s() if playback is not None else 0.0

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """As the protocol says, by the latency that the device claims; goes back 5 s and is zero beyond."""
        playback = self._playback
        return playback.played(count, late_s) if playback is not None else np.zeros(count, np.float32)

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Silences and releases the device. May be called twice."""
        self.stop()
        self._keeper.close(timeout_s)

    def _open(self) -> None:
        self._called_at = time.monotonic()
        self._stream = open_stream(
            "output",
            self._device,
            [],
            self._fill,
            block_s=BLOCK_S,
            latency=LATENCY_S,
            may_close=lambda: self.pending_s() == 0,
        )
        if self._playback is None or self._playback.rate != self._stream.rate:
            self._playback = Playback(self._stream.rate)
        self._stream.start()

    def _watch(self) -> None:
        time.sleep(_STEP_S)
        assert self._stream is not None
        alive = self._stream.alive  # before `taken`, which comes first
        if self._stream.taken:
            self._open()
        elif not alive or time.monotonic() - self._called_at > SILENT_S:
            raise Unplugged(f"The speaker {self._stream.name!r} is gone; plug it in again or choose another.")

    def _release(self) -> None:
        stream, self._stream, self._playback = self._stream, None, None
        if stream is not None:
            stream.close()

    def _fill(self, block: np.ndarray, frames: int, _time: object, status: Any) -> None:
        self._called_at = time.monotonic()
        self.underruns += bool(status.output_underflow)
        playback, stream = self._playback, self._stream
        if playback is None or stream is None:
            block.fill(0)
        else:
            block[:] = playback.take(frames, stream.latency_s)[:, None]
