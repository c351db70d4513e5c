"""Cards about things in view, their colours, and codes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from device.cards.card import Part, Picture, Reading, Row, Rows, Shape, Text
from device.cards.found import Found, row
from device.evidence import Claim
from device.thinking.explain import place
from device.thinking.facts import numbers_in

_DIRECTION = r"\d{1,2} o'clock"


def things(found: Found) -> Sequence[Part]:
    """Each thing with its place, and the picture that shows it."""
    direction = next((claim.finding for claim, _ in found.matching(_DIRECTION)), "")
    seen = [claim for claim in found.claims if not re.fullmatch(_DIRECTION, claim.finding)]
    if not any(claim.box for claim in seen):
        return ()
    rows = [row(seen[0], seen[0].finding, ", ".join(filter(None, (direction, _place(seen[0])))))]
    rows += [row(claim, claim.finding, _place(claim)) for claim in seen[1:]]
    return Rows(tuple(rows), Shape.LIST), Picture()


def _place(claim: Claim) -> str:
    return place(claim.box) if claim.box else ""


def counted(found: Found) -> Sequence[Part]:
    """How many, large, and each one that has a box."""
    counts = found.matching(r"(?P<number>at least \w+) .+")
    if not counts:
        return things(found)
    claim, match = counts[0]
    seen = [one for one in found.claims if one is not claim and one.box]
    values = numbers_in(claim.finding)
    many = Reading(
        claim.basis, claim.confidence, seen[0].box if len(seen) == 1 else claim.box,
        value=f"{min(values)}+" if values else match["number"], caption=claim.finding,
    )  # fmt: skip
    rows = tuple(row(one, one.finding, _place(one)) for one in seen)
    return [many, *([Rows(rows, Shape.LIST)] if len(rows) > 1 else []), Picture()]


def colours(found: Found) -> Sequence[Part]:
    """Each colour as it looks by day, beside its name."""
    named = [claim for claim in found.claims if claim.box]
    verdicts: list[Part] = [_sentence(claim) for claim in found.claims if not claim.box]
    several = len({claim.box for claim in named}) > 1
    rows = [
        Row(
            claim.basis, claim.confidence, claim.box,
            name=claim.finding, value=_place(claim) if several else "", colour=_colour(found, claim),
        )
        for claim in named
    ]  # fmt: skip
    return [*verdicts, *([Rows(tuple(rows), Shape.LIST)] if rows else []), Picture()]


def _sentence(claim: Claim) -> Text:
    return Text(claim.basis, claim.confidence, text=f"{claim.finding[:1].upper()}{claim.finding[1:]}.")


def _colour(found: Found, claim: Claim) -> str | None:
    """By the picture where it is at hand, else none."""
    picture = found.scene.pixels if found.scene else found.turn.frame.pixels if found.turn.frame else None
    if picture is None or claim.box is None:
        return None
    from device.experts.colour.surfaces import surfaces

    seen = surfaces(picture, claim.box)
    surface = next((one for one in seen if claim.finding in (one.name, one.basic)), seen[0])
    return "#{:02x}{:02x}{:02x}".format(*surface.rgb)


def code(found: Found) -> Sequence[Part]:
    """What each code holds, where, and what was said of it, with its warnings."""
    held = [claim for claim in found.claims if claim.box]
    if not held:
        return ()
    said = Text(text=found.turn.answer)
    if len(held) == 1:
        return Text(held[0].basis, held[0].confidence, held[0].box, held[0].finding), said, Picture()
    return Rows(tuple(row(claim, claim.finding, _place(claim)) for claim in held), Shape.LIST), said, Picture()
