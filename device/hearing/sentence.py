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
_HERE = _these("here there now today this that it these those")


def sentence(transcript: str) -> Sentence:
    """Judges a transcript of what was said up to a pause."""
    words = re.findall(r"[\w']+", transcript.lower().replace("\u2019", "'"))
    if not words:
        return Sentence.UNCLEAR
    if command_in(transcript) is not None:
        return Sentence.WHOLE
    if _open(words):
        return Sentence.OPEN
    return Sentence.WHOLE if _whole(words) or _whole(_last_clause(transcript)) else Sentence.UNCLEAR


def _last_clause(transcript: str) -> list[str]:
    """Of "I am lost, so tell me where this is", what asks. Empty where nothing stands before it."""
    parts = re.split(r"[,.;:!?]\s+", transcript.lower().replace("\u2019", "'"))
    return re.findall(r"[\w']+", parts[-1]) if len(parts) > 1 else []


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
        if last in ("have", "has", "had") and {"do", "does", "did"}.intersection(words):
            return False  # "how many legs does it have"
        if "where" in words[1:-3]:  # "tell me where the exit is"
            return False
        return before not in _POINTERS  # "tell me what it is"
    return last in _PREPOSITIONS and not _may_end(words)


def _may_end(words: list[str]) -> bool:
    """Whether it may end with its preposition: "what is this for", "what is he sitting on", "is the lamp on" do."""
    if words[0] in _WH:
        return len(words) >= (4 if words[-1] in _STRANDED else 6)
    return words[0] in _AUXILIARIES and words[1] in _DETERMINERS and words[-1] == "on" and len(words) <= 6


def _whole(words: list[str]) -> bool:
    if not words:
        return False
    while words[0] in _MORE and len(words) > 1:
        if words[-1] in ("one", "ones", "this", "that"):
            return True
        words = words[1:]
    first = words[0]
    if words[-1] in _PREPOSITIONS - {"of"}:
        return False
    if first in _IMPERATIVES:
        return len(words) >= 2
    if first in ("what", "how") and words[1:2] == ["about"]:
        return len(words) >= 3
    if re.fullmatch(r"(?:what|where|who|how)'s", first):
        return len(words) >= 2
    if first in _WH:
        return len(words) >= 3 and (any(word in _AUXILIARIES for word in words[1:]) or _verb_unheard(words))
    if first in _AUXILIARIES:
        # "Is the door" wants to know something about it.
        return len(words) >= (4 if words[1:2] and words[1] in _DETERMINERS else 3)
    return False


def _verb_unheard(words: list[str]) -> bool:
    """ "What colors the cup": recognisers make one word of two. "How many of the cups" does want a verb."""
    if words[0] not in ("what", "where", "who") or len(words) < 4:
        return False
    determined = words[-2] in _DETERMINERS and words[-3] != "of" and words[-1] not in _GOING_ON
    return determined or words[-1] in _HERE
