"""Reads a table, or a sentence, of nutrition facts out of rows of text.

First what the columns are (per 100 g, per serving), then each nutrient's values. Knows layouts; which value belongs to
which column is `values`' business, whether the numbers make sense together is plausibility's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from device.experts.labels.bases import Column, joined, read_bases, x_of
from device.experts.labels.fact import Fact
from device.experts.labels.layout import Row
from device.experts.labels.nutrients import OTHER, field_of
from device.experts.labels.quantity import Quantity, find_quantities, kind_of, unit_of
from device.experts.labels.values import Mention, Value, Values, fill

_AMERICAN = re.compile(
    r"nutrition\s?facts|amount\s?(?:per|/)\s?serving|daily\s?value|servings?\s?per\s?container", re.IGNORECASE
)
_CLAIM = re.compile(r"free|low|source|high|reduced|less", re.IGNORECASE)


@dataclass
class Nutrition:
    """per_100: per 100 `basis` ("g" or "ml"). unknown: values of which the label does not say what they are per.

    unsure: nutrients with a value that was left out because it cannot be right.
    """

    per_100: Values = field(default_factory=dict)
    per_serving: Values = field(default_factory=dict)
    unknown: Values = field(default_factory=dict)
    serving: Fact | None = None
    basis: str = "g"
    contradictions: list[Fact] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)

    @property
    def printed(self) -> Values:
        """Of the first column that stands on the label itself."""
        computed = all("from" in fact.note for fact in self.per_100.values())
        return (self.per_serving if computed else self.per_100) or self.per_100 or self.unknown

    def __bool__(self) -> bool:
        return bool(self.per_100 or self.per_serving or self.unknown)


def read_nutrition(rows: Sequence[Row]) -> Nutrition:
    """rows: from top to bottom. Empty where fewer than two nutrients have values and no column is named."""
    american = any(_AMERICAN.search(row.text) for row in rows)
    columns: list[Column] = [Column(False, "", None)] if american else []
    implied = american
    mentions: list[Mention] = []
    serving: Fact | None = None
    for row in rows:
        bases = read_bases(row)
        if bases.heads:
            fresh = implied or any(mention.values for mention in mentions)  # else more heads of the same table
            columns = bases.heads if fresh else joined(columns, bases.heads)
            implied = False
        serving = serving or bases.serving
        mentions.extend(_mentions(row, bases.text, mentions, columns))
    named = {mention.name for mention in mentions if mention.values and mention.name != OTHER}
    if not named or (len(named) < 2 and not (any(m.columns for m in mentions) or american)):
        return Nutrition()
    per_100, per_serving, unknown = fill(mentions)
    heads = [column for mention in mentions for column in mention.columns if column.per_100]
    basis = heads[0].unit if heads else serving.unit if serving else "g"
    return Nutrition(per_100, per_serving, unknown, serving, basis)


def _mentions(row: Row, text: str, before: Sequence[Mention], columns: list[Column]) -> list[Mention]:
    """The nutrients named in a row with the values behind each; values before any name may go on with the row above."""
    quantities = _mended(find_quantities(text), text)
    if not quantities and (across := _across(row, text, columns)):
        return across
    found: list[Mention] = []
    since = 0
    for quantity in quantities:
        between = text[since : quantity.start]
        name = _name(row, text, since, quantity.start)
        since = quantity.end
        if name:
            found.append(Mention(name, _named_unit(between), row, columns))
        value = Value(quantity, x_of(row, (quantity.start + quantity.end) // 2), row)
        target = found[-1] if found else _goes_on(before, value)
        if target is not None:
            target.values.append(value)
    if (name := _name(row, text, since, len(text))) and not _CLAIM.search(text[since:]):
        found.append(Mention(name, _named_unit(text[since:]), row, columns))
    return found


def _across(row: Row, text: str, columns: list[Column]) -> list[Mention]:
    """A row of three names or more, each over its own column, as on the front of a package; empty for other rows."""
    found, offset = [], 0
    for cell in row.cells:
        name = field_of(text[offset : offset + len(cell.text)])
        if name:
            found.append(Mention(name, "", row, columns, x=(cell.left + cell.right) / 2))
        offset += len(cell.text) + 1
    return found if len({mention.name for mention in found}) >= 3 else []


def _goes_on(before: Sequence[Mention], value: Value) -> Mention | None:
    """The mention of an earlier row that a value without a name belongs to."""
    if not before:
        return None
    last, quantity = before[-1], value.quantity
    if last.x is not None:
        group = [mention for mention in before if mention.x is not None and mention.row is last.row]
        return min(group, key=lambda mention: abs((mention.x or 0.0) - value.x))
    if kind_of(quantity.unit) == "energy":
        return last if last.name == "energy" else None
    fresh = not last.values or all(known.row is value.row for known in last.values)
    return last if fresh and last.name not in (OTHER, "energy") and quantity.unit != "%" else None


def _mended(quantities: list[Quantity], text: str) -> list[Quantity]:
    """ "6.2 9" is "6.2 g": a lone 9 directly behind a number without unit was a g."""
    kept: list[Quantity] = []
    for quantity in quantities:
        lone = quantity.digits == "9" and not quantity.unit and kept and not kept[-1].unit
        if lone and text[kept[-1].end : quantity.start].strip() == "" and quantity.start - kept[-1].end <= 1:
            kept[-1] = replace(kept[-1], unit="g", end=quantity.end, doubtful=True)
        else:
            kept.append(quantity)
    return kept


def _name(row: Row, text: str, start: int, end: int) -> str | None:
    """The nutrient named in text[start:end], from the cell nearest to its end that names one."""
    offset = 0
    names = []
    for cell in row.cells:
        begin, finish = max(start, offset), min(end, offset + len(cell.text))
        if begin < finish and (name := field_of(text[begin:finish])):
            names.append(name)
        offset += len(cell.text) + 1
    return names[-1] if names else field_of(text[start:end])


def _named_unit(text: str) -> str:
    """The unit in "Fat (g)", "Energy kJ/kcal" (the first)."""
    match = re.search(r"[(\[/,\s](kJ|kcal|mg|g)[)\]/,\s]*(?:kcal[)\]\s]*)?$", f" {text.strip()}", re.IGNORECASE)
    if match is None:
        return ""
    return "kJ/kcal" if re.search(r"kJ\W+kcal", text, re.I) else unit_of(match[1])
