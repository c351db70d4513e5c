"""Where a question begins and ends in what the microphone hears.

A pause ends a question when the end-of-turn model believes that the speaker has finished, or when it has lasted long
enough anyway. All times are counted in samples heard, so that a recording gives the same result at any speed. Knows
no microphone, no recogniser and no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from device.glasses import CHUNK, RATE
from models.voice_activity import START, STOP, VoiceActivity

PREROLL_S = 0.5  # kept from before the first voiced chunk: a soft first syllable scores low

TURN_SILENCE_S = 0.1  # of the pause, heard by the end-of-turn model at first: more makes it believe too early


class Heard(Enum):
    """What a chunk changed."""

    QUIET = auto()  # nobody has spoken yet
    BEGUN = auto()  # somebody has just begun to speak
    SPEECH = auto()  # and goes on
    PAUSED = auto()  # has just been silent long enough to be worth a first guess at the question
    PAUSE = auto()  # is still silent
    RESUMED = auto()  # has gone on after PAUSED
    ENDED = auto()  # has finished


@dataclass(frozen=True)
class Pace:
    """How patient to be; seconds, but for `sure` (probability) and `onset` (chunks).

    guess: a pause after which a first guess at the question is worth its cost. shortest: the pause after which the
    end-of-turn model is asked, again every `again`. longest: the pause that ends any question. utterance: the longest
    question. onset: voiced chunks in a row that begin one, as long as `Endpointer.onset` is not set to another number.
    """

    guess: float = 0.1
    shortest: float = 0.25
    again: float = 0.25
    longest: float = 2.5
    utterance: float = 60.0
    sure: float = 0.5
    onset: int = 2


class Endpointer:
    """Feed it consecutive chunks; `utterance` is what was said since the question began.

    finished: float32 [n] at 16 kHz -> probability that the speaker has finished; None waits out `fixed_pause` seconds
    of silence instead.
    """

    def __init__(
        self,
        finished: Callable[[np.ndarray], float] | None,
        pace: Pace = Pace(),
        fixed_pause: float = 0.8,
        activity: VoiceActivity | None = None,
    ):
        self._finished, self._pace, self._fixed_pause = finished, pace, fixed_pause
        self._activity = activity or VoiceActivity()
        self._before: deque[np.ndarray] = deque(maxlen=int(PREROLL_S * RATE / CHUNK))
        self.onset = pace.onset
        # The model is asked when the pause begins to look like an end, so that its verdict is there when it is due.
        self._asking = ThreadPoolExecutor(1, "end-of-turn") if finished else None
        self.reset()

    def reset(self) -> None:
        """Waits for another question, which may already have begun in what was heard last."""
        self._chunks: list[np.ndarray] = []
        self._voiced_run = self._silent = 0
        self._asked_at = 0.0
        self._begun = self._voiced = self._guessed = False
        self._last_voiced = 0
        self._verdict: Future[float] | None = None

    @property
    def begun(self) -> bool:
        return self._begun

    @property
    def voiced_run(self) -> int:
        """Voiced chunks in a row up to now."""
        return self._voiced_run

    @property
    def utterance(self) -> np.ndarray:
        """float32 [n] at 16 kHz: what was said, with the moment before it and at most 0.2 s of silence after it."""
        return self._up_to(0.2)

    @property
    def silence_s(self) -> float:
        """Seconds since the last voiced chunk."""
        return self._silent * CHUNK / RATE

    def _up_to(self, silence_s: float) -> np.ndarray:
        keep = self._last_voiced + int(silence_s * RATE / CHUNK)
        return np.concatenate(self._chunks[:keep]) if self._chunks else np.zeros(0, np.float32)

    def feed(self, chunk: np.ndarray) -> Heard:
        """float32 [CHUNK] at 16 kHz."""
        chance = self._activity.probability(chunk)
        self._voiced = chance >= (STOP if self._voiced else START)
        self._voiced_run = self._voiced_run + 1 if self._voiced else 0
        if not self._begun:
            self._before.append(chunk)
            if self._voiced_run < self.onset:
                return Heard.QUIET
            self._begun = True
            self._chunks = list(self._before)
            self._last_voiced = len(self._chunks)
            return Heard.BEGUN
        self._chunks.append(chunk)
        if self._voiced:
            return self._go_on()
        self._silent += 1
        return self._wait()

    def _go_on(self) -> Heard:
        self._last_voiced = len(self._chunks)
        self._silent, self._asked_at = 0, 0.0
        resumed, self._guessed = self._guessed, False
        if len(self._chunks) * CHUNK >= self._pace.utterance * RATE:
            return Heard.ENDED
        return Heard.RESUMED if resumed else Heard.SPEECH

    def _ask(self, silence_s: float) -> None:
        if self._finished and self._asking:
            self._verdict = self._asking.submit(self._finished, self._up_to(silence_s))

    def _wait(self) -> Heard:
        pace, silence = self._pace, self.silence_s
        if silence >= pace.longest or (self._finished is None and silence >= self._fixed_pause):
            return Heard.ENDED
        if not self._guessed and silence >= pace.guess:
            self._guessed = True
            self._ask(TURN_SILENCE_S)
            return Heard.PAUSED
        if self._verdict and silence >= max(pace.shortest, self._asked_at + pace.again):
            self._asked_at = silence
            if self._verdict.result() >= pace.sure:
                return Heard.ENDED
            self._ask(TURN_SILENCE_S + silence - pace.shortest)
        return Heard.PAUSE
