""" "Why?", "show me": tells what the answer before rests on. Knows claims, not how they were made."""

from __future__ import annotations

import re
from collections.abc import Sequence

from device.evidence import Answer, Basis, Box, Claim
from device.experts.intent import plain

_WHY = re.compile(
    r"why(?: is that| do you (?:say|think) (?:so|that))?|how (?:do|can|did) you know(?: (?:that|this|it))?|how come"
    r"|how (?:sure|certain|confident) are you(?: (?:of|about) (?:that|it))?|are you (?:really )?(?:sure|certain)"
    r"(?: (?:of|about) (?:that|it))?|what makes you (?:say|think) (?:so|that)|says who"
    r"|where did you (?:see|read|get) (?:that|it)"
)
_SHOW = re.compile(
    r"show (?:me|it)(?: (?:that|it|where|where it is|the evidence|how you know))*"
    r"|where (?:is that|was that|did you see that|in the picture)"
)
MOST = 2  # claims that are told; more is a lecture
NOTHING = "I have no evidence for it beyond what the picture looks like to me."


def explained(question: str, claims: Sequence[Claim]) -> Answer | None:
    """The answer to a question about the answer before, whose claims are given; None for any other question."""
    asked = plain(question)
    if _SHOW.fullmatch(asked):
        placed = [claim for claim in claims if claim.box is not None]
        if not placed:
            return Answer("I cannot point at it; it is what the picture as a whole looks like to me.", tuple(claims))
        best = _best(placed)
        return Answer(" ".join(f"{_quoted(c)} is {place(c.box)} of the picture." for c in best if c.box), tuple(best))
    if not _WHY.fullmatch(asked):
        return None
    best = _best(claims)
    return Answer(" ".join(map(_reason, best)) or NOTHING, tuple(best))


def place(box: Box) -> str:
    """Where a box is, in words: "at the top left"."""
    across, down = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    column = "left" if across < 1 / 3 else "right" if across > 2 / 3 else ""
    row = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else ""
    if not row and not column:
        return "in the middle"
    if not row:
        return f"on the {column}"
    return f"at the {row} {column}".strip()


def _best(claims: Sequence[Claim]) -> list[Claim]:
    order = list(Basis)
    return sorted(claims, key=lambda claim: (order.index(claim.basis), -claim.confidence))[:MOST]


def _quoted(claim: Claim) -> str:
    if claim.basis is Basis.INFERRED:
        return f"The {claim.finding}" if not claim.finding[:1].isdigit() else claim.finding
    return f'"{claim.line or claim.finding}"'


def _reason(claim: Claim) -> str:
    where = f" {place(claim.box)}" if claim.box else ""
    if claim.basis is Basis.VERBATIM:
        doubt = "" if claim.confidence >= 0.8 else ", though not clearly"
        return f'I read "{claim.line or claim.finding}"{where}{doubt}.'
    if claim.basis is Basis.MEASURED:
        source = f' from "{claim.line}"' if claim.line else " in the picture"
        return f"I measured {claim.finding}{source}{where}."
    sure = "I am quite sure" if claim.confidence >= 0.8 else "I think" if claim.confidence >= 0.5 else "I only guess"
    return f"{sure} that I see this{where}: {claim.finding}."
