"""Where a question begins and ends in what the microphone hears.

A pause ends a question sooner or later by what was said (whether the words are a whole sentence) and, where that does
not settle it, by how it was said (the end-of-turn model). All times are counted in samples heard, so that a recording
gives the same result at any speed. Knows no microphone, no recogniser and no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from device.glasses import CHUNK, RATE
from device.hearing.loudness import Loudness
from device.hearing.sentence import Sentence
from models.voice_activity import MIN_SPEECH, START, STOP, VoiceActivity

PREROLL_S = 0.5  # kept from before the first voiced chunk: a soft first syllable scores low
_MISSED = 4  # chunks that the detector hears when it is asked again, to know how it came to this
TURN_SILENCE_S = 0.1  # of the pause, heard by the end-of-turn model at first: more makes it believe too early


class Heard(Enum):
    """What a chunk changed."""

    QUIET = auto()  # nobody has spoken yet, or only a click was heard
    BEGUN = auto()  # somebody has just begun to speak
    SPEECH = auto()  # and goes on
    PAUSED = auto()  # has just been silent long enough to be worth a first guess at the question
    PAUSE = auto()  # is still silent
    RESUMED = auto()  # has gone on after PAUSED
    ENDED = auto()  # has finished


@dataclass(frozen=True)
class Pace:
    """How patient to be; seconds, but for `sure` (a probability), `hesitant` (a factor) and `onset` (chunks).

    guess: a pause after which a first guess at the question is worth its cost. again: how often the end-of-turn model
    is asked while a pause lasts. wordless: when it is asked although the words are not known yet. longest: the pause
    that ends any question. fixed: the pause that ends one where there is no such model. utterance: the longest
    question. sure: from there on the model believes the speaker has finished. onset: voiced chunks in a row that begin
    a question, as long as `Endpointer.onset` is not set to another number.

    whole: the pause that ends a whole sentence; the model is not asked about one, since its verdict costs as much time
    as it could save. hesitant: so many times the longest pause within the question is waited for, too, at most as long
    as for unclear words: who has paused will do so again. unclear, open: the pauses that end other words when the model
    is sure, and when it is not.
    """

    guess: float = 0.06
    again: float = 0.25
    wordless: float = 0.35
    longest: float = 2.5
    fixed: float = 0.8
    utterance: float = 60.0
    sure: float = 0.5
    onset: int = 2
    whole: float = 0.4
    hesitant: float = 1.5
    unclear: tuple[float, float] = (0.4, 0.8)
    open: tuple[float, float] = (1.5, 2.5)

    def enough(self, said: Sentence | None, chance: float, hesitation_s: float = 0.0) -> float:
        """The pause that ends a question, given what was said, the model's probability and the longest pause in it."""
        if said is Sentence.WHOLE:
            return max(self.whole, min(self.hesitant * hesitation_s, self.unclear[1]))
        return (self.open if said is Sentence.OPEN else self.unclear)[0 if chance >= self.sure else 1]


class Endpointer:
    """Feed it consecutive chunks; `utterance` is what was said since the question began.

    finished: float32 [n] at 16 kHz -> probability that the speaker has finished; None waits out `pace.fixed` instead.
    Whoever knows the words says so in `said`, which holds until speech goes on; None are words that are not known yet.
    """

    def __init__(
        self,
        finished: Callable[[np.ndarray], float] | None,
        pace: Pace = Pace(),
        activity: VoiceActivity | None = None,
    ):
        self._finished, self._pace = finished, pace
        self._activity = activity or VoiceActivity()
        self._loudness = Loudness()
        self._unheard: deque[np.ndarray] = deque(maxlen=_MISSED)  # the last that the detector has not heard
        self._before: deque[np.ndarray] = deque(maxlen=int(PREROLL_S * RATE / CHUNK))
        self.onset = pace.onset
        self.answering = False  # meanwhile nobody but the wearer begins a question
        self.judging = False  # the model is not asked about speech that is not for the assistant
        # A verdict takes long, and the sound goes on coming in.
        self._asking = ThreadPoolExecutor(1, "end-of-turn") if finished else None
        self.reset()

    def close(self) -> None:
        """Ends the end-of-turn model's thread."""
        if self._asking is not None:
            self._asking.shutdown(wait=False, cancel_futures=True)

    def reset(self) -> None:
        """Waits for another question, which may already have begun in what was heard last."""
        self._chunks: list[np.ndarray] = []
        self._voiced_run = self._silent = self._voiced_chunks = 0
        self._begun = self._speech = self._guessed = False
        self._loudness.forget_speech()
        self._last_voiced = 0
        self._hesitation_s = 0.0
        self._new_pause()

    def answered(self) -> None:
        """What was said was the wearer's question; waits for another."""
        self._loudness.was_question()
        self.reset()

    def _new_pause(self) -> None:
        self._silent = 0
        self._verdict: Future[float] | None = None
        self._chance = 0.0
        self._asked_at = 0.0
        self.said: Sentence | None = None

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

    @property
    def speaking_s(self) -> float:
        """Seconds from the first voiced chunk to now."""
        return max(0, len(self._chunks) - self._before_chunks) * CHUNK / RATE if self._begun else 0.0

    def _up_to(self, silence_s: float) -> np.ndarray:
        keep = self._last_voiced + int(silence_s * RATE / CHUNK)
        return np.concatenate(self._chunks[:keep]) if self._chunks else np.zeros(0, np.float32)

    def feed(self, chunk: np.ndarray) -> Heard:
        """float32 [CHUNK] at 16 kHz."""
        self._loudness.hear(chunk)
        voiced = self._is_speech(chunk) and not (self._begun and self._loudness.faint)
        if voiced:
            self._loudness.was_speech()
        self._voiced_run = self._voiced_run + 1 if voiced else 0
        self._voiced_chunks += voiced
        if not self._begun:
            self._before.append(chunk)
            if not self._begins():
                return Heard.QUIET
            return self._begin()
        self._chunks.append(chunk)
        if voiced:
            return self._go_on()
        self._silent += 1
        return self._wait()

    def _is_speech(self, chunk: np.ndarray) -> bool:
        if not self._loudness.above_room:  # the detector need not be asked, which is most of what listening costs
            self._speech = self._speech and len(self._unheard) < _MISSED
            self._unheard.append(chunk)
            return False
        for missed in self._unheard:
            self._activity.probability(missed)
        self._unheard.clear()
        chance = self._activity.probability(chunk)
        self._speech = chance >= (STOP if self._speech else START)
        return self._speech

    def _begins(self) -> bool:
        if self.answering:
            return self._loudness.wearer_speaks(self._voiced_run, self.onset)
        return self._voiced_run >= self.onset

    def _begin(self) -> Heard:
        self._begun = True
        self._chunks = list(self._before)
        self._before.clear()
        self._last_voiced = len(self._chunks)
        self._voiced_chunks = self._voiced_run
        self._before_chunks = len(self._chunks) - self._voiced_run
        return Heard.BEGUN

    def _go_on(self) -> Heard:
        self._last_voiced = len(self._chunks)
        self._hesitation_s = max(self._hesitation_s, self.silence_s)
        self._new_pause()
        resumed, self._guessed = self._guessed, False
        if self.speaking_s >= self._pace.utterance:
            return Heard.ENDED
        return Heard.RESUMED if resumed else Heard.SPEECH

    def _wait(self) -> Heard:
        pace, silence = self._pace, self.silence_s
        if not self._guessed and silence >= pace.guess:
            if self._voiced_chunks * CHUNK < MIN_SPEECH * RATE:  # a click, which a recogniser would make words of
                heard = self._chunks
                self.reset()
                self._before.extend(heard)  # it may have been the first sound of a word
                return Heard.QUIET
            self._guessed = True
            return Heard.PAUSED
        if self._finished is None:
            return Heard.ENDED if silence >= pace.fixed else Heard.PAUSE
        if self._verdict is not None and self._verdict.done():
            self._chance, self._verdict = self._verdict.result(), None
        left_s = min(pace.longest, pace.enough(self.said, self._chance, self._hesitation_s)) - silence
        if left_s <= 0:
            return Heard.ENDED
        self._ask_when_due(left_s)
        return Heard.PAUSE

    def _ask_when_due(self, left_s: float) -> None:
        """Asks the model, never waiting for it; again only while the pause goes on long enough for that to matter.

        Whatever it takes is taken from the answer that is being made meanwhile.
        """
        if not (self.judging and self._finished and self._asking) or self._verdict is not None:
            return
        if self.said is Sentence.WHOLE or (self.said is None and self.silence_s < self._pace.wordless):
            return
        if not self._asked_at:
            heard = self._up_to(TURN_SILENCE_S)
        elif self.silence_s >= self._asked_at + self._pace.again and left_s > self._pace.again:
            heard = self._up_to(self.silence_s)
        else:
            return
        self._asked_at = self.silence_s
        self._verdict = self._asking.submit(self._finished, heard)
