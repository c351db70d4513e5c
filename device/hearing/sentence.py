"""Whether the words heard so far are a whole question, by their grammar alone.

The end-of-turn model goes by how something is said, this by what: "what colour is the" goes on however it sounds.
English; deliberately blunt, because a wrong guess only costs or saves a fraction of a second.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from device.skills.commands import command_in


class Sentence(Enum):
    """WHOLE: could end here. OPEN: something must follow. UNCLEAR: neither can be told."""

    WHOLE = auto()
    OPEN = auto()
    UNCLEAR = auto()


def _these(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WH = _these("what which who whose where when why how")
_AUXILIARIES = _these(
    "is are am was were do does did can could will would shall should has have had may might must "
    "isn't aren't don't doesn't didn't can't couldn't"
)
_DETERMINERS = _these("a an the my your his our their its every each")
_POINTERS = _these("it this that he she they these those there i we you")
_IMPERATIVES = _these(
    "describe read tell look find show count name say explain compare check list spell translate give help "
    "search point remember identify"
)
_STRANDED = _these("for at from with about")  # may end a question: "what is this for"
_PREPOSITIONS = _STRANDED | _these("of in on to by under behind between beside into near over above below next")
_GOING_ON = _these(
    "and or but because if whether than as very so some any much many more most such um uh er "
    "what which whose who where when why how know"
)
_MORE = {"and", "also", "so", "or", "please"}


def sentence(transcript: str) -> Sentence:
    """Judges a transcript of what was said up to a pause."""
    words = re.findall(r"[\w']+", transcript.lower().replace("\u2019", "'"))
    if not words:
        return Sentence.UNCLEAR
    if command_in(transcript) is not None:
        return Sentence.WHOLE
    if _open(words):
        return Sentence.OPEN
    return Sentence.WHOLE if _whole(words) else Sentence.UNCLEAR


def asks_nothing(transcript: str) -> bool:
    """Whether it is a word or two that begin no question and go on from none.

    Said over an answer, that is meant to silence it, whatever it was heard as.
    """
    words = re.findall(r"[\w']+", transcript.lower().replace("\u2019", "'"))
    begins = _WH | _AUXILIARIES | _IMPERATIVES | _PREPOSITIONS | _DETERMINERS | _POINTERS | _GOING_ON | _MORE
    return 1 <= len(words) <= 2 and words[0].removesuffix("'s") not in begins


def _open(words: list[str]) -> bool:
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _DETERMINERS or (last in _GOING_ON and len(words) > 1):
        return True
    if words[0] in _PREPOSITIONS and not _AUXILIARIES.intersection(words):  # "in this picture"
        return True
    if last == "of":
        return before not in ("made", "full")
    if last in _AUXILIARIES:
        return before not in _POINTERS  # "tell me what it is"
    return last in _PREPOSITIONS and not (last in _STRANDED and words[0] in _WH and len(words) >= 4)


def _whole(words: list[str]) -> bool:
    if words[0] in _MORE and len(words) > 1:
        if words[-1] in ("one", "ones", "this", "that"):
            return True
        words = words[1:]
    first = words[0]
    if words[-1] in _STRANDED:
        return False
    if first in _IMPERATIVES:
        return len(words) >= 2
    if first in ("what", "how") and words[1:2] == ["about"]:
        return len(words) >= 3
    if re.fullmatch(r"(?:what|where|who|how)'s", first):
        return len(words) >= 2
    if first in _WH:
        return len(words) >= 3 and any(word in _AUXILIARIES for word in words[1:])
    if first in _AUXILIARIES:
        # "Is the door" wants to know something about it.
        return len(words) >= (4 if words[1:2] and words[1] in _DETERMINERS else 3)
    return False
