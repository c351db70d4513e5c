"""Questions that lean on the one before: "and what colour is it?" is about what was just named, in the same picture.

The language model reads one question at a time, so what a pronoun stands for is put in its place.
"""

from __future__ import annotations

import re

_OPENING = re.compile(r"^(?:and|also|what about|how about|so)\b[ ,]*", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(it|that one|this one|they|them)\b", re.IGNORECASE)
_NAMED = re.compile(r"^(?:it is |it's |this is |that is |they are )?((?:an?|the|some) [\w' -]+?)[.!]?$", re.IGNORECASE)
_WHOLE = re.compile(r"^(?:what (?:about|of) )(.+?)\??$", re.IGNORECASE)
_LONGEST_NAME = 5  # words; a longer answer is a description, not a name


def leans_back(question: str) -> bool:
    """Whether a question is about the picture of the turn before."""
    return bool(_OPENING.match(question)) or bool(_PRONOUN.search(question) and not re.search(r"\bis it\b", question))


def complete(question: str, before: str, answer: str) -> str:
    """The question with what it leaves out, taken from the question and the answer before it."""
    if _WHOLE.match(question):
        return question
    rest = _OPENING.sub("", question)
    named = _NAMED.match(answer.strip())
    if named and len(named[1].split()) <= _LONGEST_NAME:
        thing = "the " + named[1].split(" ", 1)[1]
        rest = _PRONOUN.sub(thing, rest, count=1)
    return rest[:1].upper() + rest[1:]
