"""The microphone at the other end. It is on only while somebody listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import numpy as np
import soxr

from device.glasses import RATE, Unplugged
from device.heard_chunks import HeardChunks
from device.stream_clock import StreamClock
from firmware_bridge.stream import adpcm
from firmware_bridge.stream.link import Link
from firmware_bridge.stream.messages import ADPCM, PCM, Abilities, Message, Microphone

LISTENING_S = 3.0  # after the last `read` the microphone is switched off
_FILLED_S = 1.0  # a longer gap is not filled with silence
_STEP_S = 0.1


class Ear:
    """Implements device.glasses.Microphone and link.Part. What was lost on the way is silence, counted in `lost`."""

    def __init__(self, slow: bool) -> None:
        self.lost = 0  # samples at the glasses' rate
        self.link: Link
        self._slow = slow
        self._news = threading.Condition()
        self._chunks = HeardChunks()
        self._listened_at = -LISTENING_S
        self.begin(Abilities(session=0))

    def begin(self, abilities: Abilities) -> None:
        """As the protocol of a part says."""
        with self._news:
            self._abilities = abilities
            self._expected: int | None = None  # the position of the next sample
            self._clock = StreamClock()
            self._resampler = None
            if abilities.session and abilities.microphone_rate != RATE:
                self._resampler = soxr.ResampleStream(abilities.microphone_rate, RATE, 1, "float32")

    def wanted(self, now: float) -> int:
        """The format in which the glasses are to send what they hear; 0 while nobody listens."""
        has = self._abilities.microphone
        if now - self._listened_at > LISTENING_S:
            return 0
        return (ADPCM if self._slow and has & ADPCM else has & PCM) or has & ADPCM

    def take(self, message: Message) -> None:
        """As the protocol of a part says."""
        if not isinstance(message, Microphone):
            return
        heard = adpcm.decoded(message.data) if message.format == ADPCM else _pcm(message)
        if not len(heard):
            return
        with self._news:
            ahead = 0 if self._expected is None else (message.position - self._expected) & 0xFFFFFFFF
            if ahead >= 1 << 31:
                return  # heard before
            self._expected = (message.position + len(heard)) & 0xFFFFFFFF
            self.lost += ahead
            gap = ahead if ahead <= _FILLED_S * self._abilities.microphone_rate else 0
            samples = np.zeros(gap + len(heard), np.float32)
            samples[gap:] = heard / np.float32(32768)
            heard_at = self._clock.passed(len(samples) / self._abilities.microphone_rate, time.monotonic())
            if self._resampler is not None:
                samples = self._resampler.resample_chunk(samples)
            self._chunks.add(samples, heard_at)
            self._news.notify()

    def due(self, now: float) -> Iterable[Message]:
        """As the protocol of a part says."""
        return ()

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol says; what was heard before the link went down is given first."""
        self._listened_at = time.monotonic()
        deadline = self._listened_at + timeout_s
        while True:
            with self._news:
                if self._chunks:
                    return self._chunks.take()
            self.link.check()
            if self._abilities.session and not self._abilities.microphone:
                raise Unplugged("These glasses have no microphone; wear others or choose another microphone.")
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._listened_at = time.monotonic()
            with self._news:
                self._news.wait_for(lambda: bool(self._chunks), min(left, _STEP_S))

    def late_s(self) -> float:
        """As the protocol says; a sample counts as heard when it has come."""
        return self._chunks.late_s(time.monotonic())


def _pcm(message: Microphone) -> np.ndarray:
    return np.frombuffer(message.data, "<i2", len(message.data) // 2)
