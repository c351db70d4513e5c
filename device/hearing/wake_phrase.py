"""Finds "hey Glint" at the beginning of what was transcribed, and takes wake words off a question.

No detector is trained for the name, so it is recognised in the transcript, by likeness: a recogniser that does not
know it writes "clint", "glynt" or "gleam".
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

NAME = "glint"
GREETINGS = ("hey", "hay", "hi", "ok", "okay", "a", "hello")
LIKENESS = 0.75  # of the word after the greeting to the name
LOOKALIKES = (
    "clint",
    "glenn",
    "glen",
    "glynn",
    "glimpse",
    "blint",
    "flint",
    "glitt",
    "grint",
    "gland",
    "clind",
    "glit",
)
WAKE_WORDS = ("hey jarvis", "hey mycroft", "okay nabu", "ok nabu", "alexa")


def after_wake_phrase(transcript: str) -> str | None:
    """What follows "hey Glint" at the beginning ("" when nothing does); None when it does not begin so."""
    words = transcript.split()
    plain = [re.sub(r"\W", "", word).lower() for word in words[:2]]
    if len(plain) == 2 and plain[0] in GREETINGS and _is_name(plain[1]):
        return " ".join(words[2:])
    return None


def without_wake_word(transcript: str) -> str:
    """The question without a wake word, or the end of one, in front of it."""
    rest = after_wake_phrase(transcript)
    if rest is not None:
        return rest
    for phrase in WAKE_WORDS:
        last = phrase.split()[-1]
        found = re.match(rf"\W*(?:(?:{'|'.join(GREETINGS)})\W+)?{last}\b\W*", transcript, re.IGNORECASE)
        if found:
            return transcript[found.end() :]
    # What is left of a wake word whose rest was heard as silence.
    return re.sub(r"^(?:hey|hay)\b\W*", "", transcript, flags=re.IGNORECASE)


def _is_name(word: str) -> bool:
    return word in LOOKALIKES or SequenceMatcher(None, word, NAME).ratio() >= LIKENESS
