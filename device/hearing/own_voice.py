"""Whether what the microphone heard over an answer is the answer itself, come back from the speaker.

The echo canceller removes nearly all of it; this catches the rest, by its words.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

SHARE = 0.7  # of the words heard that must be the answer's, in its order
FEWEST = 2  # a single word may well be the wearer's, "stop" above all


def is_own_voice(transcript: str, answer: str) -> bool:
    """Whether `transcript` is a piece of `answer`."""
    heard, said = _words(transcript), _words(answer)
    if len(heard) < FEWEST:
        return False
    blocks = SequenceMatcher(None, heard, said, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) >= SHARE * len(heard)


def has_only_words_of(transcript: str, answer: str) -> bool:
    """Whether each word of `transcript` is one of `answer`'s."""
    return set(_words(transcript)) <= set(_words(answer))


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())
