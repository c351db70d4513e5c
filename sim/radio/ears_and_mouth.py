"""Microphone and speaker of emulated glasses, in the pace of the clock, with the firmware's buffers.

What the vendor's emulator leaves out: its microphone gives what a test puts in, whatever the time, and its speaker
throws everything away. Buffer sizes and what is dropped when follow the firmware (lua_microphone.c, ble_lua.c).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import lc3
import numpy as np
from halo_emulator.stubs.microphone import MicrophoneStub
from halo_emulator.stubs.speaker import SpeakerStub

from sim.radio.codec import borrow, frame_bytes, give_back

RATE = 16_000
_MICROPHONE_RING = 32_768  # bytes; the oldest are lost
_SPEAKER_RING = 8_192  # bytes; what does not fit is lost
_SPEAKER_START_S = 0.02  # from the first bytes to the first sound
_LONGEST_GAP_S = 0.5


def option(config: Any, name: str, default: Any) -> Any:
    """A field of a Lua table, which may be missing."""
    value = None if config is None else config[name]
    return default if value is None else value


class Microphone(MicrophoneStub):
    """sounds(start, count): float32 [count] at RATE of what is to be heard from `start`, in seconds of `now`."""

    def __init__(self, now: Callable[[], float], sounds: Callable[[float, int], np.ndarray]) -> None:
        super().__init__()
        self._now, self._sounds = now, sounds
        self._encoder: Any = None
        self._lc3 = False
        self._rate, self._depth, self._duration, self._frame = RATE, 16, 1000, 40
        self._began = 0.0
        self._taken = 0  # units: frames of LC3, samples of PCM
        self._rest = b""
        self.seconds = 0.0  # how long it has been on, of streams that are over

    @property
    def listening(self) -> bool:
        return self._streaming

    def start(self, cfg: Any = None) -> None:
        self.stop()
        super().start(cfg)
        self._lc3 = str(option(cfg, "encoder", "pcm")) == "lc3"
        self._rate, self._depth = int(option(cfg, "sample_rate", 8000)), int(option(cfg, "bit_depth", 16))
        self._duration = int(option(cfg, "duration", 1000))
        if self._lc3:
            if self._depth != 16:
                self._streaming = False
                raise ValueError("Bit depth applies to PCM only (LC3 encodes 16-bit input)")
            self._frame = frame_bytes(self._duration, int(option(cfg, "bitrate", 16000)))
            self._encoder = borrow(lc3.Encoder, self._duration, self._rate)
        self._began, self._taken, self._rest = self._now(), 0, b""

    def stop(self) -> None:
        if self._streaming:
            self.seconds += self._now() - self._began
        super().stop()
        if self._encoder is not None:
            give_back(lc3.Encoder, self._duration, self._rate, self._encoder)
            self._encoder = None

    def read(self, byte_count: int) -> str | None:
        n = int(byte_count)
        if n <= 0 or n % 2:
            raise ValueError("Bytes must be positive and even")
        if n > 4096:
            raise ValueError("Bytes exceeds maximum of 4096")
        if not self._streaming:
            return None
        unit_s = self._duration / 100_000 if self._lc3 else 1 / self._rate
        unit_bytes = self._frame if self._lc3 else self._depth // 8
        there = int((self._now() - self._began) / unit_s + 1e-6)
        oldest = there - _MICROPHONE_RING // unit_bytes
        if oldest > self._taken:
            self._taken, self._rest = oldest, b""
        wanted = min(there - self._taken, -(-(n - len(self._rest)) // unit_bytes))
        if wanted > 0:
            self._rest += self._record(self._began + self._taken * unit_s, wanted)
            self._taken += wanted
        size = min(n, len(self._rest))
        if not self._lc3:
            size -= size % 2
        given, self._rest = self._rest[:size], self._rest[size:]
        return given.decode("latin-1")

    def _record(self, start: float, units: int) -> bytes:
        per_unit = self._rate * self._duration // 100_000 if self._lc3 else 1
        heard = self._sounds(start, units * per_unit * RATE // self._rate)
        if self._rate != RATE:
            heard = heard.reshape(-1, RATE // self._rate).mean(axis=1)
        pcm = (np.clip(heard, -1, 1) * 32767).astype("<i2")
        if self._lc3:
            return b"".join(
                self._encoder.encode(frame.tobytes(), self._frame, bit_depth=16) for frame in pcm.reshape(units, -1)
            )
        return (pcm >> 8).astype("i1").tobytes() if self._depth == 8 else pcm.tobytes()


class Speaker(SpeakerStub):
    """Plays the ring that the Bluetooth characteristic fills, and keeps what it played."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._lock = threading.Lock()
        self._ring = bytearray()
        self._decoder: Any = None
        self._lc3 = False
        self._rate, self._duration, self._frame = RATE, 1000, 40
        self._at = 0.0  # up to when it has played
        self.played: list[tuple[float, np.ndarray]] = []  # (when, int16 at RATE)
        self.lost = 0  # bytes that did not fit into the ring or came while it was off

    @property
    def speaking(self) -> bool:
        return self._streaming

    def start(self, cfg: Any = None) -> None:
        self.stop()
        super().start(cfg)
        self._lc3 = str(option(cfg, "encoder", "pcm")) == "lc3"
        self._rate, self._duration = int(option(cfg, "sample_rate", 8000)), int(option(cfg, "duration", 1000))
        if self._lc3:
            self._frame = frame_bytes(self._duration, int(option(cfg, "bitrate", 16000)))
            self._decoder = borrow(lc3.Decoder, self._duration, self._rate)
        self._at = self._now()

    def stop(self) -> None:
        with self._lock:
            self._play_on()
            self._ring.clear()
            super().stop()
            if self._decoder is not None:
                give_back(lc3.Decoder, self._duration, self._rate, self._decoder)
                self._decoder = None

    def play(self, data: Any = None) -> None:
        super().play(data)
        raw = data.encode("latin-1") if isinstance(data, str) else bytes(data)
        with self._lock:
            self._ring.extend(raw)

    def feed(self, data: bytes) -> bool:
        """What came over the air; False if it does not fit."""
        with self._lock:
            self._play_on()
            if len(self._ring) + len(data) > _SPEAKER_RING:
                self.lost += len(data)
                return False
            if self._streaming and not self._ring:
                self._at = max(self._at, self._now() + _SPEAKER_START_S)
            self._ring.extend(data)
            return True

    def flush(self) -> None:
        with self._lock:
            self._play_on()
            self._ring.clear()

    def heard(self, since: float = 0.0) -> np.ndarray:
        """float32 at RATE: what has been played since then, with silences of up to half a second."""
        with self._lock:
            self._play_on()
            played = [piece for piece in self.played if piece[0] >= since]
        if not played:
            return np.zeros(0, np.float32)
        pieces, at = [], played[0][0]
        for when, samples in played:
            if when > at + 0.001:
                pieces.append(np.zeros(int(min(when - at, _LONGEST_GAP_S) * RATE), np.int16))
            pieces.append(samples)
            at = when + len(samples) / RATE
        return np.concatenate(pieces).astype(np.float32) / 32768

    def _play_on(self) -> None:
        """Everything that is due by now."""
        if not self._streaming:
            return
        now = self._now()
        seconds = self._duration / 100_000 if self._lc3 else 0.01
        size = self._frame if self._lc3 else self._rate // 100 * 2
        while len(self._ring) >= 2 and self._at + seconds <= now:
            piece = bytes(self._ring[:size])
            del self._ring[:size]
            if self._lc3:
                if len(piece) < size:
                    break  # the rest of a frame that was cut in two
                samples = np.frombuffer(self._decoder.decode(piece, bit_depth=16), np.int16)
            else:
                samples = np.frombuffer(piece[: len(piece) // 2 * 2], "<i2")
            if self._rate != RATE:
                samples = np.repeat(samples, RATE // self._rate)
            self.played.append((self._at, samples))
            self._at += seconds
