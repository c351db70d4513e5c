"""Whether somebody calls the assistant: by a wake word or by its name at the beginning of a sentence.

The wake word has a detector of its own, which is cheap. For the name, what anybody says nearby is transcribed up to its
first pause, and thrown away. Knows no button and no state of the turn.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from device.glasses import CHUNK, RATE
from device.hearing.ears import WakeWords
from device.hearing.endpoint import Endpointer, Heard
from device.hearing.wake_phrase import after_wake_phrase

NAME_S = 1.2  # of a sentence that goes on, after which it is searched for the name, to begin looking early
LONGEST_S = 8.0  # a sentence with a pause no sooner than this calls nobody


@dataclass(frozen=True)
class Call:
    """question: what followed the name in the same breath; utterance: the samples it was in, name and all."""

    question: str = ""
    utterance: np.ndarray | None = None


class Waking:
    """transcribe: float32 [n] at 16 kHz -> its words, later; None listens for no name."""

    def __init__(
        self,
        endpointer: Endpointer,
        wake_words: WakeWords | None,
        transcribe: Callable[[np.ndarray], Future[str]] | None,
    ):
        self._endpointer, self._wake_words, self._transcribe = endpointer, wake_words, transcribe
        self._guess: tuple[np.ndarray, Future[str]] | None = None

    def reset(self) -> None:
        """Forgets what was heard: a call that is over, or one that was answered otherwise."""
        self._guess = None
        if self._wake_words:
            self._wake_words.reset()

    def feed(self, chunk: np.ndarray) -> Call | None:
        """float32 [CHUNK] -> who calls, if anybody; what may be a question goes on in the endpointer."""
        heard = self._endpointer.feed(chunk)
        call = self._called_by_name(heard)
        if self._wake_words and self._wake_words.heard(chunk):
            call = Call()
        if call is None and heard is Heard.ENDED:
            self._endpointer.reset()
        return call

    def _called_by_name(self, heard: Heard) -> Call | None:
        if self._transcribe is None:
            return None
        speaking_s = self._endpointer.speaking_s
        early = heard is Heard.SPEECH and 0 <= speaking_s - NAME_S < CHUNK / RATE
        if early or (heard is Heard.PAUSED and speaking_s <= LONGEST_S):
            utterance = self._endpointer.utterance
            self._guess = utterance, self._transcribe(utterance)
        elif self._guess is not None and self._guess[1].done():
            (utterance, said), self._guess = self._guess, None
            question = after_wake_phrase(said.result())
            return None if question is None else Call(question, utterance)
        return None
