"""What a scenario must not say although its tables are well-formed: missing files, impossible times, unknown names.

Calls what says where it is wrong; knows nothing of TOML.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import NoReturn

from device.files import PICTURES, VIDEOS
from device.seeing.photo import read_photo
from device.skills.commands import Command
from models.audio import read_sound
from models.errors import GlintError
from sim.scenario.faults import FAULTS
from sim.scenario.script import Expect, Fault, Over, Room, Say, Scenario, See, Wait
from sim.scenario.voices import VOICES

LONGEST_S = 3600.0  # a scenario
LONGEST_WAIT_S = 600.0
Wrong = Callable[[list[str | int], str], NoReturn]


def check(scenario: Scenario, wrong: Wrong) -> None:
    """`wrong` is called with where (as in Lines.of) and what, and does not come back."""
    before = 0.0
    for number, step in enumerate(scenario.steps):
        where: list[str | int] = ["step", number]
        here = _Here(scenario, [*where, step.verb], wrong)
        if step.at is not None:
            _Here(scenario, where, wrong).within("at", step.at, 0, LONGEST_S, "seconds")
            if step.at < before:
                wrong([*where, "at"], f"time does not go backwards; {step.at:g} s comes after {before:g} s.")
            before = step.at
        act = step.act
        if isinstance(act, float):
            _Here(scenario, where, wrong).within("wait", act, 0, LONGEST_WAIT_S, "seconds")
        elif isinstance(act, Wait):
            here.within("within", act.within, 0, LONGEST_WAIT_S, "seconds")
        elif isinstance(act, See):
            _see(act, here)
        elif isinstance(act, Say):
            _say(act, here)
        elif isinstance(act, Room):
            here.within("below_db", act.below_db, 0, 60, "decibels")
        elif isinstance(act, Fault):
            _fault(act, here)
        elif isinstance(act, Expect):
            _expect(act, here)


class _Here:
    """One step's table."""

    def __init__(self, scenario: Scenario, where: list[str | int], wrong: Wrong) -> None:
        self.scenario, self.where, self._wrong = scenario, where, wrong

    def wrong(self, key: str, what: str) -> NoReturn:
        self._wrong([*self.where, *([key] if key else [])], what)

    def within(self, key: str, value: float | None, least: float, most: float, unit: str) -> None:
        if value is not None and not least <= value <= most:  # what is not a number is neither
            self.wrong(key, f"{value:g} is impossible; give {least:g} to {most:g} {unit}.")

    def one_of(self, key: str, value: str, known: Collection[str], what: str) -> None:
        if value not in known:
            near = difflib.get_close_matches(value, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
            self.wrong(key, f"there is no {what} {value!r}; {hint}")

    def just_one(self, **given: object) -> str:
        keys = [key for key, value in given.items() if value is not None]
        if len(keys) != 1:
            has = f"not {' and '.join(keys)}" if keys else "none is there"
            self.wrong(keys[1] if keys else "", f"give one of {', '.join(given)}; {has}.")
        return keys[0]


def _see(see: See, here: _Here) -> None:
    here.just_one(picture=see.picture, text=see.text, show=see.show)
    if see.picture is not None:
        path = here.scenario.beside(see.picture)
        if not path.exists():
            here.wrong("picture", f"there is no picture at {path}; the path is relative to the scenario's file.")
        try:
            if path.is_dir() and not any(file.suffix.lower() in PICTURES for file in path.iterdir()):
                raise GlintError(f"there are no pictures in {path}.")
            if path.is_file() and path.suffix.lower() not in VIDEOS:
                read_photo(path)
        except GlintError as error:
            here.wrong("picture", str(error))
    here.within("rate", see.rate, 0.01, 60, "pictures a second")
    here.within("blur", see.blur, 0, 50, "pixels")
    here.within("dark", see.dark, 0, 1, "of the light")
    here.within("noise", see.noise, 0, 128, "grey levels")


def _say(say: Say, here: _Here) -> None:
    if here.just_one(text=say.text, wav=say.wav) == "wav":
        path = here.scenario.beside(str(say.wav))
        if not path.is_file():
            here.wrong("wav", f"there is no sound at {path}; the path is relative to the scenario's file.")
        try:
            read_sound(path)
        except GlintError as error:
            here.wrong("wav", str(error))
    _text(say.text, here)
    here.one_of("voice", say.voice, VOICES, "voice")
    here.within("pace", say.pace, 0.25, 4, "of the voice's own")
    here.within("quieter_db", say.quieter_db, -12, 40, "decibels")
    here.within("below_db", say.below_db, 0, 60, "decibels")
    if say.over is not None:
        _over(say.over, _Here(here.scenario, [*here.where, "over"], here._wrong))


def _over(over: Over, here: _Here) -> None:
    _text(over.text, here)
    here.one_of("voice", over.voice, VOICES, "voice")
    here.within("below_db", over.below_db, -20, 60, "decibels")
    here.within("after_s", over.after_s, 0, 60, "seconds")


def _text(text: str | None, here: _Here) -> None:
    if text is not None and not any(letter.isalnum() for letter in text):
        here.wrong("text", f"there is nothing to say in {text!r}; give words.")


def _fault(fault: Fault, here: _Here) -> None:
    here.one_of("what", fault.what, FAULTS, "fault")
    for key, value in (("seconds", fault.seconds), ("left", fault.left), ("celsius", fault.celsius)):
        needed = FAULTS[fault.what].needs == key and not fault.off
        if value is not None and not needed:
            here.wrong(key, f"this does not belong to the fault {fault.what}{' that ends' if fault.off else ''}.")
        if value is None and needed:
            here.wrong("", f"the fault {fault.what} needs {key}.")
    here.within("seconds", fault.seconds, 0, 60, "seconds")
    here.within("left", fault.left, 0, 1, "of the battery")
    here.within("celsius", fault.celsius, -40, 120, "degrees")


def _expect(expect: Expect, here: _Here) -> None:
    if not any(getattr(expect, key) is not None for key in expect.__struct_fields__):
        here.wrong("", "nothing is expected; give at least one key.")
    here.within("first_audio_within_s", expect.first_audio_within_s, 0, LONGEST_WAIT_S, "seconds")
    here.within("silent_within_s", expect.silent_within_s, 0, LONGEST_WAIT_S, "seconds")
    here.within("turns", expect.turns, 0, 10_000, "turns")
    here.within("bytes_left", expect.bytes_left, 0, 1e15, "bytes")
    if expect.command is not None:
        here.one_of("command", expect.command, [command.name.lower() for command in Command], "command")
    if (box := expect.evidence_covers) is not None and not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
        here.wrong("evidence_covers", f"{list(box)} is no box; give left, top, right, bottom between 0 and 1.")
