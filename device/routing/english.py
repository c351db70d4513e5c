"""Whether a transcript is a question in English at all: not empty, not babble, not another language, not a speech.

The recogniser knows only English and writes English-looking words for whatever it hears. What is let through here is
answered by a language model that answers anything, so what cannot be a question must be stopped before. Deliberately
lenient: a question that is not let through is a worse mistake than babble that is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from models.known_english import KnownEnglish
from models.phrase_classifier import words_of

ENGLISH = Path(__file__).parents[2] / "models/weights/routing/english.npz"
LONGEST = 60  # words


def _these(words: str) -> frozenset[str]:
    return frozenset(words.split())


FILLERS = _these("uh um er erm hm hmm mm mhm mmhm ah oh eh huh")
# Share of words known, by letters, and share of neighbours seen together. Of people's questions about photos that were
# kept back from making the lists, none came below 1.04, but a name that nobody knows costs more. What does not
# begin as a question or a wish is often another language as the recogniser hears it, and has to be more like English,
# or like something that the assistant can do.
KNOWN, KNOWN_STATEMENT, MEANT = 0.9, 1.45, 0.6
AT_ALL = 0.6  # of 2,671 lines to be refused that other hands wrote, 4 come below
FEW = 2  # words, which are no sentence and may be the name of a thing
_BEGINNINGS = _these(
    "what which who whose where when why how is are am was were do does did can could will would shall should has have "
    "had may might must describe read tell look find show count name say explain compare check list spell translate "
    "give help search point remember identify please and so okay ok hey scan repeat speak talk turn stop any anything "
    "i let keep go continue start"
)
# A long row of known words of which hardly two were ever neighbours is a salad.
SALAD, LONG = 0.35, 7
NOT_CAUGHT = "I did not catch that. Could you say it again?"
TOO_LONG = "That was too long for me. What do you want to know, in short?"


@lru_cache(1)
def _known() -> KnownEnglish:
    return KnownEnglish.load(ENGLISH)


def is_caught(transcript: str, patterned: bool = False, meant: float = 0.0) -> bool:
    """patterned: an expert's pattern takes it, so that only its length can speak against it. meant: the chance that it
    is the likeliest of the intents that have phrasings of their own.
    """
    words = words_of(transcript)
    if len(words) > LONGEST:
        return False
    if patterned:
        return True
    words = [word for word in words if word not in FILLERS]
    if not words or _stutters(words):
        return False
    pairs = _known().pairs_known(words)
    asks = words[0] in _BEGINNINGS or len(words) <= FEW or meant >= MEANT
    least = KNOWN if asks else KNOWN_STATEMENT
    return _known().words_known(words) + pairs >= least and not (len(words) >= LONG and pairs < SALAD)


def is_english(text: str) -> bool:
    """Whether it is short enough for a question, and a fair part of it English; more lenient than `is_caught`."""
    words = [word for word in words_of(text) if word not in FILLERS]
    known = _known()
    return 0 < len(words) <= LONGEST and known.words_known(words) + known.pairs_known(words) >= AT_ALL


def question_back(transcript: str) -> str:
    """What is said to a transcript that was not caught."""
    return TOO_LONG if len(words_of(transcript)) > LONGEST else NOT_CAUGHT


def _stutters(words: list[str]) -> bool:
    """A word over and over is what a recogniser makes of a hum."""
    return len(words) >= 3 and len(set(words)) <= max(1, len(words) // 3)
