"""The microphone of glasses over a radio: numbered frames in, chunks out.

It is on only between `begin` and `end`; what was heard before is never given after. Packets that come twice or too late
are left out, and what is missing is silence of the same length, so that time goes on as it did.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import numpy as np

from device.glasses import RATE, Unplugged
from device.heard_chunks import HeardChunks
from firmware_bridge.halo.codec import Decoder, frame_bytes, frame_samples
from firmware_bridge.halo.messages import Audio, Codec

WANTED_S = 3.0  # after the last call of `read` the microphone goes off
_LONGEST_GAP_S = 1.0  # that is filled with silence; beyond, the stream has stood still
_AROUND = 1 << 16
_SETTLING = 3  # frames at the beginning of a stream that are silenced: an encoder may still blend in what was before


class Ear:
    """Implements device.glasses.Microphone. Fed from the radio's thread, read from any other."""

    def __init__(self, why_not: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._news = threading.Condition()
        self._decoder = Decoder()
        self._why_not = why_not
        self._read_at = -math.inf
        self._chunks = HeardChunks()
        self.lost_frames = 0  # ever
        self.heard_at = 0.0  # when the last packet came, on the clock
        self._listen_to(None, Codec.OFF, 0)

    def _listen_to(self, stream: int | None, codec: Codec, kbps: int) -> None:
        self.stream, self._codec, self._kbps = stream, codec, kbps
        self._next: int | None = None  # the number of the frame that must come
        self._settling = _SETTLING

    @property
    def wanted(self) -> bool:
        """Whether somebody listens."""
        return self._clock() - self._read_at < WANTED_S

    @property
    def on(self) -> bool:
        return self.stream is not None

    def up(self) -> None:
        """The link is there; the microphone is yet off."""
        with self._news:
            self._why_not = ""

    def begin(self, stream: int, codec: Codec, kbps: int) -> None:
        """From now on packets of this stream are heard, and of no other."""
        with self._news:
            self._listen_to(stream, codec, kbps)
            self._decoder = Decoder()  # the codec blends frames into each other: a new stream begins with a new one
            self.heard_at = self._clock()

    def pause(self) -> None:
        """The microphone is off while the link is up, as nobody listens."""
        with self._news:
            self._listen_to(None, Codec.OFF, 0)
            self._chunks.clear()

    def end(self, why_not: str) -> None:
        """There is no microphone any more because of this; what was heard is forgotten."""
        with self._news:
            self._listen_to(None, Codec.OFF, 0)
            self._chunks.clear()
            self._why_not = why_not
            self._news.notify_all()

    def heard(self, audio: Audio) -> None:
        """From the radio, as it comes."""
        with self._news:
            size = frame_bytes(self._codec, self._kbps) if self.on else 0
            if audio.stream != self.stream or not size or len(audio.frames) % size:
                return  # of another stream, or two packets that became one
            self.heard_at = now = self._clock()
            count, length = len(audio.frames) // size, frame_samples(self._codec)
            ahead = 0 if self._next is None else (audio.number - self._next) % _AROUND
            if ahead >= _AROUND // 2:
                return  # it came before, or too late
            self._next = (audio.number + count) % _AROUND
            self.lost_frames += ahead
            pieces = [np.zeros(ahead * length, np.float32)] if ahead * length <= _LONGEST_GAP_S * RATE else []
            frames = [audio.frames[at : at + size] for at in range(0, count * size, size)]
            pieces += [self._decoder.decode(frame, self._codec) for frame in frames]
            for piece in pieces[-count:][: self._settling]:
                piece[:] = 0.0
            self._settling = max(0, self._settling - count)
            self._chunks.add(np.concatenate(pieces), now)
            self._news.notify_all()

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol says; the first call, and one after a while, asks for the microphone to be switched on."""
        self._read_at = self._clock()
        with self._news:
            self._news.wait_for(lambda: bool(self._chunks or self._why_not), timeout_s)
            if self._why_not:
                raise Unplugged(self._why_not)
            if not self._chunks:
                return None
            return self._chunks.take()

    def late_s(self) -> float:
        """As the protocol says; a sample counts as heard when the radio brings it."""
        return self._chunks.late_s(self._clock())
