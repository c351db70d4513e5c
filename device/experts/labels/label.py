"""All that is read from one label or package, and how a picture with several is cut into them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from device.experts.labels.bases import read_bases
from device.experts.labels.dates import Stamp, read_dates
from device.experts.labels.ingredients import Ingredients, read_ingredients
from device.experts.labels.layout import Cell, Row, cells_of, drops, gaps, rows_of
from device.experts.labels.nutrients import field_of
from device.experts.labels.nutrition import Nutrition, read_nutrition
from device.experts.labels.plausibility import complete
from device.experts.labels.prices import Prices, read_prices
from models.reading import Line

MOST = 12
"""So many labels are told apart in one picture; more are taken as one."""


@dataclass
class Label:
    """cells: all the text of it."""

    cells: Sequence[Cell] = ()
    nutrition: Nutrition = field(default_factory=Nutrition)
    ingredients: Ingredients = field(default_factory=Ingredients)
    prices: Prices = field(default_factory=Prices)
    dates: list[Stamp] = field(default_factory=list)

    def __bool__(self) -> bool:
        prices = self.prices
        return bool(
            self.nutrition or self.ingredients or self.dates or prices.price or prices.unit_price or prices.size
        )

    def record(self) -> dict[str, Any]:
        """For JSON."""
        nutrition, prices, ingredients = self.nutrition, self.prices, self.ingredients
        return {
            "fields": {name: fact.record() for name, fact in nutrition.per_100.items()},
            "per_serving": {name: fact.record() for name, fact in nutrition.per_serving.items()},
            "per_unknown": {name: fact.record() for name, fact in nutrition.unknown.items()},
            "basis": f"100 {nutrition.basis}" if nutrition.per_100 else None,
            "serving": nutrition.serving.record() if nutrition.serving else None,
            "ingredients": _text_record(ingredients.list_text, ingredients.cells) if ingredients.list_text else None,
            "allergens": [
                {"name": a.name, "word": a.word, "may": a.may} | _text_record(a.cell.text, (a.cell,))
                for a in ingredients.allergens
            ],
            "claims": [{"claim": claim} | _text_record(cell.text, (cell,)) for claim, cell in ingredients.claims],
            "price": prices.price.record() if prices.price else None,
            "unit_price": prices.unit_price.record() if prices.unit_price else None,
            "offers": [offer.record() for offer in prices.offers],
            "size": prices.size.record() if prices.size else None,
            "dates": [stamp.fact.record() for stamp in self.dates],
            "contradictions": [fact.record() for fact in nutrition.contradictions],
        }


def _text_record(text: str, cells: Sequence[Cell]) -> dict[str, Any]:
    lines = " ".join(cell.text for cell in cells)
    return {"text": text, "line": lines, "confidence": round(min(cell.line.confidence for cell in cells), 3)}


def _read(cells: Sequence[Cell], today: date) -> Label:
    rows = rows_of(cells)
    nutrition = read_nutrition(rows)
    complete(nutrition)
    return Label(
        cells,
        nutrition,
        read_ingredients(cells),
        read_prices(rows, _table(rows) if nutrition else ()),
        read_dates(rows, today),
    )


def _table(rows: list[Row]) -> list[Row]:
    """From the first row that names a nutrient or heads a column to the last: amounts among them are no sizes."""
    named = [index for index, row in enumerate(rows) if field_of(row.text) is not None or read_bases(row).heads]
    return rows[named[0] : named[-1] + 1] if named else []


def read_labels(lines: Iterable[Line], today: date) -> list[Label]:
    """Each label in view, from left to right, then downwards; one where they can't be told apart."""
    cells = cells_of(lines)
    if not cells:
        return []
    for anchored in (_has_nutrition, _has_price):
        parts = _cut(cells, anchored)
        if len(parts) > 1:
            return [_read(part, today) for part in parts[:MOST]]
    return [_read(cells, today)]


def _has_nutrition(cells: Sequence[Cell]) -> bool:
    found = read_nutrition(rows_of(cells))
    return max(len(found.per_100), len(found.per_serving), len(found.unknown)) >= 2


def _has_price(cells: Sequence[Cell]) -> bool:
    return read_prices(rows_of(cells), ()).price is not None


def _cut(cells: list[Cell], anchored: Callable[[Sequence[Cell]], bool], depth: int = 0) -> list[list[Cell]]:
    """Left and right of the first gap at which both parts are labels of their own, then above and below; and again."""
    if depth > 6 or len(cells) < 4:
        return [cells]
    for x in gaps(cells)[:6]:
        left, right = [c for c in cells if c.right <= x], [c for c in cells if c.left >= x]
        if min(len(left), len(right)) >= 2 and anchored(left) and anchored(right):
            return [*_cut(left, anchored, depth + 1), *_cut(right, anchored, depth + 1)]
    for y in drops(cells)[:6]:
        upper, lower = [c for c in cells if c.y < y], [c for c in cells if c.y >= y]
        if min(len(upper), len(lower)) >= 2 and anchored(upper) and anchored(lower) and _repeats(upper, lower):
            return [*_cut(upper, anchored, depth + 1), *_cut(lower, anchored, depth + 1)]
    return [cells]


def _repeats(upper: Sequence[Cell], lower: Sequence[Cell]) -> bool:
    """Whether both parts name a nutrient of the same kind: one table is not cut in two."""
    named = [{field_of(cell.text) for cell in part} - {None, "other"} for part in (upper, lower)]
    return not any(named) or len(named[0] & named[1]) >= 2
