"""Where a pair of glasses over a radio stands, and what comes next. Pure: knows no radio, no clock and no thread.

Whoever drives it (firmware_bridge.halo.driver) does what the state says, within its deadline, and tells the outcome.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, fields
from enum import Enum


class State(Enum):
    """The value is what is being done, for whoever waits."""

    SCAN = "looking for the glasses"
    CONNECT = "connecting"
    BOND = "pairing"
    GREET = "asking whether our app runs"
    CHECK = "reading the firmware's version"
    UPLOAD = "sending our app"
    ATTACH = "starting our app"
    RUN = "running"
    DEGRADE = "starting our app again, as it does not answer"
    WAIT = "waiting before the next attempt"
    CLOSED = "closed"


class Outcome(Enum):
    """How a state ended."""

    DONE = "done"
    NOT_BONDED = "the glasses refuse this computer"
    OTHER_APP = "another app runs, or another version of ours, or none"
    SAME_APP = "our app is there already"
    SILENT = "the app does not answer"
    LOST = "the link is down"
    FAILED = "it went wrong"
    TOO_LATE = "it took too long"
    NEVER = "it cannot work with these glasses as they are"


@dataclass(frozen=True)
class Timings:
    """Seconds. The deadline of every state, the back-off, and what is waited for while it runs."""

    scan: float = 10.0
    connect: float = 12.0
    bond: float = 30.0
    greet: float = 3.0  # half of it for the answer
    check: float = 12.0
    upload: float = 60.0
    attach: float = 8.0
    degrade: float = 12.0
    first_wait: float = 0.5
    longest_wait: float = 10.0
    never_wait: float = 30.0  # where only the wearer can change something
    ping: float = 2.0
    silence: float = 6.0  # without a word from glasses that are connected
    photo: float = 6.0
    spoken: float = 0.5
    sending: float = 6.0  # one message to the glasses
    closing: float = 1.5

    def scaled(self, factor: float) -> Timings:
        """All of them shorter or longer."""
        return Timings(**{each.name: getattr(self, each.name) * factor for each in fields(self)})


ATTEMPTS = 3  # to start our app on one link, before the link itself is made anew

_NEXT = {
    (State.SCAN, Outcome.DONE): State.CONNECT,
    (State.CONNECT, Outcome.DONE): State.GREET,
    (State.CONNECT, Outcome.NOT_BONDED): State.BOND,
    (State.BOND, Outcome.DONE): State.CONNECT,
    (State.GREET, Outcome.DONE): State.RUN,
    (State.GREET, Outcome.OTHER_APP): State.CHECK,
    (State.GREET, Outcome.TOO_LATE): State.CHECK,
    (State.GREET, Outcome.SILENT): State.CHECK,
    (State.CHECK, Outcome.SAME_APP): State.ATTACH,
    (State.CHECK, Outcome.OTHER_APP): State.UPLOAD,
    (State.UPLOAD, Outcome.DONE): State.ATTACH,
    (State.ATTACH, Outcome.DONE): State.RUN,
    (State.RUN, Outcome.SILENT): State.DEGRADE,
    (State.RUN, Outcome.FAILED): State.DEGRADE,
    (State.RUN, Outcome.OTHER_APP): State.CHECK,  # ours has ended: no need to ask it
    (State.DEGRADE, Outcome.DONE): State.GREET,
}


@dataclass
class Session:
    """`problem` is a sentence for the wearer while the glasses cannot be used, "" while they can.

    back_off: chooses how much of a wait is waited (random.Random.random), so that two do not keep colliding.
    """

    timings: Timings = field(default_factory=Timings)
    chance: random.Random = field(default_factory=random.Random)
    state: State = State.SCAN
    problem: str = "I am looking for the glasses."
    wait_s: float = 0.0
    ran: bool = False  # the glasses could be used at least once
    upload_anyway: bool = False  # what is on the glasses did not start
    _failures: int = 0
    _attempts: int = 0

    @property
    def deadline_s(self) -> float | None:
        """How long the state may last; None where it ends by itself."""
        if self.state in (State.RUN, State.WAIT, State.CLOSED):
            return None
        return getattr(self.timings, self.state.name.lower())

    def step(self, outcome: Outcome, why: str = "") -> State:
        """The state has ended so; returns the next one. why: a sentence for the wearer."""
        before = self.state
        if before is State.CLOSED:
            return before
        if before is State.WAIT:
            self.state = State.SCAN
            return self.state
        after = _NEXT.get((before, outcome), State.WAIT)
        if before in (State.ATTACH, State.DEGRADE, State.CHECK, State.UPLOAD) and after is State.WAIT:
            after = self._again(before, outcome)
        if after is State.RUN:
            self.problem, self.ran = "", True
            self._failures = self._attempts = 0
            self.upload_anyway = False
        elif why:
            self.problem = why
        elif not self.problem:
            self.problem = f"The glasses cannot be used: {outcome.value}."
        if after is State.WAIT:
            self.wait_s = self._wait(outcome)
        self.state = after
        return after

    def close(self) -> None:
        """Nothing comes after this."""
        self.state, self.problem = State.CLOSED, "The glasses have been closed; open them again."

    def _again(self, before: State, outcome: Outcome) -> State:
        """An app that does not start is uploaded once more; then the link is made anew."""
        if outcome in (Outcome.LOST, Outcome.NEVER):
            return State.WAIT
        self._attempts += 1
        if self._attempts >= ATTEMPTS:
            self._attempts = 0
            return State.WAIT
        self.upload_anyway = before in (State.ATTACH, State.UPLOAD)
        return State.CHECK

    def _wait(self, outcome: Outcome) -> float:
        """Twice as long after every failure, up to a limit, and a part of it left to chance."""
        self._failures += 1
        longest = self.timings.longest_wait
        if outcome is Outcome.NEVER:
            return self.timings.never_wait
        wait = min(longest, self.timings.first_wait * 2.0 ** min(self._failures - 1, 16))
        return wait * (0.5 + 0.5 * self.chance.random())
