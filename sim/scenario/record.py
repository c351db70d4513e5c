"""What has happened in a scenario, on the sound's clock: what Glint told, the turns, what the speaker played.

Knows neither the script nor the glasses.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from device.glasses import RATE
from device.turn import Turn
from sim.benchmark.booth import EARCON_S


@dataclass(frozen=True)
class Event:
    """As Live.on_event tells it."""

    at_s: float
    kind: str
    text: str


@dataclass(frozen=True)
class Past:
    """A turn that is over. asked_s: when the last word or press before its answer was over; sounded_s: when the answer
    began, None where nothing was heard of it; ended_s: when the turn was over.
    """

    turn: Turn
    asked_s: float
    sounded_s: float | None
    ended_s: float

    def as_dict(self) -> dict[str, Any]:
        """The turn's own record and these."""
        times = {"asked_s": self.asked_s, "sounded_s": self.sounded_s, "ended_s": self.ended_s}
        return self.turn.as_dict() | {name: None if at is None else round(at, 3) for name, at in times.items()}


@dataclass
class Sound:
    """Something played: from which sample to which; signal: one of the short ones that are no speech."""

    start: int
    end: int
    signal: bool


@dataclass
class Record:
    """now_s: the sound's clock. cue_began_s, cue_ended_s: of the last say or press."""

    now_s: Callable[[], float]
    events: list[Event] = field(default_factory=list)
    turns: list[Past] = field(default_factory=list)
    sounds: list[Sound] = field(default_factory=list)
    state: str = "asleep"
    cue_began_s: float = 0.0
    cue_ended_s: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._spoken: tuple[float, float | None] | None = (
            None  # when the answer that is being said was asked, and began
        )
        self._resumed = False

    def event(self, kind: str, text: str) -> None:
        """As Live.on_event."""
        self.events.append(Event(round(self.now_s(), 3), kind, text))
        if kind == "note" and text == "resumed":
            self._resumed = True
        if kind != "state":
            return
        self.state = text
        if text == "speaking":
            if not self._resumed:
                self._spoken = self.cue_ended_s, self.first_speech_s(self.cue_began_s)
            self._resumed = False

    def turn(self, turn: Turn) -> None:
        """As Live.on_turn."""
        asked_s, sounded_s = self._spoken or (self.cue_ended_s, None)
        self._spoken = None
        if turn.frame is not None:  # the loop takes a frame's time for one on the machine's clock
            turn.picture = f"frame at {turn.frame.at:.2f} s"
        self.turns.append(Past(turn, asked_s, sounded_s, self.now_s()))

    def played(self, count: int, rate: int) -> None:
        """So many samples were handed to the speaker."""
        with self._lock:
            now = round(self.now_s() * RATE)
            start = max(now, self.sounds[-1].end if self.sounds else 0)
            self.sounds.append(Sound(start, start + round(count * RATE / rate), count / rate <= EARCON_S))

    def stopped(self) -> None:
        """The speaker fell silent."""
        with self._lock:
            now = round(self.now_s() * RATE)
            self.sounds = [sound for sound in self.sounds if sound.start < now]
            if self.sounds:
                self.sounds[-1].end = min(self.sounds[-1].end, now)

    def speech(self, after_s: float) -> list[tuple[float, float]]:
        """When something was said after that moment, up to now: (start, end) in seconds."""
        with self._lock:
            now = self.now_s()
            spans = [(sound.start / RATE, sound.end / RATE) for sound in self.sounds if not sound.signal]
        return [(max(start, after_s), min(end, now)) for start, end in spans if end > after_s and start < now]

    def first_speech_s(self, after_s: float) -> float | None:
        """When the first speech that began after that moment began, heard already or about to be."""
        with self._lock:
            return next((s.start / RATE for s in self.sounds if not s.signal and s.start / RATE >= after_s), None)
