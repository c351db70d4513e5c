"""What an answer rests on: claims, each with where it comes from and how it is known.

A claim is the unit of honesty: what is spoken as a fact has one (device.thinking.support sees to that), "why?" reads
one out, and the page draws one on the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Box = tuple[float, float, float, float]
"""left, top, right, bottom in 0..1 of the picture's size."""


class Basis(str, Enum):
    """How a claim is known."""

    VERBATIM = "verbatim"  # stands there, letter by letter
    MEASURED = "measured"  # computed by exact code from what is there
    INFERRED = "inferred"  # a network's opinion


@dataclass(frozen=True)
class Claim:
    """source: the expert ("text", "codes", "colour", "labels", "finder", "charts", "names").

    finding: the fact alone, as it may be spoken: "EXIT", "3.4 grams", "red", "dog". confidence: 0..1. box: where in the
    picture, None for the picture as a whole. line: the recognised line that it was taken from, verbatim.
    """

    source: str
    finding: str
    confidence: float
    basis: Basis = Basis.INFERRED
    box: Box | None = None
    line: str | None = None


@dataclass(frozen=True)
class Answer:
    """What an expert says: whole speakable sentences, and the claims that support what they state."""

    text: str
    claims: tuple[Claim, ...] = ()
