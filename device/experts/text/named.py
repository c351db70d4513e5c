"""Answers about names and numbers that can only be read: of a shop, a brand, a telephone, a website.

A language model that is asked for one makes one up, so these questions end here, answered or not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from device.evidence import Answer, Basis, Claim
from device.experts.intent import Words
from device.experts.scene import Scene
from device.experts.text.lines import Row, box, claims, nothing_to_read, rows, spoken

LARGE = 0.75  # of the height of the largest writing
MOST = 2  # rows of the largest writing
_DOMAIN = (
    r"(?:[a-z0-9-]+\.)+(?:com|org|net|info|edu|gov|shop|app|io|eu|uk|us|de|fr|it|es|nl|ch|at|se|in|jp|cn|sg|my|au|ca)"
)
PATTERNS = {
    "phone number": re.compile(r"(?<![\w.,])\+?(?:\(\d{1,5}\)|\d)(?:[\s()/.-]{0,2}\d){5,14}(?![\w.,]*\d)"),
    "email address": re.compile(rf"[\w.+-]+@{_DOMAIN}\b", re.IGNORECASE),
    "website": re.compile(rf"(?<![@\w.-])(?:https?://|www\.)?{_DOMAIN}\b(?:/[\w./-]*)?", re.IGNORECASE),
}


def read_pattern(scene: Scene, words: Words) -> Answer:
    """The first telephone number, email address or website that stands in the text."""
    kind = next(kind for kind in PATTERNS if any(name.startswith(kind.replace(" ", "_")) for name in words))
    found = rows(scene)
    for row in found:
        for line in row.lines:
            if match := PATTERNS[kind].search(line.text):
                sure = all(word.text not in row.unsure for word in line.words if word.text in match[0].split())
                claim = Claim("text", match[0], line.confidence, Basis.VERBATIM, box(line.quad, scene), line.text)
                return Answer(f"The {kind} {'is' if sure else 'may be, I am not sure,'} {match[0]}.", (claim,))
    return Answer(
        f"I can't read {'an' if kind[0] in 'aeiou' else 'a'} {kind} here." if found else nothing_to_read(scene)
    )


def read_largest(scene: Scene, words: Words) -> Answer:
    """What is written largest, which is where names stand; whether it is one is left to the listener."""
    large = _largest(rows(scene))
    if not large:
        return Answer(nothing_to_read(scene))
    says = "says:" if all(row.is_sure for row in large) else "may say, I am not sure:"
    return Answer(f"The largest writing {says} {spoken(large)}", claims(large, scene))


def _largest(found: Sequence[Row]) -> list[Row]:
    lettered = [row for row in found if sum(map(str.isalpha, row.text)) > 1]
    if not lettered:
        return []
    most = max(map(_height, lettered))
    return [row for row in lettered if _height(row) >= LARGE * most][:MOST]


def _height(row: Row) -> float:
    return max(float(np.linalg.norm(line.quad[3] - line.quad[0])) for line in row.lines)
