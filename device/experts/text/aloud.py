"""Answers that read text out: all of it, from some line on, one line, one word."""

from __future__ import annotations

from collections.abc import Sequence

from device.evidence import Answer, Basis, Claim
from device.experts.intent import Words
from device.experts.scene import Scene
from device.experts.text.lines import Row, claims, nothing_to_read, rows, spoken
from device.experts.text.numbers import named_index, ordinal

MOST_WORDS = 60  # in one breath, as it were: about 25 seconds of speech


def read_aloud(scene: Scene, words: Words) -> Answer | None:
    """All of the text, or its beginning where it is long."""
    found = rows(scene)
    if not found:
        # "What does the doctor say?" need not be about text at all.
        return None if "whatever" in words else Answer(nothing_to_read(scene))
    return _read(scene, found, 0, "It says:")


def read_rest(scene: Scene, words: Words) -> Answer:
    """From the line on that is asked for, or else from where the first reading of a long text stops."""
    found = rows(scene)
    if not found:
        return Answer(nothing_to_read(scene))
    index = named_index(words, len(found)) if {"ordinal", "number"} & words.keys() else _stop(found, 0)
    if index is None or index >= len(found):
        return _too_few(len(found), "line") if {"ordinal", "number"} & words.keys() else Answer("That is all there is.")
    return _read(scene, found, index, "It goes on:" if index else "It says:")


def read_line(scene: Scene, words: Words) -> Answer:
    """The line that is asked for."""
    found = rows(scene)
    if not found:
        return Answer(nothing_to_read(scene))
    index = named_index(words, len(found))
    if index is None:
        return _too_few(len(found), "line")
    row = found[index]
    says = "says:" if row.is_sure else "may say, I am not sure:"
    return Answer(f"The {_name(words, index)} line {says} {spoken([row])}", claims([row], scene))


def read_word(scene: Scene, words: Words) -> Answer:
    """The word that is asked for."""
    every = [(row, word) for row in rows(scene) for line in row.lines for word in line.words]
    if not every:
        return Answer(nothing_to_read(scene))
    index = named_index(words, len(every))
    if index is None:
        return _too_few(len(every), "word")
    row, word = every[index]
    says = "is" if word.text not in row.unsure else "may be, I am not sure,"
    return Answer(f"The {_name(words, index)} word {says} {word.text}.", claims([row], scene))


def count_lines(scene: Scene, words: Words) -> Answer:
    """How many lines there are."""
    found = rows(scene)
    if not found:
        return Answer(nothing_to_read(scene))
    confidence = min(line.confidence for row in found for line in row.lines)
    claim = Claim("text", _counted(len(found), "line"), confidence, Basis.MEASURED)
    return Answer(f"I can read {claim.finding} of text.", (claim, *claims(found, scene)))


def _read(scene: Scene, found: Sequence[Row], start: int, opening: str) -> Answer:
    stop = _stop(found, start)
    said = found[start:stop]
    count = sum(len(line.words) for row in said for line in row.lines)
    unsure = [word for row in said for word in row.unsure]
    if 2 * len(unsure) > count:
        parts = [f"I am not sure, but it may say: {spoken(said)}"]
    else:
        parts = [f"{opening} {spoken(said)}"]
        if unsure:
            parts.append(f"I am not sure of: {', '.join(dict.fromkeys(unsure))}.")
    basis = list(claims(said, scene))
    if stop < len(found):
        left = _counted(len(found) - stop, "more line")
        verb = "is" if len(found) - stop == 1 else "are"
        basis.append(Claim("text", f"{left}, from line {stop + 1}", 1.0, Basis.MEASURED))
        parts.append(f"There {verb} {left}; to hear more, say: read from line {stop + 1}.")
    return Answer(" ".join(parts), tuple(basis))


def _stop(found: Sequence[Row], start: int) -> int:
    """The row before which reading stops, so that about MOST_WORDS are spoken, one row at least."""
    count = 0
    for index in range(start, len(found)):
        count += len(found[index].text.split())
        if count > MOST_WORDS and index > start:
            return index
    return len(found)


def _too_few(count: int, unit: str) -> Answer:
    claim = Claim("text", _counted(count, unit), 1.0, Basis.MEASURED)
    return Answer(f"I can read only {claim.finding} here.", (claim,))


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" + ("" if count == 1 else "s")


def _name(words: Words, index: int) -> str:
    """ "last" where it was asked for so, else "third"."""
    asked = words.get("ordinal", "")
    return asked if asked and not asked[0].isdigit() else ordinal(index)
