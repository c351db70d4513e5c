"""What a scenario is: an ordered list of steps, each of which does one thing. docs/scenarios.md is its manual.

These are the tables of the file, word for word. Knows neither files nor lines, and plays nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

Until = Literal["answer", "speaking", "listening", "asleep"]
NoiseKind = Literal["white", "pink", "babble"]
VERBS = ("see", "say", "room", "press", "wait", "fault", "expect")


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file in which every key has a meaning."""


class See(Table, frozen=True):
    """What the camera shows from now on: one of `picture` (a picture, a folder of them or a video), `text` and `show`.

    rate: pictures of a folder a second. blur: pixels (sigma) in a picture 192 high; dark: share of the light that is
    missing; noise: grey levels (sigma).
    """

    picture: str | None = None
    text: str | None = None
    show: Literal["nothing", "dark"] | None = None
    rate: float = 1.0
    blur: float = 0.0
    dark: float = 0.0
    noise: float = 0.0


class Over(Table, frozen=True):
    """Somebody else who talks at the same time: below_db quieter, from after_s on."""

    text: str
    voice: str = "joe-high"
    below_db: float = 10.0
    after_s: float = 0.0


class Say(Table, frozen=True):
    """What is said: one of `text` and `wav`. pace: 1.25 is a quarter slower.

    noise: what else is heard, below_db quieter, from a second before to one and a half after. quieter_db: than somebody
    who wears the glasses. muffled: as through a scarf. echo: in a bare room.
    """

    text: str | None = None
    wav: str | None = None
    voice: str = "joe"
    pace: float = 1.0
    quieter_db: float = 0.0
    muffled: bool = False
    echo: bool = False
    noise: NoiseKind | None = None
    below_db: float = 10.0
    over: Over | None = None


class Room(Table, frozen=True):
    """What is heard all the time from now on: noise that is below_db quieter than speech.

    echo: what Glint says comes back into the microphone.
    """

    noise: NoiseKind | None = None
    below_db: float = 15.0
    echo: bool = False


class Wait(Table, frozen=True):
    """Until something has come to pass, at most `within` seconds: that it has not is a failure."""

    until: Until
    within: float = 20.0


class Fault(Table, frozen=True):
    """What breaks, until the same is `off`. seconds, left and celsius: see FAULTS of sim.scenario.faults."""

    what: str
    off: bool = False
    seconds: float | None = None
    left: float | None = None
    celsius: float | None = None


class Expect(Table, frozen=True):
    """What must be true of what has happened since the last expect; answers, words and evidence are the newest turn's.

    silent_within_s: seconds after the last say or press has begun; first_audio_within_s: after it has ended.
    """

    answer_contains: str | list[str] | None = None
    answer_contains_any: list[str] | None = None
    answer_lacks: str | list[str] | None = None
    heard_contains: str | list[str] | None = None
    evidence_contains: str | None = None
    evidence_covers: tuple[float, float, float, float] | None = None
    first_audio_within_s: float | None = None
    silent_within_s: float | None = None
    bytes_left: int | None = None
    command: str | None = None
    note_contains: str | None = None
    state: Literal["asleep", "listening", "thinking", "speaking"] | None = None
    no_turn: bool | None = None
    turns: int | None = None


class RawStep(Table, frozen=True):
    """A step as the file has it: `at`, and exactly one of VERBS."""

    at: float | None = None
    see: str | See | None = None
    say: str | Say | None = None
    room: Literal["quiet"] | Room | None = None
    press: Literal["button"] | None = None
    wait: float | str | Wait | None = None
    fault: str | Fault | None = None
    expect: Expect | None = None


class RawScenario(Table, frozen=True):
    title: str
    step: list[RawStep]
    about: str = ""


Act = See | Say | Room | Wait | Fault | Expect | float | str


@dataclass(frozen=True)
class Step:
    """`act` is what `verb` says: seconds for a wait without a condition, "button" for a press. at: seconds on the
    sound's clock. line: of the file.
    """

    line: int
    verb: str
    act: Act
    at: float | None = None


@dataclass(frozen=True)
class Scenario:
    """A file that has been read; the pictures and sounds it names lie beside it."""

    file: Path
    title: str
    about: str
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        return self.file.stem

    def beside(self, path: str) -> Path:
        """A path as the file means it."""
        return self.file.parent / path
