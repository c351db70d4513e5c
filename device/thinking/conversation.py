"""What has been said so far: the turn a follow-up leans on, and the answer that was interrupted and may go on.

Knows no sensors and no models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from device.thinking.attempt import Attempt, Past
from device.turn import Turn


@dataclass
class Interrupted:
    """An answer that was cut off in `clause` of what was spoken."""

    attempt: Attempt
    clause: int


class Conversation:
    """`on_turn` gets every turn that is over."""

    def __init__(self, on_turn: Callable[[Turn], None]):
        self._on_turn = on_turn
        self.past: Past | None = None
        self.interrupted: Interrupted | None = None
        self.first_half: np.ndarray | None = None  # of a question that was taken for whole

    def remember(self, attempt: Attempt) -> None:
        """A follow-up will lean on this turn; its picture is the one before where it had none of its own."""
        if attempt.view is None and self.past is not None:
            self.past = Past(attempt.turn, self.past.view, self.past.scene)
        else:
            self.past = Past(attempt.turn, attempt.view, attempt.scene)

    def finish(self, attempt: Attempt) -> None:
        """The answer was heard to its end."""
        self.remember(attempt)
        self._on_turn(attempt.turn)

    def interrupt(self, attempt: Attempt, unheard_s: float, goes_on: bool) -> None:
        """The answer was cut off. goes_on: the wearer had not finished asking, so the turn is still the same."""
        attempt.turn.answer = attempt.heard_text(unheard_s)
        self.interrupted = Interrupted(attempt, attempt.clause_at(unheard_s))
        if goes_on:
            self.first_half = attempt.utterance
        else:
            self.remember(attempt)

    def rest(self, play: Callable[[np.ndarray, int], None]) -> Attempt:
        """What was interrupted, going on with the clause that was cut; the interruption was none."""
        assert self.interrupted is not None
        attempt, clause = self.interrupted.attempt, self.interrupted.clause
        self.interrupted = self.first_half = None
        rest = Attempt(np.zeros(0, np.float32), None, self.past, play, turn=attempt.turn)
        rest.view = attempt.view
        rest.release()
        for piece in attempt.spoken[clause:]:
            rest.say(*piece)
        rest.turn.answer = attempt.all_text
        rest.finished.set()
        return rest

    def move_on(self, to_answer: bool = False) -> None:
        """What was interrupted will not go on; its turn is over, unless half a question is answered as a whole now."""
        if self.interrupted is not None and not (to_answer and self.first_half is not None):
            self._on_turn(self.interrupted.attempt.turn)
        self.interrupted = self.first_half = None

    def forget(self) -> None:
        """The conversation is over."""
        self.move_on()
        self.past = None

    def last_words(self) -> str:
        """What "repeat" means."""
        if self.interrupted is not None:
            return self.interrupted.attempt.all_text
        return self.past.turn.answer if self.past else ""
