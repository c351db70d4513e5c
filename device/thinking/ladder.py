"""The ladder from a question to its answer: what is cheap and exact first, each rung with a deadline.

The first rung that answers is heard. What is left out when power or time runs short is the table ALLOWED. Knows times
and budgets, not what the rungs do: device.thinking.answerer climbs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from device.power import Thrift

T = TypeVar("T")


@dataclass(frozen=True)
class Rung:
    """name and about: for people. deadline_s: seconds after which it is passed over; None where it cannot hang.

    late: what is said when it is passed over, ahead of what the next rung says.
    """

    name: str
    about: str
    deadline_s: float | None = None
    late: str = ""


REFUSAL = Rung("refusal", "what is refused, by the words of the question alone")
ROUTE = Rung("route", "what the words want; a question back where they are no question")
# The loop gives up ten seconds after the question (Habits.thinking_s), and the model still needs its time.
EXPERTS = Rung(
    "experts",
    "the rows of device.experts.table, what is exact first",
    6.0,
    "I could not look closely enough in time, so this is only my impression.",
)
BLINDNESS = Rung("blindness", "a picture with nothing in it: what to do about that")
MODEL = Rung("model", "the language model, until the deadline of the whole answer")
ADVICE = Rung("advice", "after an answer of the model: what to do about a picture that is no good")
RUNGS = (REFUSAL, ROUTE, EXPERTS, BLINDNESS, MODEL, ADVICE)


class Budget(Enum):
    """How much may be spent on an answer."""

    FULL = "full"
    THRIFTY = "thrifty"
    BARE = "bare"


@dataclass(frozen=True)
class Allowance:
    """What a budget leaves in. tokens: part of what an intent's answer may take (device.routing.table)."""

    model: bool
    contemplation: bool
    advice: bool
    tokens: float


ALLOWED = {
    Budget.FULL: Allowance(model=True, contemplation=True, advice=True, tokens=1.0),
    Budget.THRIFTY: Allowance(model=True, contemplation=False, advice=False, tokens=0.5),
    Budget.BARE: Allowance(model=False, contemplation=False, advice=False, tokens=0.0),
}
"""In the order in which an answer degrades."""
HURRIED_S, BARE_S = 3.0, 1.0  # left until the deadline; with less, an answer is thrifty or bare
SPENT = "That I cannot say now: I have too little power or time left to think about it."


def budget(thrift: Thrift, left_s: float | None = None) -> Budget:
    """What may be spent. left_s: seconds until the answer must be there; None where nobody waits."""
    if thrift is Thrift.ALL or (left_s is not None and left_s < BARE_S):
        return Budget.BARE
    if thrift is Thrift.SOME or (left_s is not None and left_s < HURRIED_S):
        return Budget.THRIFTY
    return Budget.FULL


class Deadline:
    """seconds: from now until an answer must be there on the usual device; None where nobody waits.

    patience: so many times longer may everything take, on a slower one.
    """

    def __init__(self, seconds: float | None, patience: float = 1.0) -> None:
        self._patience = patience
        self._at = None if seconds is None else time.monotonic() + patience * seconds

    @property
    def left_s(self) -> float | None:
        return None if self._at is None else max(0.0, self._at - time.monotonic())

    @property
    def usual_s(self) -> float | None:
        """What is left, in seconds of the usual device."""
        return None if self.left_s is None else self.left_s / self._patience

    def of(self, rung: Rung) -> float | None:
        """Seconds that the rung may take; None for as long as it likes, when nobody waits."""
        left = self.left_s
        return left if left is None or rung.deadline_s is None else min(left, self._patience * rung.deadline_s)


class Late(Exception):
    """A rung is past its deadline."""


class Leash:
    """Lets work run until a deadline and then leaves it behind: a network that hangs cannot be interrupted.

    At most one piece of work is behind: until it comes back, no other is begun. The caller holds whatever lock the work
    needs, so that the lock is free again for the others once the work is left behind.
    """

    def __init__(self) -> None:
        self._begun: Future | None = None

    def call(self, seconds: float | None, work: Callable[..., T], *arguments: object) -> T:
        """Raises Late when it takes longer, or while another is still behind; else whatever the work raises."""
        if self._begun is not None and not self._begun.done():
            raise Late
        if seconds is None:
            return work(*arguments)
        begun: Future[T] = Future()
        self._begun = begun
        threading.Thread(target=_into, args=(begun, work, arguments), name="leash", daemon=True).start()
        if not wait([begun], seconds).done:
            raise Late
        return begun.result()


def _into(future: Future, work: Callable[..., T], arguments: tuple[object, ...]) -> None:
    try:
        future.set_result(work(*arguments))
    except BaseException as error:  # told to whoever waits, if anybody still does
        future.set_exception(error)
