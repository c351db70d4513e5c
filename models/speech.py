"""What a recogniser and a voice are, to all that use one: what goes in, what comes out, and what may go wrong."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from models.audio import Sound
from models.errors import GlintError


class NoSpeech(GlintError):
    """Nobody speaks in the recording."""


@dataclass(frozen=True)
class Transcript:
    """The words of a recording.

    `seconds` is the length of the recording; `timings_ms` says what took how long: `voice_activity`, `recognise`.
    """

    text: str
    seconds: float
    timings_ms: dict[str, float] = field(default_factory=dict)


class Recognizer(Protocol):
    def transcribe(self, sound: Sound) -> Transcript:
        """The words of a recording of any rate and length. Raises NoSpeech if there are none."""
        ...

    def text(self, samples: np.ndarray) -> str:
        """float32 [n] at 16 kHz in which somebody is known to speak -> the words, without looking for where."""
        ...


class Voice(Protocol):
    pace: float  # 1 is the voice's own; 1.25 is a quarter slower. May be changed between texts

    @property
    def rate(self) -> int:
        """Samples a second of what `speak` yields."""
        ...

    def speak(self, text: str) -> Generator[np.ndarray, None, None]:
        """Yield the speech, mono, as float32 [n] within -1..1 or int16 [n], as it is made.

        Closing the generator ends the synthesis. A text with nothing to pronounce yields nothing.
        """
        ...
