"""The steps that led to an answer: what was looked at, read, compared, asked and agreed on, in their order.

They are data in the Turn: "how do you know?" speaks them, a drawing numbers them on the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from device.evidence import Basis, Box, Claim


class Act(str, Enum):
    """What was done."""

    LOOKED = "looked"  # at the picture, or a part of it
    READ = "read"  # text or a code
    MEASURED = "measured"  # something that exact code computes
    FOUND = "found"  # a thing that a network sees
    COMPARED = "compared"  # things with each other, or ways of finding out
    ASKED = "asked"  # the language model, or one of the small networks beside it
    AGREED = "agreed"  # so many of so many paths
    REFUSED = "refused"  # to answer


OF_CLAIMS = (Act.READ, Act.MEASURED, Act.FOUND)


@dataclass(frozen=True)
class Step:
    """what: of it, in words that may be spoken after the act: "the whole picture", "EXIT", "3 people".

    Of a look, "for text" as well. box: where in the picture, None for the whole. votes: of an agreement, how many of
    how many. ms: what it took, where it was timed. tokens: of an answer of the language model. chance: that it gave it,
    0..1.
    """

    act: Act
    what: str
    box: Box | None = None
    votes: tuple[int, int] | None = None
    ms: float | None = None
    tokens: int | None = None
    chance: float | None = None

    @property
    def words(self) -> str:
        """The step as it follows "I": "looked at the whole picture"; of an agreement, a clause of its own."""
        if self.act is Act.LOOKED and not self.what.startswith("for "):
            return f"looked at {self.what}"
        if self.act is Act.READ:
            return f'read "{self.what}"'
        if self.act is Act.AGREED and self.votes:
            return f"{self.votes[0]} of {self.votes[1]} ways agreed"
        if self.act is Act.REFUSED:
            return f"refused: {self.what}"
        return f"{self.act.value} {self.what}"


def steps_of(claims: Iterable[Claim]) -> Iterator[Step]:
    """What led to the claims, each step once: what is measured from a line that stands somewhere was read first."""
    steps = (step for claim in claims for step in _steps_of(claim))
    yield from dict.fromkeys(steps)


def _steps_of(claim: Claim) -> Iterator[Step]:
    if claim.basis is Basis.INFERRED:
        yield Step(Act.FOUND, claim.finding, claim.box)
        return
    if claim.basis is Basis.VERBATIM or (claim.line and claim.box):
        yield Step(Act.READ, claim.line or claim.finding, claim.box)
    if claim.basis is Basis.MEASURED:
        yield Step(Act.MEASURED, claim.finding, claim.box)
