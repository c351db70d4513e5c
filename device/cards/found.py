"""What a card is made from: a turn that is over and its claims; and the gate that everything on a card passes.

A value is shown under the same rule as it is spoken: where a claim holds it, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from device.cards.card import Card, Part, Picture, Reading, Row, Rows, Text
from device.evidence import Basis, Box, Claim
from device.experts.scene import Scene
from device.thinking.explain import place
from device.thinking.facts import facts_in, legible
from device.thinking.support import passed, supported
from device.turn import Turn

AROUND = 0.6  # of a box's size, that is shown around it
WORTH = 0.3  # of the picture: what covers less is shown larger
_SHORT = (  # how units are written where they are read, not heard
    (r"([\d.,]+) pounds?\b(?! of)", r"£\1"),
    (r"([\d.,]+) euros?\b", r"€\1"),
    (r"([\d.,]+) dollars?\b", r"$\1"),
    (r"([\d.,]+) yen\b", r"¥\1"),
    (r"([\d.,]+) pence\b", r"\1p"),
    (r"\bkilocalories\b", "kcal"),
    (r"\bmilligrams\b", "mg"),
    (r"\bkilogram\b", "kg"),
    (r"\bless than ", "< "),
    (r"\babout (?=[\d$€£¥])", "≈ "),
)


@dataclass
class Found:
    """claims: those of the turn, and what is added to them. scene: as in the turn, where it is still at hand."""

    turn: Turn
    claims: list[Claim]
    scene: Scene | None = None

    def matching(self, pattern: str) -> list[tuple[Claim, re.Match[str]]]:
        """The claims whose finding is of a form."""
        return [(claim, match) for claim in self.claims if (match := re.fullmatch(pattern, claim.finding))]

    def unlike(self, *patterns: str) -> list[Claim]:
        """The claims whose finding is of none of the forms."""
        return [claim for claim in self.claims if not any(re.fullmatch(form, claim.finding) for form in patterns)]


def row(claim: Claim, name: str, value: str = "", **more) -> Row:
    """A row that rests on a claim."""
    return Row(claim.basis, claim.confidence, claim.box, name=name, value=short(value), **more)


def reading(claim: Claim, value: str, unit: str = "", caption: str = "") -> Reading:
    """A reading that rests on a claim."""
    return Reading(claim.basis, claim.confidence, claim.box, short(value), short(unit), caption)


def short(text: str) -> str:
    """As it is written: "€2.40", "250 kcal"."""
    for spoken, written in _SHORT:
        text = re.sub(spoken, written, text)
    return text


def number(text: str) -> float | None:
    """The first number in a text: "less than 1,250 g" -> 1250.0."""
    found = re.search(r"\d[\d,]*(?:\.\d+)?", text)
    return float(found[0].replace(",", "")) if found else None


def source(claims: Iterable[Claim]) -> str:
    """What a card rests on, in a few words: "read on the left, worked out", "my guess"."""
    said: list[str] = []
    for basis, what in ((Basis.VERBATIM, "read"), (Basis.MEASURED, "measured"), (Basis.INFERRED, "my guess")):
        of_it = [claim for claim in claims if claim.basis is basis]
        box = next((claim.box for claim in of_it if claim.box), None)
        if of_it:
            said.append(f"{what} {place(box)}" if box and basis is Basis.VERBATIM else what)
    return ", ".join(said)


def gated(parts: Sequence[Part], claims: Sequence[Claim]) -> tuple[Part, ...]:
    """The parts without what no claim holds; a picture stays only with something to point at."""
    kept: list[Part] = []
    for part in parts:
        if isinstance(part, Text):
            part = replace(part, text=passed(part.text, claims))
            kept += [part] if part.text else []
        elif isinstance(part, Reading):
            kept += [part] if _borne_out(f"{part.value} {part.unit} {part.caption}", claims) else []
        elif isinstance(part, Rows):
            rows = tuple(one for one in part.rows if _borne_out(f"{one.name}: {one.value}", claims))
            heading = part.heading if _borne_out(part.heading, claims) else ""
            kept += [replace(part, rows=rows, heading=heading)] if rows else []
        else:
            kept.append(part)
    if not Card("", tuple(kept)).boxes:
        kept = [part for part in kept if not isinstance(part, Picture)]
    return tuple(kept)


def _borne_out(words: str, claims: Sequence[Claim]) -> bool:
    clause = legible(words)
    return all(supported(fact, clause, claims) for fact in facts_in(clause))


def crop_of(parts: Sequence[Part]) -> Box | None:
    """The part of the picture that holds all boxes, with something around; None where that is most of it."""
    boxes = Card("", tuple(parts)).boxes
    if not boxes:
        return None
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    margin = AROUND * max(right - left, bottom - top) / 2 + 0.02
    around = max(0.0, left - margin), max(0.0, top - margin), min(1.0, right + margin), min(1.0, bottom + margin)
    return around if (around[2] - around[0]) * (around[3] - around[1]) < 1 - WORTH else None
