"""Prices, prices per kilogram or litre, offers and sizes, as printed on tags and packages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from device.experts.labels.fact import Fact
from device.experts.labels.layout import Row
from device.experts.labels.nutrients import field_of
from device.experts.labels.quantity import find_quantities, kind_of, number, shown, unit_of

CURRENCIES = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "JPY", "gbp": "GBP", "eur": "EUR", "usd": "USD", "chf": "CHF"}
SPOKEN = {"GBP": "pounds", "EUR": "euros", "USD": "dollars", "JPY": "yen", "CHF": "francs", "": ""}

_SIGN = r"[£€$¥]|\b(?:GBP|EUR|USD|CHF)\b"
_MONEY = rf"(?:(?P<sign>{_SIGN})\s?(?P<after>\d{{1,4}}(?:\s?[.,]\s?\d{{2}})?)(?!\d)|" + (
    rf"(?<![\d.,])(?P<before>\d{{1,4}}[.,]\s?\d{{2}})\s?(?P<sign2>{_SIGN})|"
    r"(?<![\d.,])(?P<pence>\d{1,3}(?:\.\d{1,2})?)\s?(?:p|¢|ct|cents?)(?![a-z])|"
    r"(?<![\d.,/])(?P<bare>\d{1,3}[.,]\d{2})(?![\d.,]|/\d|\s?(?:%|k?[gl]\b|[mc]?[gl]\b|kcal|kJ|oz|lb|fl)))"
)
_MONEY_RE = re.compile(_MONEY, re.IGNORECASE)
_UNIT = r"(?P<unit>kg|g|mg|ml|m1|cl|l|litre|liter|ltr|fl\.?\s?oz|oz|lb|pint)(?![a-z])"
_MISREAD_LITRE = re.compile(r"\s*/\s*[1I|](?![\w.,])")
_PER_RE = re.compile(rf"\s*(?:per|/|pro|je|p[eo]r|a)\s*(?P<count>\d{{1,4}})?\s?{_UNIT}", re.IGNORECASE)
_EQUALS_RE = re.compile(rf"(?P<count>\d{{1,4}})\s?{_UNIT}\s?[=:]\s?$", re.IGNORECASE)
_OFFER_RE = re.compile(
    r"\b(?P<count>[2-9])\s?(?:for|für|pour)\s?(?P<sign>[£€$])?\s?(?P<price>\d{1,3}(?:[.,]\d{2})?)|"
    r"buy one,? get one (?:free|half price)|\b3 for 2\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"\b(?:was|statt|uvp|rrp|save|you save|deposit|pfand)\b\W*$", re.IGNORECASE)
_NOT_A_SIZE = re.compile(
    r"(?:\b(?:per|pro|pour|je|par)|[/=])\s?$|serving|portion|quantity per|average|contains", re.IGNORECASE
)
_NET = re.compile(
    r"\b(?:net|contents?|inhalt|poids|weight|wt|füllmenge|volume)\b|\u212e|\d\s?(?:g|ml|kg|l|cl)\s?e\b", re.I
)
_PACK = re.compile(rf"(?P<count>\d{{1,2}})\s?[x\u00d7]\s?(?P<each>\d+(?:[.,]\d+)?)\s?{_UNIT}", re.IGNORECASE)


@dataclass
class Prices:
    """price: value, unit is the currency. unit_price: note has per and unit. size: note has count and each."""

    price: Fact | None = None
    unit_price: Fact | None = None
    size: Fact | None = None
    offers: list[Fact] = field(default_factory=list)


def read_prices(rows: Sequence[Row], nutrition: Sequence[Row]) -> Prices:
    """nutrition: rows that are part of a nutrition table; no size or price is looked for there."""
    found = Prices()
    candidates: list[tuple[float, Fact]] = []
    sizes: list[tuple[float, Fact]] = []
    for row in rows:
        if row in nutrition:
            continue
        text = row.text
        for offer in _OFFER_RE.finditer(text):
            found.offers.append(_fact(row, offer[0], ""))
            text = text[: offer.start()] + " " * len(offer[0]) + text[offer.end() :]
        for match in _MONEY_RE.finditer(text):
            value, currency, sure = _money(match)
            per, equals = _PER_RE.match(text, match.end()), _EQUALS_RE.search(text[: match.start()])
            if _MISREAD_LITRE.match(text, match.end()) and not per:
                found.unit_price = found.unit_price or _fact(
                    row, value, currency, sure * 0.9, {"per": 1, "per_unit": "l"}
                )
            elif per or equals:
                unit_price = _unit_price(row, value, currency, per or equals, sure)  # type: ignore[arg-type]
                found.unit_price = found.unit_price or unit_price
            elif not _BEFORE.search(text[: match.start()]):
                candidates.append(
                    (_height(row, match.start()) * (1 if currency else 0.5), _fact(row, value, currency, sure))
                )
        sizes.extend(_sizes(row, _MONEY_RE.sub(lambda m: " " * len(m[0]), text)))
    found.price = max(candidates, key=lambda candidate: candidate[0])[1] if candidates else None
    found.size = max(sizes, key=lambda size: size[0])[1] if sizes else None
    if found.price and found.unit_price and bool(found.price.unit) != bool(found.unit_price.unit):
        currency = found.price.unit or found.unit_price.unit  # one sign stands for both
        found.price, found.unit_price = replace(found.price, unit=currency), replace(found.unit_price, unit=currency)
    if found.price is not None and found.price.unit == "" and not found.unit_price and not found.size:
        found.price = None  # a bare "12.50" alone may be anything
    return found


def _height(row: Row, offset: int) -> float:
    for cell in row.cells:
        if offset <= len(cell.text):
            return cell.height
        offset -= len(cell.text) + 1
    return row.height


def _money(match: re.Match[str]) -> tuple[float, str, float]:
    digits = match["after"] or match["before"] or match["pence"] or match["bare"]
    value = number(digits.replace(" ", "").replace(",", ".")) or 0.0
    if match["pence"]:
        pence = match[0].rstrip().endswith("p")
        return round(value / 100, 4), "GBP" if pence else "", 0.9
    sign = match["sign"] or match["sign2"] or ""
    return value, CURRENCIES.get(sign.lower(), ""), 1.0 if sign else 0.6


def _unit_price(row: Row, value: float, currency: str, per: re.Match[str], sure: float) -> Fact:
    unit = unit_of(per["unit"])
    return _fact(row, value, currency, sure, {"per": int(per["count"] or 1), "per_unit": unit})


def _sizes(row: Row, text: str) -> list[tuple[float, Fact]]:
    """(how likely, size) for each amount that may say how much is in it."""
    found = []
    weight = 10.0 if _NET.search(text) else 1.0
    for pack in _PACK.finditer(text):
        each = number(pack["each"].replace(",", ".")) or 0.0
        note = {"count": int(pack["count"]), "each": each}
        found.append((weight * 3 * row.height, _fact(row, each * note["count"], unit_of(pack["unit"]), 1.0, note)))
        text = text.replace(pack[0], " " * len(pack[0]))
    if (_NOT_A_SIZE.search(text) and weight == 1.0) or field_of(text) is not None:
        return found
    for quantity in find_quantities(text):
        metric = quantity.unit not in ("oz", "lb", "fl_oz", "pint")
        if kind_of(quantity.unit) not in ("mass", "volume") or quantity.value == 0 or quantity.unit in ("mg", "ug"):
            continue
        if _NOT_A_SIZE.search(text[: quantity.start]) or len(text) - quantity.end + quantity.start > 40:
            continue
        score = weight * _height(row, quantity.start) * (1.0 if metric else 0.6)
        found.append((score, _fact(row, quantity.value, quantity.unit, 0.8 if quantity.doubtful else 1.0)))
    return found


def _fact(row: Row, value, unit: str, sure: float = 1.0, note: dict | None = None) -> Fact:
    lines = tuple(cell.line for cell in row.cells)
    return Fact(value, unit, lines, row.confidence * sure, note=note or {})


def said_price(fact: Fact) -> str:
    """ "3 pounds 29", "2.49 euros", "99 pence"; without a currency the number alone."""
    if fact.unit == "GBP" and fact.value < 1:
        return f"{shown(fact.value * 100)} pence"
    amount = f"{fact.value:.2f}".removesuffix(".00")
    word = SPOKEN.get(fact.unit, fact.unit)
    return f"{amount} {word.removesuffix('s') if fact.value == 1 else word}".strip()


def said_per(fact: Fact) -> str:
    """ "per 100 g", "per litre"."""
    names = {"kg": "kilogram", "l": "litre", "g": "gram", "oz": "ounce", "lb": "pound", "fl_oz": "fluid ounce"}
    per, unit = fact.note["per"], fact.note["per_unit"]
    return f"per {per} {unit}" if per != 1 else f"per {names.get(unit, unit)}"
