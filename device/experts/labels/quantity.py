"""Numbers with units in recognised text, and conversions between units (pint).

Forgives what readers of text mix up: O for 0, l or I for 1, q for g, a comma for a point. Says nothing of what is
measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

UNITS = {  # as printed, lower case -> as pint knows it
    "kj": "kJ",
    "kcal": "kcal",
    "cal": "kcal",  # Calories with a capital C, the only ones on food
    "calories": "kcal",
    "kg": "kg",
    "mg": "mg",
    "mcg": "ug",
    "µg": "ug",
    "μg": "ug",
    "ug": "ug",
    "g": "g",
    "gram": "g",
    "grams": "g",
    "gramm": "g",
    "lb": "lb",
    "lbs": "lb",
    "oz": "oz",
    "fl oz": "fl_oz",
    "fl. oz": "fl_oz",
    "fl.oz": "fl_oz",
    "floz": "fl_oz",
    "ml": "ml",
    "cl": "cl",
    "dl": "dl",
    "l": "l",
    "ltr": "l",
    "litre": "l",
    "litres": "l",
    "liter": "l",
    "pint": "pint",
    "pt": "pint",
    "%": "%",
}
_PINT = {"fl_oz": "US_fluid_ounce", "pint": "imperial_pint"}
KINDS = {
    "energy": ("kcal", "kJ"),
    "mass": ("g", "mg", "kg", "ug", "lb", "oz"),
    "volume": ("ml", "cl", "dl", "l", "fl_oz", "pint"),
}

_DIGIT = r"[\dOoQlI|]"
_UNIT = (
    r"k[cC][aeo][lI1|]|KCAL|Kcal|[kK][JjlI1](?![a-z\d])|Calories|[Cc]al\b|fl\.?\s?oz|m[lL1I|](?![a-z])|[cd][lL](?![a-z])|"
    r"m[gq9](?![a-z\d])|mcg|[uµμ]g|k[gq](?![a-z])|grams?|gramm|[gq](?=e\b|[^a-z\d]|$)|G(?![A-Za-z])|"
    r"(?:lbs?|oz|OZ|ltr|lit(?:re|er)s?|pints?|pt|[lL](?!\s?\d))(?![A-Za-z])|%"
)
_NUMBER = re.compile(
    rf"(?P<below><|\uff1c|(?:less than|under|weniger als|moins de)\s)?\s*"
    rf"(?:(?<![\w.,])|(?<=[A-Za-z]{{3}})(?<!mega)(?=\d))(?P<number>{_DIGIT}+(?:\s?[.,·]\s?{_DIGIT}+)*)"
    rf"\s*\(?(?P<unit>{_UNIT})?"
)
_TRACE = re.compile(r"\b(?:traces?|spuren|tr|nil)\b(?! of)", re.IGNORECASE)
_MIXED_UP = str.maketrans({"O": "0", "o": "0", "Q": "0", "l": "1", "I": "1", "|": "1"})


@dataclass(frozen=True)
class Quantity:
    """value with unit ("g", "kcal", ...; "" when none is printed) at [start:end] of the text.

    below: printed as "less than". trace: printed as a word that means next to nothing; value 0. doubtful: letters
    were read as digits. digits: as printed, after letters became digits.
    """

    value: float
    unit: str
    start: int
    end: int
    below: bool = False
    trace: bool = False
    doubtful: bool = False
    digits: str = ""


def find_quantities(text: str) -> list[Quantity]:
    """All numbers of a text, from left to right."""
    found = []
    for match in _NUMBER.finditer(text):
        quantity = _quantity(match)
        if quantity is not None:
            found.append(quantity)
    for match in _TRACE.finditer(text):
        if not any(q.start < match.end() and match.start() < q.end for q in found):
            found.append(Quantity(0.0, "g", match.start(), match.end(), below=True, trace=True, digits="trace"))
    return sorted(found, key=lambda quantity: quantity.start)


def _quantity(match: re.Match[str]) -> Quantity | None:
    raw, printed = match["number"], match["unit"] or ""
    digits = re.sub(r"\s", "", raw.translate(_MIXED_UP)).replace("·", ".")
    letters = sum(not c.isdigit() and c not in ".,·" for c in raw.replace(" ", ""))
    if letters and not (any(c.isdigit() for c in raw) or (len(raw) == 1 and raw in "OoQ" and printed)):
        return None  # a word
    value = number(digits)
    if value is None:
        return None
    start = match.start("below") if match["below"] else match.start("number")
    end = match.end("unit") if printed else match.end("number")
    return Quantity(value, unit_of(printed), start, end, bool(match["below"]), False, letters > 0, digits)


def number(digits: str) -> float | None:
    """ "1,046" -> 1046 (thousands), "6,2" -> 6.2, "1.046,5" -> 1046.5; None for what is no number ("12.03.26")."""
    separators = re.findall(r"[.,]", digits)
    if len(separators) > 1:
        if len(set(separators)) == 1 or separators[:-1] != separators[:1] * (len(separators) - 1):
            parts = re.split(r"[.,]", digits)
            if len(set(separators)) > 1 or any(len(part) != 3 for part in parts[1:]):
                return None
            return float("".join(parts))
        digits = digits.replace(separators[0], "").replace(separators[-1], ".")
        return float(digits)
    if separators == [","] and re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
        return float(digits.replace(",", ""))
    return float(digits.replace(",", "."))


def unit_of(printed: str) -> str:
    """As pint knows it, "" for none."""
    plain = " ".join(printed.lower().split())
    if re.fullmatch(r"k[c][aeo][l1i|]", plain):
        return "kcal"
    if re.fullmatch(r"m[1i|]", plain):
        return "ml"
    if re.fullmatch(r"k[jli1]", plain):
        return "kJ"
    return UNITS.get(re.sub(r"[q9]$", "g", plain), UNITS.get(plain.rstrip("s"), ""))


def kind_of(unit: str) -> str:
    """ "energy", "mass", "volume" or ""."""
    return next((kind for kind, units in KINDS.items() if unit in units), "")


@lru_cache(64)
def factor(unit: str, wanted: str) -> float:
    """How many `wanted` are in one `unit`. Raises ValueError for units that measure different things."""
    if unit == wanted:
        return 1.0
    if not kind_of(unit) or kind_of(unit) != kind_of(wanted):
        raise ValueError(f"{unit} cannot be told in {wanted}")
    return float(_registry()(_PINT.get(unit, unit)).to(_PINT.get(wanted, wanted)).magnitude)


@lru_cache(1)
def _registry():
    import pint  # a third of a second; only labels need it

    return pint.UnitRegistry()


def shown(value: float) -> str:
    """A number as it is said: no decimals from 100 on, one from 10, two from 1, three below; no needless zeros."""
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
