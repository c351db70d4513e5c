"""Answers that spell: letter by letter, as it stands there."""

from __future__ import annotations

import numpy as np

from device.evidence import Answer
from device.experts.intent import Words
from device.experts.scene import Scene
from device.experts.text.finding import best_match
from device.experts.text.lines import Row, claims, nothing_to_read, rows
from device.experts.text.numbers import named_index

MOST_LETTERS = 40
_NAMES = {
    "-": "dash", ".": "dot", ",": "comma", "'": "apostrophe", "\u2019": "apostrophe", "&": "ampersand", "/": "slash",
    "@": "at", ":": "colon", "!": "exclamation mark", "?": "question mark", "+": "plus", "%": "per cent", "#": "hash",
    "(": "open bracket", ")": "close bracket", "_": "underscore", "*": "asterisk", "$": "dollar", "\u00a3": "pound",
    "\u20ac": "euro", '"': "quote", ";": "semicolon", "=": "equals",
}  # fmt: skip


def spell(scene: Scene, words: Words) -> Answer | None:
    """The word or line that is asked for; "it" is all of a short text, else its largest line."""
    found = rows(scene)
    if not found:
        return Answer(nothing_to_read(scene))
    if "query" in words:
        match = best_match(words["query"], found)
        if match is None:
            return None  # how a word is spelled that does not stand here, the language model may know
        row, text = match.row, match.text
    else:
        choice = _chosen(words, found)
        if choice is None:
            return Answer("There are not so many here.")
        row, text = choice
    letters = spelled(text)
    if len(letters) > MOST_LETTERS:
        return Answer("That is too long to spell; ask for one word, say: spell the first word.")
    doubt = "I am not sure of it, but " if set(text.split()) & set(row.unsure) else ""
    return Answer(f"{doubt}{text} is spelled: {', '.join(letters)}.", claims([row], scene))


def _chosen(words: Words, found: list[Row]) -> tuple[Row, str] | None:
    if words.get("unit") == "word":
        every = [(row, word.text) for row in found for line in row.lines for word in line.words]
        index = named_index(words, len(every))
        return None if index is None else every[index]
    if "ordinal" in words or "number" in words:
        index = named_index(words, len(found))
        return None if index is None else (found[index], found[index].text)
    largest = max(found, key=lambda row: max(_height(line.quad) for line in row.lines))
    return largest, largest.text


def _height(quad: np.ndarray) -> float:
    return float(np.linalg.norm(quad[3] - quad[0]))


def spelled(text: str) -> list[str]:
    """Each character as it is spoken; between words "space"."""
    return [
        "space" if character.isspace() else _NAMES.get(character, character.upper() if character.isalnum() else "sign")
        for character in text
    ]
