"""The speaker at the other end: no more is sent than its buffer has room for, and nothing that is too old is heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import numpy as np

from device.glasses import Unplugged
from device.playback import Playback
from firmware_bridge.stream import adpcm
from firmware_bridge.stream.link import Link
from firmware_bridge.stream.messages import ADPCM, PCM, Abilities, Message, Speaker, Status
from models.audio import to_int16

AHEAD_S = 1.0  # at most in the buffer of the glasses
WAIT_S = 3.0  # for the link, at the first sound
_BLOCK_S = 0.02
_IDLE_S = 0.3  # after which sound that the glasses have never received is taken for lost


class Mouth:
    """Implements device.glasses.Speaker and link.Part. `floor` is for the Control."""

    def __init__(self, slow: bool) -> None:
        self.floor = 0  # what is before this sample is not to be heard any more
        self.lost = 0  # samples that did not arrive, as far as that is known
        self.link: Link
        self._slow = slow
        self._lock = threading.Lock()
        self.begin(Abilities(session=0))

    def begin(self, abilities: Abilities) -> None:
        """As the protocol of a part says; what was not played until then is let go."""
        with self._lock:
            self._abilities = abilities
            self._queued = Playback(abilities.speaker_rate)  # not sent yet
            self._leaving = Playback(abilities.speaker_rate)  # what the glasses play, by the clock here
            self._left_at = time.monotonic()
            self._encoder = adpcm.Encoder()
            self._sent = self._played = self.floor = 0  # samples of the session
            self._sent_at = self._played_at = 0.0
            self._stopped = False  # until the glasses have confirmed the floor, nothing new is sent

    def play(self, samples: np.ndarray, rate: int) -> None:
        """As the protocol says; waits for the link, at most 3 s, if it is not known yet whether there is one."""
        self.link.wait(WAIT_S)
        if not self._abilities.session:
            raise Unplugged("The glasses start anew; say it again when they are back.")
        if not self._abilities.speaker:
            raise Unplugged("These glasses have no speaker; wear others or choose another speaker.")
        self._queued.play(samples, rate)

    def stop(self) -> None:
        """As the protocol says."""
        with self._lock:
            self._queued.stop()
            self._leaving.stop()
            if self._sent != self.floor:
                self.floor, self._played, self._stopped = self._sent, self._sent, True

    def pending_s(self) -> float:
        """As the protocol says, from what the glasses have last told."""
        with self._lock:
            at_glasses = self._in_buffer() / self._abilities.speaker_rate - (time.monotonic() - self._played_at)
            return self._queued.pending_s() + max(0.0, at_glasses)

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """As the protocol says, as far as can be known from here."""
        return self._leaving.played(count, late_s)

    def take(self, message: Message) -> None:
        """As the protocol of a part says."""
        if not isinstance(message, Status):
            return
        now = time.monotonic()
        with self._lock:
            played, received = (_after(self.floor, count, self._sent) for count in (message.played, message.received))
            if played is None or received is None:
                return  # from before the last `stop`
            if played != self._played:
                self._played, self._played_at = played, now
            if played == received != self._sent and now - self._sent_at > _IDLE_S:
                self.lost += (self._sent - received) & 0xFFFFFFFF
                self._played = self._sent

    def due(self, now: float) -> Iterable[Message]:
        """As the protocol of a part says."""
        with self._lock:
            if not self._abilities.session or not self._abilities.speaker:
                return
            rate = self._abilities.speaker_rate
            block = round(rate * _BLOCK_S) & ~1
            block = min(block, (self._abilities.payload - Speaker.layout.size - 4) // 2 & ~1)
            gone = int((now - self._left_at) * rate)
            if gone >= block:
                self._left_at += gone / rate
                self._leaving.take(gone, 0.0)
            for _ in range(2):  # more would keep the thread from what comes
                if self._stopped or self._in_buffer() + block > self._room() or not self._queued.pending_s():
                    return
                yield self._next(block, now)

    def confirmed(self, floor: int) -> None:
        """The glasses know this floor."""
        with self._lock:
            if floor == self.floor:
                self._stopped = False

    def _next(self, block: int, now: float) -> Speaker:
        samples = self._queued.take(block)
        if self._in_buffer() == 0:
            self._played_at = now
        self._leaving.play(samples, self._abilities.speaker_rate)
        pieces, position = to_int16(samples), self._sent
        self._sent, self._sent_at = (self._sent + block) & 0xFFFFFFFF, now
        has = self._abilities.speaker
        if has & ADPCM and (self._slow or not has & PCM):
            return Speaker(position=position, format=ADPCM, data=self._encoder.block(pieces))
        return Speaker(position=position, format=PCM, data=pieces.astype("<i2").tobytes())

    def _in_buffer(self) -> int:
        return (self._sent - self._played) & 0xFFFFFFFF

    def _room(self) -> int:
        return min(self._abilities.speaker_buffer, int(AHEAD_S * self._abilities.speaker_rate))


def _after(floor: int, position: int, sent: int) -> int | None:
    """The position if it lies between both, going around at 2^32; else None."""
    return position if (position - floor) & 0xFFFFFFFF <= (sent - floor) & 0xFFFFFFFF else None
