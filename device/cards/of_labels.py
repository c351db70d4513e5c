"""Cards about packages and shelves, out of the claims of device.experts.labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from device.cards.card import Part, Picture, Reading, Row, Rows, Shape, Text
from device.cards.found import Found, number, reading, row, short
from device.evidence import Basis, Claim
from device.thinking.explain import place

if TYPE_CHECKING:
    from device.experts.labels.label import Label
    from device.experts.labels.view import Named

_AMOUNT = r"(?P<value>(?:less than )?\d[\d.,]*) (?P<unit>\w+)"
_NUTRIENT = rf"(?:(?P<name>[a-z ]+?) )?{_AMOUNT}(?: (?P<per>per .+))?"
_FACT = rf"(?P<per>Per [^:]+): (?P<name>[a-z ]+?) {_AMOUNT}"
_VERDICT = r"(?P<who>.+?) (?:has (?:less|more) .+|is (?:cheaper|dearer)): (?P<best>.+) against (?P<worst>.+?)"
_PRICES = rf"{_VERDICT}(?P<per> per \w+)?"
_OTHER = {"the left one": "the right one", "the upper one": "the lower one", "this one": "the one before"}
_LIST = 60  # characters; what is longer is the list of ingredients itself
_GRAMS = {"milligrams": 1e-3}


def compared(found: Found) -> Sequence[Part]:
    """Two of a kind as bars, the better one highlighted."""
    verdict = next(iter(found.matching(_PRICES)), None)
    if verdict is None:
        return ()
    claim, match = verdict
    first = next((one for one, other in _OTHER.items() if match["who"] in (one, other)), None)
    if first is None:
        return ()
    names = (first, _OTHER[first])
    sides = found.matching(_NUTRIENT)
    heading = (match["per"] or "").strip()
    if len(sides) >= 2:
        (one, a), (other, b) = sides[:2]
        same = a["per"] == b["per"]
        heading = " ".join(filter(None, (a["name"], a["per"] if same else "")))
        values = [" ".join(filter(None, (m["value"], m["unit"], None if same else m["per"]))) for m in (a, b)]
        amounts = [(number(m["value"]) or 0.0) * _GRAMS.get(m["unit"], 1.0) for m in (a, b)]
        claims = [one, other]
    else:
        best, worst = match["best"], match["worst"]
        values = [best, worst] if match["who"] == names[0] else [worst, best]
        amounts = [_money(value) for value in values]
        claims = [claim, claim]
        heading = short(f"price {heading}".strip())
    boxes = _boxes(found)
    rows = tuple(
        Row(
            claim.basis, claim.confidence, boxes.get(name, claim.box),
            name=name, value=short(value), amount=amount, best=name == match["who"],
        )
        for claim, name, value, amount in zip(claims, names, values, amounts, strict=True)
    )  # fmt: skip
    return Rows(rows, Shape.BARS, heading), Picture()


def _money(said: str) -> float:
    """ "99 pence" is less than "1.20 pounds"."""
    return (number(said) or 0.0) * (0.01 if "pence" in said else 1.0)


def _boxes(found: Found) -> dict[str, tuple[float, float, float, float] | None]:
    """Where each label is, by how it is called."""
    from device.experts.labels.fact import box_of

    return {
        one.name: box_of(tuple(cell.line for cell in one.label.cells), one.size)
        for one in _labels(found)
        if one.name and one.label.cells
    }


def _labels(found: Found) -> Sequence[Named]:
    if found.scene is None:
        return []
    from device.experts.labels.view import in_view, labels_of

    return in_view(labels_of(found.scene), found.scene.size)


def nutrition(found: Found) -> Sequence[Part]:
    """What was asked for, large; and the whole table where the label is at hand."""
    doubts = [_doubt(claim) for claim in found.unlike(_FACT, _NUTRIENT)]
    listed = found.matching(_FACT)
    asked = [] if listed else found.matching(_NUTRIENT)
    alike = [(claim, m) for claim, m in asked if _alike(m, asked[0][1])]
    if len(alike) > 1:
        rows = tuple(row(claim, place(claim.box) if claim.box else "", _value(m)) for claim, m in alike)
        return Rows(rows, heading=_caption(asked[0][1])), *doubts, Picture()
    parts: list[Part] = []
    if asked:
        claim, m = asked[0]
        parts.append(reading(claim, m["value"], m["unit"], _caption(m)))
    table = _table(found, asked[0][1] if asked else None)
    if table is None and listed:
        table = Rows(
            tuple(row(claim, m["name"], _value(m)) for claim, m in listed), heading=listed[0][1]["per"].lower()
        )
    return [*parts, *([table] if table else []), *doubts, Picture()]


def _alike(one: re.Match[str], other: re.Match[str]) -> bool:
    """The same nutrient per the same: of two labels, not of two columns of one."""
    return one["name"] == other["name"] and (one["per"] or "")[:7] == (other["per"] or "")[:7]


def _value(match: re.Match[str]) -> str:
    return f"{match['value']} {match['unit']}"


def _doubt(claim: Claim) -> Text:
    return Text(claim.basis, claim.confidence, text=f"The label contradicts itself, or I misread it: {claim.finding}.")


def _caption(match: re.Match[str]) -> str:
    return " ".join(filter(None, (match["name"] or "energy", match["per"])))


def _table(found: Found, asked: re.Match[str] | None) -> Rows | None:
    """All that the label says, in the column that was asked for. Its values become claims."""
    from device.experts.labels.ask_nutrition import SPOKEN
    from device.experts.labels.nutrients import FIELDS

    one = next((one for one in _labels(found) if one.label.nutrition), None)
    if one is None:
        return None
    facts = one.label.nutrition
    served = asked is not None and "serving" in (asked["per"] or "")
    values, heading = facts.per_100, f"per 100 {facts.basis}"
    if not values or (served and facts.per_serving):
        values, heading = facts.per_serving, "per serving"
    rows = []
    for field in FIELDS:
        if field in values:
            name, fact = SPOKEN.get(field, field), values[field]
            claim = fact.claim(f"{name} {fact.spoken()} {heading}", one.size)
            found.claims.append(claim)
            rows.append(row(claim, name, fact.spoken(), best=asked is not None and name == (asked["name"] or "energy")))
    return Rows(tuple(rows), heading=heading) if rows else None


def ingredients(found: Found) -> Sequence[Part]:
    """One a line, those with an allergen in them highlighted."""
    claim = max(found.claims, key=lambda claim: len(claim.finding))
    parts = [part.strip(" .") for part in re.split(r"[,;](?![^(\[]*[)\]])(?!\d)", claim.finding)]
    allergens = [a for label in _ingredients(found) for a in label.ingredients.allergens if not a.may]
    rows = []
    for part in filter(None, parts):
        here = next((a.name for a in allergens if a.word.lower() in part.lower()), "")
        rows.append(
            Row(
                claim.basis,
                claim.confidence,
                name=part,
                value=here if here not in part.lower() else "",
                best=bool(here),
            )
        )
        if here:
            found.claims.append(Claim("labels", here, claim.confidence, Basis.MEASURED, None, part))
    return (Rows(tuple(rows), Shape.LIST),) if rows else ()


def _ingredients(found: Found) -> list[Label]:
    return [one.label for one in _labels(found) if one.label.ingredients]


def words_on_label(found: Found) -> Sequence[Part]:
    """The words that the answer rests on, and the answer, since what was missed matters."""
    rows = tuple(row(claim, claim.finding) for claim in found.claims if len(claim.finding) <= _LIST)
    if not rows:
        return ()
    return Rows(rows, Shape.LIST), Text(text=found.turn.answer), Picture()


def priced(found: Found) -> Sequence[Part]:
    """A price large, and what a kilo costs below it; the prices of several tags by their places."""
    prices = [claim for claim in found.claims if re.fullmatch(r"[\d.,]+(?: \w+)?", claim.finding)]
    others = [claim for claim in found.claims if claim not in prices]
    if len(prices) > 1:
        rows = tuple(row(c, short(c.finding), place(c.box) if c.box else "") for c in found.claims)
        return Rows(rows, Shape.LIST), Picture()
    parts: list[Part] = [reading(claim, claim.finding) for claim in prices]
    parts += [Rows(tuple(row(claim, *_per(claim.finding)) for claim in others))] if others else []
    return [*parts, Picture()]


def _per(said: str) -> tuple[str, str]:
    """ "3.20 euros per kilogram" -> ("per kg", "3.20 euros")."""
    value, per, unit = said.partition(" per ")
    return (f"per {short(unit)}", value) if per else ("offer", said)


def sized(found: Found) -> Sequence[Part]:
    """The size of one, or of each."""
    if len(found.claims) == 1 and (match := re.fullmatch(_AMOUNT, found.claims[0].finding)):
        return reading(found.claims[0], match["value"], match["unit"]), Picture()
    return Rows(tuple(row(c, place(c.box) if c.box else "", c.finding) for c in found.claims)), Picture()


def dated(found: Found) -> Sequence[Part]:
    """The day large, and how far it is off."""
    days = found.matching(r"(?P<kind>.*?) ?(?P<day>(?:\d{1,2} )?[A-Z][a-z]+ \d{4})")
    rest = [claim for claim in found.claims if all(claim is not day for day, _ in days)]
    told: list[Part] = [Text(c.basis, c.confidence, text=f"{c.finding[:1].upper()}{c.finding[1:]}.") for c in rest]
    if len(days) == 1:
        claim, match = days[0]
        return [
            Reading(claim.basis, claim.confidence, claim.box, match["day"], "", match["kind"] or "date"),
            *told,
            Picture(),
        ]
    if not days:
        return ()
    rows = tuple(row(claim, match["kind"] or "date", match["day"]) for claim, match in days)
    return [Rows(rows, heading="one of these"), *told, Picture()]
