"""Whether what a scenario expects is so, from the record of what has happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.evaluation.word_error_rate import spoken_words
from sim.scenario.record import Past, Record
from sim.scenario.script import Expect

COVERED = 0.5  # of the box that is expected, by one of the evidence's
SLACK_S = 0.04  # a chunk: no moment is known better


@dataclass(frozen=True)
class Miss:
    """An expectation that did not hold: what was expected and what was so, in words."""

    expected: str
    was: str


@dataclass(frozen=True)
class Window:
    """What an expect looks at: the events and turns from these numbers on."""

    events: int = 0
    turns: int = 0


def misses(expect: Expect, record: Record, window: Window) -> Iterator[Miss]:
    """Of one expect step, each key that does not hold."""
    turns = record.turns[window.turns :]
    yield from _of_the_turn(expect, turns[-1] if turns else None)
    yield from _of_what_was_told(expect, record, window)
    if expect.no_turn is not None and expect.no_turn == bool(turns):
        yield Miss("no turn" if expect.no_turn else "a turn", f"{_count(len(turns), 'turn')}{_answers(turns)}")
    if expect.turns is not None and len(turns) != expect.turns:
        yield Miss(_count(expect.turns, "turn"), f"{_count(len(turns), 'turn')}{_answers(turns)}")
    if expect.state is not None and record.state != expect.state:
        yield Miss(f"to be {expect.state}", record.state)
    if expect.silent_within_s is not None:
        yield from _silent(expect.silent_within_s, record)


def _of_the_turn(expect: Expect, past: Past | None) -> Iterator[Miss]:
    wanted = list(_wanted(expect))
    if past is None:
        yield from (Miss(what, "there was no turn") for what in wanted)
        return
    turn = past.turn
    yield from _words("the answer", turn.answer, expect.answer_contains, expect.answer_contains_any)
    yield from _words("the transcript", turn.transcript, expect.heard_contains)
    for text in _list(expect.answer_lacks):
        if _says(turn.answer, text):
            yield Miss(f"the answer to lack {text!r}", repr(turn.answer))
    findings = [found.finding for found in turn.evidence]
    if expect.evidence_contains is not None and not any(_says(found, expect.evidence_contains) for found in findings):
        yield Miss(f"the evidence to contain {expect.evidence_contains!r}", repr(findings))
    if expect.evidence_covers is not None:
        boxes = [found.box for found in turn.evidence if found.box is not None]
        if not any(_covered(expect.evidence_covers, box) >= COVERED for box in boxes):
            yield Miss(f"the evidence to cover {list(expect.evidence_covers)}", f"its boxes are {boxes}")
    if expect.first_audio_within_s is not None:
        waited = None if past.sounded_s is None else past.sounded_s - past.asked_s
        if waited is None or waited > expect.first_audio_within_s + SLACK_S:
            was = "nothing was heard" if waited is None else f"{waited:.2f} s"
            yield Miss(f"the answer to be heard within {expect.first_audio_within_s:g} s", was)
    if expect.bytes_left is not None:
        sent = turn.receipt.bytes_left if turn.receipt else 0
        peers = turn.receipt.peers if turn.receipt else ()
        if sent > expect.bytes_left or (peers and not expect.bytes_left):
            yield Miss(f"at most {expect.bytes_left} bytes to leave", f"{sent} went to {', '.join(peers) or 'nobody'}")


def _wanted(expect: Expect) -> Iterator[str]:
    """What is asked of a turn, in words, for when there is none."""
    for key, what in (
        ("answer_contains", "an answer that contains {}"),
        ("answer_contains_any", "an answer that contains one of {}"),
        ("answer_lacks", "an answer that lacks {}"),
        ("heard_contains", "a transcript that contains {}"),
        ("evidence_contains", "evidence that contains {}"),
        ("evidence_covers", "evidence that covers {}"),
        ("first_audio_within_s", "an answer that is heard within {} s"),
        ("bytes_left", "a turn in which at most {} bytes leave"),
    ):
        value = getattr(expect, key)
        if value is not None:
            yield what.format(repr(value))


def _words(what: str, text: str, all_of: str | list[str] | None, any_of: list[str] | None = None) -> Iterator[Miss]:
    for part in _list(all_of):
        if not _says(text, part):
            yield Miss(f"{what} to contain {part!r}", repr(text))
    if any_of is not None and not any(_says(text, part) for part in any_of):
        yield Miss(f"{what} to contain one of {any_of}", repr(text))


def _of_what_was_told(expect: Expect, record: Record, window: Window) -> Iterator[Miss]:
    events = record.events[window.events :]
    commands = [event.text for event in events if event.kind == "command"]
    notes = [event.text for event in events if event.kind == "note"]
    if expect.command is not None and expect.command not in commands:
        yield Miss(f"the command {expect.command}", f"the commands {commands}" if commands else "there was none")
    if expect.note_contains is not None and not any(_says(note, expect.note_contains) for note in notes):
        yield Miss(
            f"a note that contains {expect.note_contains!r}", f"the notes {notes}" if notes else "there was none"
        )


def _silent(within_s: float, record: Record) -> Iterator[Miss]:
    since = record.cue_began_s + within_s
    what = f"silence from {within_s:g} s after the last say or press began"
    if record.now_s() < since:
        yield Miss(what, f"only {record.now_s() - record.cue_began_s:.2f} s have passed; wait longer before it")
    elif spoken := record.speech(since + SLACK_S):
        yield Miss(what, f"speech until {spoken[-1][1] - record.cue_began_s:.2f} s after it")


def _says(text: str, part: str) -> bool:
    """Whether one holds the other, both as they sound."""
    return f" {spoken_words(part)}" in f" {spoken_words(text)}" or part.lower() in text.lower()


def _covered(box: tuple[float, float, float, float], by: tuple[float, float, float, float]) -> float:
    """The share of a box that lies in the other."""
    width = min(box[2], by[2]) - max(box[0], by[0])
    height = min(box[3], by[3]) - max(box[1], by[1])
    return max(0.0, width) * max(0.0, height) / ((box[2] - box[0]) * (box[3] - box[1]))


def _list(texts: str | list[str] | None) -> list[str]:
    return [texts] if isinstance(texts, str) else texts or []


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _answers(turns: list[Past]) -> str:
    return ": " + ", ".join(repr(past.turn.answer) for past in turns) if turns else ""
