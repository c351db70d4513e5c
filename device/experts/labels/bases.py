"""What the values of a nutrition table are per: heads such as "per 100 g" and "per serving (30 g)", serving sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from device.experts.labels.fact import Fact
from device.experts.labels.layout import Row
from device.experts.labels.nutrients import field_of
from device.experts.labels.quantity import find_quantities, number

_PER = r"(?:per|pro|pour|par|je|p[eo]r)"
_ABOUT = r"(?:typically|approx\.?|approximately|about|circa|ca\.?|~)?"
_PORTION = (
    r"(?:servings?|serve|portion|bar|slice|pack|packet|biscuit|pot|can|bottle|glass|cup|bowl|piece|tub|sachet|"
    r"riegel|scheibe|stück|stuck|dose|flasche|glas|barre|tranche|biscuits?)"
)


def _amount(name: str) -> str:
    return rf"{_ABOUT}\s?(?P<{name}>[\dOoIl]+(?:[.,]\d+)?)\s?(?P<{name}_unit>m[lI1]|[gq9](?![a-z]))"


_BASES = re.compile(
    rf"(?P<hundred>(?:{_PER}\s?)?(?<!\d)[1lI][0Oo]{{2}}\s?(?P<hundred_unit>m[lI1]|[gq9](?![a-z\d]))(?:\s?contains?)?)|"
    rf"(?P<sized>{_PER}\s?(?:1\s?(?![\d.,]))?(?:{_PORTION}\s?)?\(?{_amount('size')}\)?(?:\s?{_PORTION})?)|"
    rf"(?P<portion>(?:{_PER}|each|a)\s?(?:\d/\d\s?|1\s?)?{_PORTION}(?:\s?\(?{_amount('each')}\)?)?(?:\s?contains?)?)",
    re.IGNORECASE,
)
_SERVING_SIZE = re.compile(
    r"(?:serving|serv\.?|portions?)\s?(?:size|größe|grosse|grösse)\s?:?|^\W*(?:serving|portion)\s?:", re.IGNORECASE
)


@dataclass(frozen=True)
class Column:
    """What the values of a column are per. x: where its head stands; None when it was said in a sentence."""

    per_100: bool
    unit: str  # "g" or "ml" of the 100; "" for a serving
    x: float | None


@dataclass(frozen=True)
class Bases:
    """text: the row's, with what was understood blanked out. serving: how much a serving is, where that is said."""

    text: str
    heads: list[Column]
    serving: Fact | None


def x_of(row: Row, offset: int) -> float:
    """Where the character at `offset` of the row's text stands."""
    for cell in row.cells:
        if offset <= len(cell.text):
            return cell.x_at(offset)
        offset -= len(cell.text) + 1
    return row.cells[-1].right


def read_bases(row: Row) -> Bases:
    """The heads of columns in a row, from left to right."""
    text, serving = _serving_size(row)
    heads: list[Column] = []
    named = field_of(re.split(r"\d", text, maxsplit=1)[0]) is not None
    for match in _BASES.finditer(text):
        bare = match["hundred"] and not re.match(_PER, match["hundred"], re.I)
        if bare and named:
            continue
        x = x_of(row, (match.start() + match.end()) // 2)
        if match["hundred"]:
            heads.append(Column(True, _plain_unit(match["hundred_unit"]), x))
        else:
            heads.append(Column(False, "", x))
            kind = "size" if match["size"] else "each"
            amount = number((match[kind] or "0").translate(str.maketrans("OoIl", "0011")).replace(",", "."))
            if amount:
                serving = serving or _serving(amount, _plain_unit(match[f"{kind}_unit"]), row)
        text = _blanked(text, match.start(), match.end())
    if heads and all(head.per_100 for head in heads) and field_of(text) is None:
        # "100 g | 30 g": an amount alone beside it is the serving.
        for quantity in find_quantities(text):
            if quantity.unit in ("g", "ml"):
                heads.append(Column(False, "", x_of(row, (quantity.start + quantity.end) // 2)))
                serving = serving or _serving(quantity.value, quantity.unit, row)
                text = _blanked(text, quantity.start, quantity.end)
    return Bases(text, sorted(heads, key=lambda head: head.x or 0.0), serving)


def _serving_size(row: Row) -> tuple[str, Fact | None]:
    """ "Serving size 2/3 cup (55g)": the first amount in g or ml behind the words."""
    said = _SERVING_SIZE.search(row.text)
    if said is None:
        return row.text, None
    for quantity in find_quantities(row.text[said.end() :]):
        if quantity.unit in ("g", "ml"):
            end = said.end() + quantity.end
            return _blanked(row.text, said.start(), end), _serving(quantity.value, quantity.unit, row)
    return _blanked(row.text, said.start(), len(row.text)), None


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]


def _plain_unit(printed: str) -> str:
    return "ml" if printed.lower().startswith("m") else "g"


def _serving(value: float, unit: str, row: Row) -> Fact:
    return Fact(value, unit, tuple(cell.line for cell in row.cells), row.confidence)


def joined(columns: list[Column], heads: list[Column]) -> list[Column]:
    """Heads over two rows: "per 100 g" may stand above or below "per serving"."""
    kept = [column for column in columns if not any(column.per_100 == head.per_100 for head in heads)]
    return sorted([*kept, *heads], key=lambda column: column.x or 0.0)
