"""What a pair of glasses is to the assistant: an eye, an ear, a mouth and a button. Nothing above knows which pair.

A laptop, files, the simulator's page and real hardware implement it. Sensors that fail say so by `Unplugged` and go on
being asked: whoever implements one tries to reopen it, so that a camera that is plugged in again simply works again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from models.errors import GlintError

if TYPE_CHECKING:
    from device.cards.card import Card

RATE = 16_000  # samples a second of everything that is heard
CHUNK = 512  # samples, 32 ms: what a microphone gives at once


class Unplugged(GlintError):
    """A sensor or the speaker is gone for now; the message says which and what to do."""


class Ended(Exception):
    """A recording that plays the microphone is over; nothing more will ever be heard."""


@dataclass(frozen=True)
class Frame:
    """What the camera saw: pixels uint8 RGB [height, width, 3], taken at `at` (seconds on time.monotonic's clock)."""

    pixels: np.ndarray
    at: float


class Microphone(Protocol):
    """The ear."""

    def read(self, timeout_s: float) -> np.ndarray | None:
        """The next CHUNK samples, float32 [CHUNK] in -1..1 at RATE, in order, without gaps; None if none came in time.

        A reader that is late gets what was missed first. Raises Unplugged while there is no microphone, Ended at the
        end of a recording.
        """
        ...

    def late_s(self) -> float:
        """Seconds since the last sample of the chunk that `read` returned last was heard.

        0 before the first and for recordings, whose samples are the clock.
        """
        ...


class Camera(Protocol):
    """The eye."""

    def latest(self) -> Frame | None:
        """The newest frame, at once; None before the first. Raises Unplugged while there is no camera."""
        ...


class Speaker(Protocol):
    """The mouth: plays in the background."""

    def play(self, samples: np.ndarray, rate: int) -> None:
        """Queues float32 [n] in -1..1 behind what is playing. Raises Unplugged while there is no speaker."""
        ...

    def stop(self) -> None:
        """Silence, at once (within one block of the sound device); forgets what is queued."""
        ...

    def pending_s(self) -> float:
        """Seconds of sound queued and not yet played; 0 when silent."""
        ...

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """The last `count` samples that had left the speaker `late_s` seconds ago, float32 [count] at RATE.

        Zeros where it was silent. What an echo canceller subtracts from the chunk of a microphone that is `late_s`
        late. A speaker whose clock is the microphone's samples, such as a file, has said nothing since that chunk and
        leaves `late_s` out of account.
        """
        ...


class Button(Protocol):
    """What the wearer can press to open a turn."""

    def pressed(self) -> bool:
        """Whether it was pressed since the last call."""
        ...


@runtime_checkable
class Display(Protocol):
    """A few lines in the wearer's view (device.cards). Not every pair has one."""

    def show(self, cards: Sequence[Card], picture: np.ndarray | None = None) -> None:
        """These, and nothing of what was shown before. At once; what cannot be shown is lost.

        picture: uint8 RGB [height, width, 3], what was looked at, for cards that point at places in it.
        """
        ...


class Light(Enum):
    """What the people around see: off while only a call is waited for, else a colour."""

    OFF = "off"
    GREEN = "green"  # looks and listens
    YELLOW = "yellow"  # thinks
    BLUE = "blue"  # speaks


@runtime_checkable
class Led(Protocol):
    """The light at the front. Not every pair has one."""

    def light(self, light: Light) -> None: ...


@dataclass(frozen=True)
class Condition:
    """battery: 0..1 of what it holds; celsius: of what touches the skin."""

    battery: float = 1.0
    celsius: float = 25.0


@runtime_checkable
class Gauge(Protocol):
    """Battery and thermometer. Not every pair has them."""

    def condition(self) -> Condition:
        """At once."""
        ...


class Glasses(Protocol):
    """One pair. Sensors open at first use; `close` releases all of them and may be called twice."""

    microphone: Microphone
    camera: Camera
    speaker: Speaker
    button: Button

    def close(self) -> None: ...
