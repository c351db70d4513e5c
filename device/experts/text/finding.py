"""Answers that find words in the text of a picture and say where they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from device.evidence import Answer, Basis, Box, Claim
from device.experts.intent import Words
from device.experts.scene import Scene
from device.experts.text.lines import Row, box, nothing_to_read, rows

NEAR = 75  # of 100, of rapidfuzz's ratio: one letter of four may differ
_ARTICLE = re.compile(r"^(?:the word |the phrase |the |a |an )")


@dataclass(frozen=True)
class Match:
    """text: the words that stand there, verbatim. likeness: 0..100; 100 is exact but for case and punctuation."""

    row: Row
    text: str
    quads: tuple[np.ndarray, ...]
    confidence: float
    likeness: float


def matches(query: str, found: Sequence[Row]) -> list[Match]:
    """Where as many words in a row as the query has are like it, exact ones first, in reading order."""
    wanted = _plain(query)
    if not wanted:
        return []
    every: list[Match] = []
    for row in found:
        words = [word for line in row.lines for word in line.words]
        count = len(query.split())
        for start in range(max(1, len(words) - count + 1)):
            some = words[start : start + count]
            text = " ".join(word.text for word in some)
            likeness = 100.0 if _plain(text) == wanted else min(99.0, fuzz.ratio(_plain(text), wanted))
            if likeness >= NEAR:
                confidence = min(word.confidence for word in some)
                every.append(Match(row, text, tuple(word.quad for word in some), confidence, likeness))
    exact = [match for match in every if match.likeness == 100]
    return exact or sorted(every, key=lambda match: -match.likeness)[:1]


def best_match(query: str, found: Sequence[Row]) -> Match | None:
    """The first exact match, else the nearest."""
    return next(iter(matches(query, found)), None)


def find_words(scene: Scene, words: Words) -> Answer:
    """Where the words stand."""
    return _answer(scene, words, "")


def say_whether(scene: Scene, words: Words) -> Answer:
    """Whether the words stand there, and where."""
    return _answer(scene, words, "Yes: ")


def _answer(scene: Scene, words: Words, opening: str) -> Answer:
    found = rows(scene)
    if not found:
        return Answer(nothing_to_read(scene))
    query = next(value for name, value in words.items() if name.startswith("query"))
    all_matches = _wherever(query, found)
    if not all_matches:
        return Answer("No, I don't find that in the text that I can read." if opening else "I don't find that here.")
    claims = tuple(_claim(match, scene) for match in all_matches)
    places = [place(claim.box) for claim in claims if claim.box]
    first = all_matches[0]
    if first.likeness < 100:
        return Answer(f"Not exactly, but {first.text}, {places[0]}, comes close.", claims)
    where = places[0] if len(places) == 1 else f"{', '.join(places[:-1])} and {places[-1]}"
    return Answer(f"{'' if ' or ' in query else opening}{first.text}, {where}.", claims)


def _wherever(query: str, found: Sequence[Row]) -> list[Match]:
    """The matches of what is asked for, of that without an article, or of what is joined by "or"; exact ones if any."""
    parts = [query, _ARTICLE.sub("", query), *(_ARTICLE.sub("", part) for part in query.split(" or ")[1:])]
    parts += [_ARTICLE.sub("", query).split(" or ")[0]]
    tried = [matches(part, found) for part in dict.fromkeys(parts)]
    return max(tried, key=lambda some: some[0].likeness if some else 0)


def _claim(match: Match, scene: Scene) -> Claim:
    return Claim(
        "text", match.text, match.confidence, Basis.VERBATIM, box(np.concatenate(match.quads), scene), match.row.text
    )


def place(where: Box) -> str:
    """ "at the top left", "in the centre": in which ninth of the picture the middle of a box is."""
    across, down = ((where[i] + where[i + 2]) / 2 for i in (0, 1))
    side = "left" if across < 1 / 3 else "right" if across > 2 / 3 else ""
    level = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else ""
    if not level:
        return f"on the {side}" if side else "in the centre"
    return f"at the {level}{' ' + side if side else ''}"


def _plain(text: str) -> str:
    return re.sub(r"[^\w]", "", text.lower())
