"""One guess at what was asked, and the answer to it, worked on before it is certain that the wearer has finished.

The sound of the answer is held back until `release`; a guess that proves wrong is cancelled and nothing of it is heard.
Knows nothing of states, wake words or cameras.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from device.experts.scene import Scene
from device.glasses import Frame
from device.skills.commands import Command
from device.thinking.follow_up import complete, leans_back
from device.turn import Turn
from models.vision_language import View

T = TypeVar("T")


class Cancelled(Exception):
    """The guess is not wanted any more."""


@dataclass
class Past:
    """What a follow-up may lean on: the turn before, its view and what was found out about the picture."""

    turn: Turn
    view: View | None
    scene: Scene | None = None


@dataclass
class Attempt:
    """utterance: float32 [n] at 16 kHz. looking: waits for the view of the picture; None where there is none."""

    utterance: np.ndarray
    looking: Callable[[], View | None] | None
    past: Past | None
    play: Callable[[np.ndarray, int], None]
    before: np.ndarray | None = None  # what was taken for a whole question and may have been its first half
    own_words: str = ""  # what the assistant was saying meanwhile, which it must not take for a question
    turn: Turn = field(default_factory=Turn)
    command: Command | None = None
    hushed: bool = False  # was a word over an answer that asks nothing
    wordless: bool = False  # somebody spoke and no word could be told
    view: View | None = None
    scene: Scene | None = None
    error: Exception | None = None
    effect: Callable[[], None] = lambda: None  # done with the first sound, when the question was surely whole
    # What was made of the answer: text, samples, rate; a clause that comes in stretches has its text in the first.
    spoken: list[tuple[str, np.ndarray, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._released = self._cancelled = False
        self._played = 0  # of `spoken`
        self.finished = threading.Event()
        self.transcribed = threading.Event()
        self.asked_at: float | None = None  # on time.perf_counter's clock, when the model was
        self.first_sound_at: float | None = None

    def cancel(self) -> None:
        """Ends the work soon; nothing more is played."""
        with self._lock:
            self._cancelled = True

    def release(self) -> None:
        """The question was complete: what there is of the answer is played, and what comes from now on at once."""
        with self._lock:
            self._released = True
            self._play_ready()

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    @property
    def sounding(self) -> bool:
        """Whether any of the answer has been handed to the speaker."""
        return self.first_sound_at is not None

    def check(self) -> None:
        """Raises Cancelled once it is."""
        if self._cancelled:
            raise Cancelled

    def say(self, text: str, samples: np.ndarray, rate: int) -> None:
        """Adds sound to the answer."""
        with self._lock:
            if self.asked_at is not None:
                self.turn.timings_ms.setdefault("first_speech", 1e3 * (time.perf_counter() - self.asked_at))
            self.spoken.append((text, samples, rate))
            if self._released:
                self._play_ready()

    def _play_ready(self) -> None:
        while self._played < len(self.spoken) and not self._cancelled:
            _, samples, rate = self.spoken[self._played]
            self.play(samples, rate)
            self._played += 1
            if self.first_sound_at is None:
                self.first_sound_at = time.monotonic()
                self.effect()

    def clause_at(self, unheard_s: float) -> int:
        """Where in `spoken` the clause begins that was heard when `unheard_s` seconds had not yet left the speaker."""
        left = unheard_s
        for index in reversed(range(self._played)):
            _, samples, rate = self.spoken[index]
            left -= len(samples) / rate
            if left <= 0 and self.spoken[index][0]:
                return index
        return 0

    @property
    def all_text(self) -> str:
        """All clauses made so far, heard or not."""
        return " ".join(filter(None, (text for text, _, _ in self.spoken)))

    def heard_text(self, unheard_s: float) -> str:
        """The clauses that were heard in full or in part."""
        heard = self.spoken[: self.clause_at(unheard_s) + 1] if self._played else []
        return " ".join(filter(None, (text for text, _, _ in heard)))

    def choose(self) -> tuple[str, View | None]:
        """The question to ask and the view to ask it of: the one before for a question that leans back."""
        question = self.turn.transcript
        if self.past and self.past.view and leans_back(question):
            self.look_back()
            return complete(question, self.past.turn.transcript, self.past.turn.answer), self.view
        self.view = self.looking() if self.looking else None
        return question, self.view

    def look_back(self) -> None:
        """The turn is about the picture of the one before."""
        if self.past is not None and self.past.view is not None:
            self.view, self.scene = self.past.view, self.past.scene
            self.turn.frame = Frame(self.past.view.picture, self.turn.frame.at if self.turn.frame else 0.0)


def until_cancelled(pieces: Iterator[T], attempt: Attempt) -> Iterator[T]:
    for piece in pieces:
        attempt.check()
        yield piece
