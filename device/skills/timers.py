"""Timers that are set by voice: set one, ask how long is left, take it back. Several at once, kept while Glint runs.

Knows words and clocks, no sound. What is understood changes nothing until it is done: a question may prove to be half
of one.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from device.cards.card import Card, Timer
from device.evidence import Answer, Basis, Claim
from device.thinking.facts import facts_in, legible

LONGEST_S = 24 * 3600
FEW = 10
_BRIEF = 7  # words of a question about what is left that does not say of what
_UNITS = {"hour": 3600, "minute": 60, "second": 1}
_A = r"(?:an?|the|another|my|one more|me an?)"
_SET = re.compile(
    rf"(?:(?:can|could|will|would) you |i (?:want|need|would like) (?:you to )?|let's |let us )?"
    rf"(?:(?:set|start|make|create|begin|run|put(?: on)?|give)? ?(?:{_A} )?(?:(?P<how>.+?)[ -])?timer\b.*"
    r"|(?:remind|wake|tell|call|alert|ping) me in .+|(?:start )?count(?:ing)? down .+"
    r"|(?:tell|let|warn|alert) me (?:know )?when .+ (?:is|are|has|have) (?:over|up|passed|gone(?: by)?))"
)
_ABOUT_ONE = re.compile(r"\b(?:what|where|who|which|read|says?|is|are|colou?r|find|see|show|how)\b")
_LEFT = re.compile(
    r"(?:how (?:much|long|many \w+)|what)\b.*\b(?:left|remain\w*|to go|more|until|till)\b.*"
    r"|(?:check|what about|how is|how's) (?:the|my) timers?"
)
_CANCEL = re.compile(
    r"(?:please |can you |could you )?(?:cancel|stop|delete|remove|clear|end|turn off|switch off|forget|drop)"
    r" (?:the|my|that|all|all the|all my|this|every)?(?: ?(?P<how>.+?))? ?timers?(?: please)?"
)
_IN_WHICH_TIME = re.compile(r" in [\w .-]+? ?(?:hours?|minutes?|seconds?)$")
_HOW_LONG = "For how long? Say, for instance: set a timer for five minutes."
_INSTANCE = (Claim("timer", "five minutes", 1.0, Basis.MEASURED),)
_NONE = "No timer is running."
_TOO_LONG = "I only set timers of up to a day."
_TOO_MANY = "There are too many timers already; cancel some first."


@dataclass(frozen=True)
class Running:
    """seconds: from the beginning. ends_at: on the clock of Timers. what: "for the pasta", "to call Mum", or ""."""

    seconds: float
    ends_at: float
    what: str = ""

    @property
    def purpose(self) -> str:
        """ "for 5 minutes", "for the pasta"."""
        return self.what or f"for {spoken(self.seconds)}"

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What may be said of it."""
        return tuple(
            Claim("timer", finding, 1.0, Basis.MEASURED) for finding in (spoken(self.seconds), self.what) if finding
        )


@dataclass(frozen=True)
class Reply:
    """What is said, and what is done once it is heard: nothing, or a change to the timers."""

    answer: Answer
    do: Callable[[], None] = lambda: None
    card: Card | None = None


@dataclass
class Timers:
    """May be used from several threads. clock: seconds, never set back."""

    clock: Callable[[], float] = time.monotonic
    _running: list[Running] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, said: str) -> Reply | None:
        """None for what is not about timers."""
        text = " ".join(re.sub(r"[^\w' :-]", " ", legible(said).lower().replace("hey glint", "")).split())
        text = re.sub(r"^(?:please|okay|ok|now|glint|hey)\s+", "", text)
        if _CANCEL.fullmatch(text):
            return self._cancelled(text)
        brief = "timer" in text or len(text.split()) <= _BRIEF
        if self._running and brief and _LEFT.fullmatch(text):
            return self._told()
        if _SET.fullmatch(text) and not ("timer" in text and _ABOUT_ONE.search(text.split("timer")[0])):
            return self._set(text)
        return None

    def due(self) -> Running | None:
        """One that is over; it is no more from then on."""
        with self._lock:
            now = self.clock()
            over = next((one for one in self._running if one.ends_at <= now), None)
            if over is not None:
                self._running.remove(over)
            return over

    def _set(self, text: str) -> Reply | None:
        seconds = seconds_in(text)
        if seconds is None:
            return Reply(Answer(_HOW_LONG, _INSTANCE)) if "timer" in text else None
        if not 1 <= seconds <= LONGEST_S:
            return Reply(Answer(_TOO_LONG))
        if len(self._running) >= FEW:
            return Reply(Answer(_TOO_MANY))
        one = Running(seconds, self.clock() + seconds, _purpose(text))
        said = f"Timer set for {spoken(seconds)}" + (f" {one.what}." if one.what else ".")
        return Reply(Answer(said, one.claims), lambda: self._start(seconds, one.what), self._card([one]))

    def _start(self, seconds: float, what: str) -> None:
        with self._lock:
            self._running.append(Running(seconds, self.clock() + seconds, what))
            self._running.sort(key=lambda one: one.ends_at)

    def _told(self) -> Reply:
        running, now = list(self._running), self.clock()
        left = [spoken(max(1.0, one.ends_at - now)) for one in running]
        claims = tuple(claim for one in running for claim in one.claims)
        claims += tuple(Claim("timer", text, 1.0, Basis.MEASURED) for text in left)
        if len(running) == 1:
            return Reply(Answer(f"{left[0]} left.", claims), card=self._card(running))
        each = [f"{rest} left of the timer {one.purpose}" for one, rest in zip(running, left, strict=True)]
        return Reply(Answer(f"{', '.join(each[:-1])} and {each[-1]}.", claims), card=self._card(running))

    def _cancelled(self, text: str) -> Reply:
        running = list(self._running)
        if not running:
            return Reply(Answer(_NONE))
        seconds = seconds_in(text)
        if seconds is not None:
            running = [one for one in running if one.seconds == seconds]
        elif not re.search(r"\ball\b|\bevery\b|timers", text):
            named = [one for one in running if one.what and one.what.split()[-1] in text.split()]
            running = named or (running if len(running) == 1 else [])
        if not running:
            claims = tuple(claim for one in self._running for claim in one.claims)
            names = ", or the one ".join(one.purpose for one in self._running)
            return Reply(Answer(f"Which one? The one {names}?", claims))
        said = "The timer is cancelled." if len(running) == 1 else "All timers are cancelled."
        return Reply(Answer(said), lambda: self._drop(running))

    def _drop(self, which: list[Running]) -> None:
        with self._lock:
            self._running = [one for one in self._running if one not in which]

    def _card(self, running: list[Running]) -> Card:
        ahead = time.time() - self.clock()
        return Card("Timer", tuple(Timer(one.purpose, one.ends_at + ahead, one.seconds) for one in running))


def ringing(one: Running) -> Answer:
    """What is said of a timer that is over."""
    if one.what.startswith("to "):
        return Answer(f"It is time {one.what}.", one.claims)
    return Answer(f"The timer {one.purpose} is over.", one.claims)


def _purpose(text: str) -> str:
    """What a timer is for: "to call mum", "for the pasta", or ""."""
    text = _IN_WHICH_TIME.sub("", text.removesuffix(" please"))
    rests = (text[one.start() :] for one in re.finditer(r"\b(?:to|for) ", text))
    return next((rest for rest in rests if seconds_in(rest) is None), "")


def seconds_in(text: str) -> float | None:
    """A length of time in words or digits: "an hour and a half", "two minutes 30 seconds"; None where there is none."""
    text = re.sub(r"\b(?:a )?quarter (?:of )?an hour\b", "15 minutes", text)
    text = re.sub(r"\bthree quarters of an hour\b", "45 minutes", text)
    text = re.sub(r"\bhalf\b", "0.5", text)
    for fact in reversed(facts_in(text)):
        if fact.value is not None:
            text = f"{text[: fact.start]}{float(fact.value):g}{text[fact.end :]}"
    amount = r"(?:(?P<number>\d+(?:\.\d+)?)(?P<half> and an? 0\.5)?(?: an?)?|an?)"
    found = re.finditer(
        rf"\b{amount}[ -]?(?P<unit>day|hour|hr|minute|min|second|sec)s?\b(?P<more> and an? 0\.5\b)?", text
    )
    units = {**_UNITS, "day": 86400, "hr": 3600, "min": 60, "sec": 1}
    total, any_found = 0.0, False
    for one in found:
        number = float(one["number"] or 1) + 0.5 * bool(one["half"]) + 0.5 * bool(one["more"])
        total, any_found = total + number * units[one["unit"]], True
    return total if any_found else None


def spoken(seconds: float) -> str:
    """ "1 hour 20 minutes", "90 seconds" as "1 minute 30 seconds"."""
    rest, parts = round(seconds), []
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}{'s' * (count != 1)}")
    return " ".join(parts) or "0 seconds"
