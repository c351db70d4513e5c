"""The steps that led to an answer: what was looked at, read, compared, asked and agreed on, in their order.

They are data in the Turn: "how do you know?" speaks them, a drawing numbers them on the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from device.evidence import Box


class Act(str, Enum):
    """What was done."""

    LOOKED = "looked"  # at the picture, or a part of it
    READ = "read"  # text or a code
    MEASURED = "measured"  # something that exact code computes
    FOUND = "found"  # a thing that a network sees
    COMPARED = "compared"  # things with each other, or ways of finding out
    ASKED = "asked"  # the language model
    AGREED = "agreed"  # so many of so many paths
    REFUSED = "refused"  # to answer


@dataclass(frozen=True)
class Step:
    """what: of it, in words that may be spoken after the act: "the whole picture", "EXIT", "3 people".

    box: where in the picture, None for the whole. votes: of an agreement, how many of how many. ms: what it took, where
    it was timed.
    """

    act: Act
    what: str
    box: Box | None = None
    votes: tuple[int, int] | None = None
    ms: float | None = None
