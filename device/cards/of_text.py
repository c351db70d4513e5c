"""Cards about text that was read, and about what an answer rests on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from device.cards.card import Part, Picture, Rows, Shape, Text
from device.cards.found import Found, row
from device.evidence import Basis, Claim
from device.thinking.explain import place

HOW = {Basis.VERBATIM: "read", Basis.MEASURED: "measured", Basis.INFERRED: "I think I see it"}


def lines(found: Found) -> Sequence[Part]:
    """The lines as they stand there, one below the other."""
    read = [claim for claim in found.claims if claim.basis is Basis.VERBATIM]
    rest: list[Part] = [_counted(claim) for claim in found.claims if claim.basis is Basis.MEASURED]
    if len(read) == 1 and not rest:
        return _text(read[0], read[0].finding), Picture()
    return [*([Rows(tuple(row(claim, claim.finding) for claim in read), Shape.LIST)] if read else []), *rest, Picture()]


def _counted(claim: Claim) -> Text:
    return Text(claim.basis, claim.confidence, text=f"{claim.finding}.")


def _text(claim: Claim, text: str) -> Text:
    return Text(claim.basis, claim.confidence, claim.box, text)


def largest(found: Found) -> Sequence[Part]:
    """What was asked for, as large as it can be shown: a line, a word that is spelled, a telephone number, a name."""
    read = [claim for claim in found.claims if claim.basis is Basis.VERBATIM]
    if not read:
        return ()
    shown: list[Part] = [_text(claim, claim.finding) for claim in read]
    letters = re.search(r"is spelled: (.+)\.$", found.turn.answer)
    if letters and found.turn.answered_by == "spell":
        claim = Claim("text", letters[1].replace(", ", " "), read[0].confidence, Basis.MEASURED, None, read[0].line)
        found.claims.append(claim)
        shown.append(_text(claim, claim.finding))
    return [*shown, Picture()]


def places(found: Found) -> Sequence[Part]:
    """Each place where words stand, with the line around them."""
    rows = []
    for claim in found.claims:
        where = place(claim.box) if claim.box else ""
        rows.append(row(claim, claim.line if claim.line else claim.finding, where))
    return Rows(tuple(rows), Shape.LIST), Picture()


def why(found: Found) -> Sequence[Part]:
    """What the answer before rests on, and where that is."""
    if not any(claim.box for claim in found.claims):
        return ()
    told = (
        (claim, f"{HOW[claim.basis]} {place(claim.box)}" if claim.box else HOW[claim.basis]) for claim in found.claims
    )
    return Rows(tuple(row(claim, claim.finding, how) for claim, how in told), Shape.LIST), Picture()
