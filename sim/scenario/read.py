"""Reads a scenario from its TOML file. What is wrong with it is said with file, line and key.

Knows what may stand in a file, and plays nothing.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from models.errors import GlintError
from sim.scenario.check import check
from sim.scenario.lines import Lines
from sim.scenario.script import VERBS, Act, RawScenario, RawStep, Room, Say, Scenario, See, Step, Wait
from sim.scenario.script import Fault as FaultTable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[1] / "scenarios"  # those that come along


_KINDS = {  # as msgspec calls them
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
}


class Source:
    """A file that is being read, for saying where in it something is wrong."""

    def __init__(self, file: Path, text: str) -> None:
        self.file, self.lines = file, Lines(text)

    def wrong(self, where: Iterable[str | int], what: str) -> NoReturn:
        """Raises GlintError. where: as in Lines.of; its last name is the key; what: goes on after "key: "."""
        path = list(where)
        while len(path) > 2 and not (isinstance(path[-1], str) and self.lines.has(path)):
            path.pop()  # what a short form leaves out
        key = path[-1] if isinstance(path[-1], str) else ""
        raise GlintError(f"{self.file}, line {self.lines.of(path)}{f', {key}' if key else ''}: {what}")


def that_come_along() -> list[Path]:
    """The files of the scenarios that come with Glint, by name."""
    return sorted(FOLDER.glob("*.toml"))


def find(name: str) -> list[Path]:
    """The files that `glint sim --scenario NAME` means: a path, the name of one that comes along, or "all" of these."""
    known = {path.stem: path for path in that_come_along()}
    if name == "all":
        return list(known.values())
    if name in known:
        return [known[name]]
    path = Path(name)
    if path.is_file():
        return [path]
    near = difflib.get_close_matches(path.stem, known, 1)
    hint = f"did you mean {near[0]}?" if near else "`glint sim --list` names those that come along."
    raise GlintError(f"There is no scenario {name}; {hint}")


def read_scenario(file: Path) -> Scenario:
    """Raises GlintError for a file that cannot be read or played, with the line and the key."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise GlintError(f"{file}, line {line}: this is not UTF-8 text; save the file as UTF-8.") from None
    except OSError as error:
        raise GlintError(f"{file} cannot be read: {error.strerror or error}.") from error
    source = Source(file, text)
    raw = _convert(_parse(text, source), source)
    steps = tuple(_step(step, number, source) for number, step in enumerate(raw.step))
    if not steps:
        source.wrong(["step"], "there are no steps; write a [[step]] for each thing that happens.")
    scenario = Scenario(file, raw.title, raw.about, steps)
    check(scenario, source.wrong)
    return scenario


def _parse(text: str, source: Source) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"^(.*?) \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
        what, line = (found[1], found[2]) if found else (str(error), None)
        lines = text.splitlines()
        number = int(line) if line else max(1, len(lines))
        key = re.match(r"\s*([\w.-]+)\s*=", lines[number - 1]) if number <= len(lines) else None
        named = f", {key[1]}" if key else ""
        what = what[:1].lower() + what[1:]
        raise GlintError(f"{source.file}, line {number}{named}: this is not TOML: {what}.") from None


def _convert(tables: dict[str, Any], source: Source) -> RawScenario:
    try:
        return msgspec.convert(tables, RawScenario)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `")
        path = _path(at.rstrip("`"))
        if unknown := re.search(r"unknown field `(.*)`", what):
            source.wrong([*path, unknown[1]], f"there is no such key{_near(unknown[1], path)}")
        if missing := re.search(r"missing required field `(.*)`", what):
            source.wrong([*path, missing[1]], "this key is missing.")
        names = _choices(path)
        chosen = f"; choose one of {', '.join(names)}" if names else ""
        source.wrong(path, _in_words(what) + chosen + ".")


def _path(at: str) -> list[str | int]:
    """ "$.step[3].say.pace" -> step, 3, say, pace."""
    return [int(number) if number else name for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", at)]


def _in_words(what: str) -> str:
    """msgspec's "Expected `str | null`, got `int`" for people who write scenarios."""
    if value := re.match(r"Invalid enum value (.*)", what):
        return f"there is no such value: {value[1]}"
    if kinds := re.match(r"Expected `(.*)`, got `(.*)`", what):
        wanted = [_KINDS.get(kind, kind) for kind in kinds[1].split(" | ") if kind != "null"]
        return f"this must be {' or '.join(wanted)}, not {_KINDS.get(kinds[2], kinds[2])}"
    return what[:1].lower() + what[1:].replace("`", "")


def _struct(path: list[str | int]) -> Any:
    """The table that a path leads to, as script.py has it."""
    kind: Any = RawScenario
    for part in path:
        if isinstance(part, str):
            kind = _tables(msgspec.structs.fields(kind), part)
            if kind is None:
                return None
    return kind


def _tables(fields: Iterable[msgspec.structs.FieldInfo], name: str) -> Any:
    kinds = [field.type for field in fields if field.name == name]
    while kinds:
        kind = kinds.pop()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return kind
        kinds.extend(getattr(kind, "__args__", ()))
    return None


def _near(key: str, path: list[str | int]) -> str:
    kind = _struct(path)
    known = [field.name for field in msgspec.structs.fields(kind)] if kind else []
    near = difflib.get_close_matches(key, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}."


def _choices(path: list[str | int]) -> list[str]:
    """The words that may stand at a place where only certain ones may."""
    kind = _struct(path[:-1]) if path else None
    kinds = [field.type for field in msgspec.structs.fields(kind) if field.name == path[-1]] if kind else []
    words: list[str] = []
    while kinds:
        kind = kinds.pop()
        arguments = getattr(kind, "__args__", ())
        words.extend(word for word in arguments if isinstance(word, str))
        kinds.extend(argument for argument in arguments if not isinstance(argument, str))
    return words


def _step(raw: RawStep, number: int, source: Source) -> Step:
    given = [verb for verb in VERBS if getattr(raw, verb) is not None]
    if len(given) != 1:
        has = f"this one has {' and '.join(given)}" if given else "this one has none"
        where: list[str | int] = ["step", number, *given[1:2]]
        source.wrong(where, f"every step does exactly one of {', '.join(VERBS)}; {has}.")
    verb = given[0]
    line = source.lines.of(["step", number, verb])
    return Step(line, verb, _act(verb, getattr(raw, verb), number, source), raw.at)


def _act(verb: str, short: Any, number: int, source: Source) -> Act:
    """The table that a short form stands for."""
    if isinstance(short, (int, float)):
        return float(short)
    if not isinstance(short, str) or verb == "press":
        return short
    if verb == "see":
        if short == "nothing":
            return See(show="nothing")
        return See(show="dark") if short == "dark" else See(picture=short)
    if verb == "say":
        return Say(text=short)
    if verb == "fault":
        return FaultTable(what=short)
    if verb == "room":
        return Room()
    try:
        return msgspec.convert({"until": short}, Wait)
    except msgspec.ValidationError:
        source.wrong(
            ["step", number, verb],
            f"there is nothing to wait for that is called {short!r}; choose one of {', '.join(_choices_of_wait())}, "
            "or a number of seconds.",
        )


def _choices_of_wait() -> list[str]:
    return _choices(["step", 0, "wait", "until"])
