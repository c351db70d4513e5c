"""Puts each nutrient's values in the columns of the table, and turns them into energy in kcal and mass in g."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from device.evidence import Basis
from device.experts.labels.bases import Column
from device.experts.labels.fact import Fact, distinct
from device.experts.labels.layout import Row
from device.experts.labels.nutrients import OTHER
from device.experts.labels.quantity import Quantity, factor, kind_of, number

Values = dict[str, Fact]
"""By nutrient; energy in kcal, all else in g."""

UNIT_GUESSED = 0.7
"""What a unit that is not printed, but that the other values have, leaves of the confidence."""
NINE_DROPPED = 0.6
"""The same for a last 9 that is taken for a g."""


@dataclass(frozen=True)
class Value:
    """A number with the place and the row it stands in."""

    quantity: Quantity
    x: float
    row: Row


@dataclass
class Mention:
    """A nutrient's name and the values that follow it.

    unit: printed in the name, as in "Fat (g)". columns: of the part of the label that it stands in. x: of the name
    where values stand below names instead of behind them.
    """

    name: str
    unit: str
    row: Row
    columns: list[Column]
    values: list[Value] = field(default_factory=list)
    x: float | None = None


def fill(mentions: Sequence[Mention]) -> tuple[Values, Values, Values]:
    """Values per 100, per serving, and of which the label does not say what they are per."""
    per_100: Values = {}
    per_serving: Values = {}
    unknown: Values = {}
    known = [mention for mention in mentions if mention.name != OTHER and mention.values]
    units = [v.quantity.unit for m in known if m.name != "energy" for v in m.values if v.quantity.unit != "%"]
    with_units = bool(units) and sum(unit != "" for unit in units) >= 0.5 * len(units)
    sentence = len({id(mention.row) for mention in known}) <= 0.7 * len(known)
    for mention in known:
        columns = mention.columns
        places = [column.x for column in columns]
        if sentence or mention.x is not None:
            places = [None for _ in columns]
        elif columns:
            places = _calibrated([other for other in known if other.columns is columns], columns)
        for index, fact in _by_column(mention, places, with_units):
            column = columns[index] if index is not None else None
            target = unknown if column is None else per_100 if column.per_100 else per_serving
            computed = mention.name in target and target[mention.name].basis is Basis.MEASURED
            if mention.name not in target or (computed and fact.basis is Basis.VERBATIM):
                target[mention.name] = fact
    return per_100, per_serving, unknown


def _calibrated(mentions: Sequence[Mention], columns: list[Column]) -> list[float | None]:
    """Where each column's values stand, from rows that have as many values as there are columns."""
    full = []
    for mention in mentions:
        values = [value.x for value in mention.values if value.quantity.unit != "%"]
        if mention.name != "energy" and len(values) == len(columns):
            full.append(values)
    return list(np.median(full, axis=0)) if full else [column.x for column in columns]


def _by_column(mention: Mention, places: list[float | None], with_units: bool) -> list[tuple[int | None, Fact]]:
    """(number of the column or None, fact) for each value of a nutrient."""
    groups = _energies(mention) if mention.name == "energy" else [_masses(mention, with_units)]
    placed: dict[int | None, Fact] = {}
    for group in groups:
        for index, fact in _placed(group, places):
            placed.setdefault(index, fact)
    return list(placed.items())


def _placed(values: list[tuple[Fact, float]], places: list[float | None]) -> list[tuple[int | None, Fact]]:
    if not places:
        return [(None, values[0][0])] if values else []
    known = [place for place in places if place is not None]
    if len(values) == len(places) or len(known) < len(places):
        return [(index, fact) for index, (fact, _) in enumerate(values[: len(places)])]
    if len(known) == 1:
        return [(0, min(values, key=lambda value: abs(value[1] - known[0]))[0])] if values else []
    return [(int(np.argmin([abs(x - place) for place in known])), fact) for fact, x in values]


def _masses(mention: Mention, with_units: bool) -> list[tuple[Fact, float]]:
    made = []
    for value in mention.values:
        quantity = value.quantity
        number_read, unit, sure = quantity.value, quantity.unit or mention.unit, 0.8 if quantity.doubtful else 1.0
        if unit == "" and with_units:
            if quantity.digits.endswith("9") and len(quantity.digits) > 1:  # the g of the others was read as a 9
                number_read, sure = number(quantity.digits[:-1].rstrip(".,")) or 0.0, NINE_DROPPED
            unit, sure = "g", min(sure, UNIT_GUESSED)
        if unit == "" and mention.name != "sodium":
            unit, sure = "g", UNIT_GUESSED
        if kind_of(unit) != "mass" or re.match(r"0\d", quantity.digits):  # "009" was "0.9g", or anything
            continue
        made.append((_fact(mention, value, number_read * factor(unit, "g"), "g", sure), value.x))
    return made


def _energies(mention: Mention) -> list[list[tuple[Fact, float]]]:
    """kcal first, then kJ turned to kcal, each with its values from left to right."""
    kcal, kj, bare = ([v for v in mention.values if v.quantity.unit == unit] for unit in ("kcal", "kJ", ""))
    if bare and not kcal and not kj:
        if mention.unit == "kJ/kcal" or _alternate([value.quantity.value for value in bare]):
            kj, kcal = bare[0::2], bare[1::2]
        elif mention.unit == "kJ":
            kj = bare
        else:
            kcal = bare
    elif bare and not kcal and len(bare) == len(kj):  # "1046 kJ/250"
        kcal = bare
    made_kcal = [(_fact(mention, value, value.quantity.value, "kcal"), value.x) for value in kcal]
    made_kj = [
        (
            replace(_fact(mention, value, value.quantity.value * factor("kJ", "kcal"), "kcal"), basis=Basis.MEASURED),
            value.x,
        )
        for value in kj
    ]
    if len(kj) == len(kcal):
        made_kcal = [
            (replace(fact, note={"kJ": other.quantity.value}), x)
            for (fact, x), other in zip(made_kcal, kj, strict=True)
        ]
    return [made_kcal, made_kj]


def _alternate(values: list[float]) -> bool:
    pairs = list(zip(values[0::2], values[1::2], strict=False))
    return len(values) % 2 == 0 and all(4.0 < one / other < 4.4 for one, other in pairs if other)


def _fact(mention: Mention, value: Value, amount: float, unit: str, sure: float = 1.0) -> Fact:
    lines = distinct(*(tuple(cell.line for cell in row.cells) for row in (mention.row, value.row)))
    confidence = min(line.confidence for line in lines) * sure
    quantity = value.quantity
    printed = (quantity.value, quantity.unit) if quantity.unit == "mg" else None
    return Fact(float(f"{amount:.6g}"), unit, lines, confidence, below=quantity.below, printed=printed)
