"""Glasses that are a sensor only, with the assistant on a host: everything comes and goes over a radio, late.

The sound that is heard is the clock of the radio, so that a recording meets it as the world does. Sound is late by a
whole number of chunks; pictures come one after the other and share the radio with the sound, which goes first. What
LC3 and lost packets do to the sound is not in it, only its bytes are counted.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import numpy as np

from device.glasses import CHUNK, RATE, Button, Ended, Frame, Microphone, Speaker, Unplugged
from sim.profile.camera import DeviceCamera
from sim.profile.read import RadioTable

GONE = "The glasses are out of reach; bring them nearer to their host."
CHUNK_S = CHUNK / RATE
STALE_S = 1.0  # a picture that nobody has waited for since is of another moment


class Radio:
    """What both ends share. up, down: bytes from the glasses and to them; busy_s: seconds in which something was sent.

    now: seconds of sound heard.
    """

    def __init__(self, table: RadioTable) -> None:
        self.table = table
        self.now = 0.0
        self.up = self.down = 0
        self.over = False  # the recording that was the clock has ended: nothing is late any more
        self._down_until = 0.0
        self._due: list[Callable[[], None]] = []

    @property
    def delay_s(self) -> float:
        """Of a chunk of sound, in whole chunks."""
        packet_s = self.table.sound_bytes_per_s * CHUNK_S / self.table.bytes_per_s
        return float(np.ceil(round((self.table.latency_s + packet_s) / CHUNK_S, 6))) * CHUNK_S

    @property
    def delay_chunks(self) -> int:
        return round(self.delay_s / CHUNK_S)

    @property
    def busy_s(self) -> float:
        return (self.up + self.down) / self.table.bytes_per_s

    @property
    def dropped(self) -> bool:
        return self.now < self._down_until

    def drop(self, seconds: float) -> None:
        """Nothing gets through for so long, on the sound's clock. 0 ends it."""
        self._down_until = self.now + seconds

    def picture_s(self, size: int) -> float:
        """Seconds until a picture of `size` bytes is there."""
        return self.table.latency_s + size / (self.table.bytes_per_s - self.table.sound_bytes_per_s)

    def on_tick(self, due: Callable[[], None]) -> None:
        """Called whenever time has passed."""
        self._due.append(due)

    def tick(self, seconds: float) -> None:
        self.now += seconds
        for due in self._due:
            due()

    def end(self) -> None:
        self.over = True
        self.tick(0.0)


class RadioMicrophone:
    """Implements device.glasses.Microphone. What is said while the radio is down is lost, and takes its time."""

    def __init__(self, microphone: Microphone, radio: Radio) -> None:
        self._microphone, self._radio = microphone, radio
        self._begin()

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol says; the first chunks are silence, until the first of the others is there."""
        if self._radio.dropped:
            self._begin()
            self._hear(0.0)  # whoever is told that it is gone waits himself
            raise Unplugged(GONE)
        try:
            chunk = self._hear(timeout_s)
        except Ended:
            if not self._coming:
                raise
            return self._coming.popleft()
        if chunk is None:
            return None
        self._radio.up += round(self._radio.table.sound_bytes_per_s * CHUNK_S)
        self._coming.append(chunk)
        return self._coming.popleft()

    def late_s(self) -> float:
        """As the protocol says; of a recording, whose clock is its sound, what the radio adds on that clock."""
        return self._microphone.late_s() + self._radio.delay_s

    def _hear(self, timeout_s: float) -> np.ndarray | None:
        try:
            chunk = self._microphone.read(timeout_s)
        except Ended:
            self._radio.end()
            raise
        except Unplugged:
            self._radio.tick(CHUNK_S)
            raise
        self._radio.tick(timeout_s if chunk is None else CHUNK_S)
        return chunk

    def _begin(self) -> None:
        self._coming = deque([np.zeros(CHUNK, np.float32)] * self._radio.delay_chunks)


class RadioCamera:
    """Implements device.glasses.Camera: one picture at a time, asked for while somebody looks."""

    def __init__(self, camera: DeviceCamera, radio: Radio) -> None:
        self._camera, self._radio = camera, radio
        self._here: Frame | None = None
        self._coming: tuple[Frame, float] | None = None  # and when it will be there
        self._asked_at = -STALE_S

    def latest(self) -> Frame | None:
        """As the protocol says; a frame's time is when it was taken, not when it came."""
        radio = self._radio
        if radio.dropped:
            self._here = self._coming = None
            raise Unplugged(GONE)
        if radio.now - self._asked_at > STALE_S:
            self._here = self._coming = None
        self._asked_at = radio.now
        if self._coming is not None and (radio.now >= self._coming[1] or radio.over):
            self._here, self._coming = self._coming[0], None
        if self._coming is None and (taken := self._camera.take()):
            frame, size = taken
            if self._here is None or frame is not self._here:
                radio.up += size
                self._coming = frame, radio.now + radio.picture_s(size)
        return self._here


class RadioSpeaker:
    """Implements device.glasses.Speaker: sound, and the wish for silence, arrive after the radio's delay."""

    def __init__(self, speaker: Speaker, radio: Radio) -> None:
        self._speaker, self._radio = speaker, radio
        self._lock = threading.Lock()
        self._sent: deque[tuple[float, np.ndarray | None, int]] = deque()  # when it is there; None is silence
        self._trouble: Unplugged | None = None
        radio.on_tick(self._arrive)

    def play(self, samples: np.ndarray, rate: int) -> None:
        """As the protocol says; that the speaker is gone is known when the sound before has come there."""
        if self._radio.dropped:
            raise Unplugged(GONE)
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble
        self._radio.down += round(len(samples) / rate * self._radio.table.sound_bytes_per_s)
        self._send(samples, rate)

    def stop(self) -> None:
        """As the protocol says, but for the delay: what has been heard by then cannot be called back."""
        with self._lock:
            self._sent = deque(sent for sent in self._sent if sent[1] is None)
        if not self._radio.dropped:
            self._send(None, RATE)

    def pending_s(self) -> float:
        """As the protocol says, what is on its way included."""
        with self._lock:
            sounds = [sent for sent in self._sent if sent[1] is not None]
            on_the_way = max(0.0, sounds[0][0] - self._radio.now) if sounds else 0.0
            seconds = sum(len(samples) / rate for _, samples, rate in sounds if samples is not None)
            return self._speaker.pending_s() + on_the_way + seconds

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """As the protocol says, with the `late_s` of this radio's microphone.

        Where the samples of that microphone are the clock, the speaker counts from the chunk that is heard now, and
        the one that is meant is the radio's delay older.
        """
        delay = self._radio.delay_chunks * CHUNK
        return self._speaker.played(count + delay, max(0.0, late_s - delay / RATE))[:count]

    def _send(self, samples: np.ndarray | None, rate: int) -> None:
        with self._lock:
            due = self._radio.now + self._radio.delay_s
            self._sent.append((max(due, self._sent[-1][0]) if self._sent else due, samples, rate))
        if self._radio.over:
            self._arrive()

    def _arrive(self) -> None:
        with self._lock:
            while self._sent and (self._radio.over or self._radio.now >= self._sent[0][0] - 1e-9):
                _, samples, rate = self._sent.popleft()
                try:
                    if samples is None:
                        self._speaker.stop()
                    else:
                        self._speaker.play(samples, rate)
                except Unplugged as gone:
                    self._trouble = gone


class RadioButton:
    """Implements device.glasses.Button. What is pressed while the radio is down is lost."""

    def __init__(self, button: Button, radio: Radio) -> None:
        self._button, self._radio = button, radio
        self._due: deque[float] = deque()

    def pressed(self) -> bool:
        """As the protocol says."""
        if self._button.pressed() and not self._radio.dropped:
            self._due.append(self._radio.now + self._radio.table.latency_s)
        if self._due and (self._radio.over or self._radio.now >= self._due[0]):
            self._due.popleft()
            return True
        return False
