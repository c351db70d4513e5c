"""Dates on packages: what kind, which day, and whether it could also be another day (03/04 is ambiguous)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from device.evidence import Basis
from device.experts.labels.fact import Fact
from device.experts.labels.layout import Row

KINDS = (  # kind, as printed; letters only are compared, so "BEST BEFORE END:" and "bestbefore" are one
    (
        "made",
        r"\b(?:mfg|mfd|manufactured|production|produced|prod|packed|packaged|hergestellt|fabrique|frozen on)(?![a-z])",
    ),
    ("use by", r"use\s?by|zu verbrauchen bis|consommer jusqu|verbrauchen bis"),
    (
        "best before",
        r"best\s?(?:before|by|if used)|\bbbe?(?![a-z])|haltbar bis|\bmhd(?![a-z])|consommer de pr|avant le|"
        r"sell\s?by|display until",
    ),
    ("expires", r"\bexp(?![a-df-hj-z])|use before"),
)
_NAMES = "jan|feb fév fev|mar mär mrz|apr avr|may mai|jun juin|jul juil|aug aoû aou|sep|oct okt|nov|dec dez déc"
MONTHS = {name: number for number, names in enumerate(_NAMES.split("|"), 1) for name in names.split()}
"""By the first three or four letters, in English, German and French."""
_MONTH = r"(?P<month>[A-Za-z0äéû]{3,9})\.?"
_SHAPES = (
    re.compile(r"(?<!\d)(?P<year>20\d\d)\s?[-/.]\s?(?P<second>\d{1,2})\s?[-/.]\s?(?P<first>\d{1,2})(?!\d)"),
    re.compile(
        r"(?<!\d)(?P<first>\d{1,2})\s?(?P<mark>[-/.]|\s)\s?(?P<second>\d{1,2})\s?[-/.\s]\s?(?P<year>20\d\d|\d\d)(?!\d)"
    ),
    re.compile(rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s./-]*{_MONTH}[\s,./-]*(?P<year>20\d\d|\d\d)(?!\d)"),
    re.compile(rf"(?<![A-Za-z]){_MONTH}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s*(?P<year>20\d\d)(?!\d)"),
    re.compile(rf"(?<![A-Za-z]){_MONTH}[\s./-]*(?P<year>20\d\d|\d\d)(?!\d)"),
    re.compile(r"(?<![\d/.-])(?P<second>0?[1-9]|1[0-2])\s?(?P<mark>[/.-]|\s)\s?(?P<year>20\d\d)(?!\d)"),
    re.compile(rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s?{_MONTH}(?!\w)"),
)


@dataclass(frozen=True)
class Stamp:
    """kind: "best before", "use by", "expires", "made" or "" where nothing says. other: the other reading, if any.

    whole_month: no day is printed; the date is the last of the month.
    """

    kind: str
    day: date
    fact: Fact
    other: date | None = None
    whole_month: bool = False


def read_dates(rows: Sequence[Row], today: date) -> list[Stamp]:
    """today: completes a date without a year, to the nearest such day."""
    found: list[Stamp] = []
    waiting, head = "", None  # "BEST BEFORE:" may stand in the row above its date
    for row in rows:
        kinds = _kinds(row.text)
        stamps = _in_row(row, today, named=bool(kinds or waiting))
        for start, stamp in stamps:
            before = [kind for at, kind in kinds if at <= start]
            kind = before[-1] if before else kinds[0][1] if kinds else waiting
            lines = (*head, *stamp.fact.lines) if head and not kinds else stamp.fact.lines
            fact = Fact(stamp.day.isoformat(), "", lines, stamp.fact.confidence, Basis.VERBATIM, note={"kind": kind})
            if stamp.other:
                fact.note["ambiguous"] = stamp.other.isoformat()
            found.append(Stamp(kind, stamp.day, fact, stamp.other, stamp.whole_month))
        if stamps:
            waiting, head = "", None
        elif kinds:
            waiting, head = kinds[-1][1], tuple(cell.line for cell in row.cells)
    return [stamp for stamp in found if stamp.kind or abs(stamp.day.year - today.year) <= 6]


def _kinds(text: str) -> list[tuple[int, str]]:
    text = re.sub(r"(?<=[A-Za-z])0(?=[A-Za-z])", "O", text)
    return sorted(
        (match.start(), kind) for kind, pattern in KINDS for match in re.finditer(pattern, text, re.IGNORECASE)
    )


def _in_row(row: Row, today: date, named: bool) -> list[tuple[int, Stamp]]:
    found: list[tuple[int, Stamp]] = []
    text = row.text
    for shape in _SHAPES:
        for match in shape.finditer(text):
            days = _days(match, today, named)
            if days:
                fact = Fact("", "", tuple(cell.line for cell in row.cells), row.confidence)
                whole = "day" not in match.re.groupindex and "first" not in match.re.groupindex
                found.append((match.start(), Stamp("", days[0], fact, days[1] if len(days) > 1 else None, whole)))
                text = text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]
    return found


def _days(match: re.Match[str], today: date, named: bool) -> list[date]:
    """One day, two where day and month may be the other way round, none where it is no date."""
    parts = match.groupdict()
    year = int(parts["year"]) if parts.get("year") else None
    if year is not None and year < 100:
        year += 2000
    if parts.get("month") is not None:
        letters = parts["month"].lower().replace("0", "o")
        month = MONTHS.get(letters[:4]) or MONTHS.get(letters[:3])
        if month is None:
            return []
        if year is None:
            if not named or not parts.get("day"):
                return []
            near = [made for y in (-1, 0, 1) if (made := _day(today.year + y, month, int(parts["day"])))]
            return sorted(near, key=lambda day: abs((day - today).days))[:1]
        if parts.get("day") is None:
            return [date(year, month, calendar.monthrange(year, month)[1])] if abs(year - today.year) <= 15 else []
        made = _day(year, month, int(parts["day"]))
        return [made] if made else []
    assert year is not None  # every shape without a month's name has one
    if parts.get("mark") == " " and not named:
        return []
    if parts.get("first") is None:
        return [date(year, int(parts["second"]), calendar.monthrange(year, int(parts["second"]))[1])]
    first, second = int(parts["first"]), int(parts["second"])
    day_first, month_first = _day(year, second, first), _day(year, first, second)
    if parts.get("mark") in (None, "."):  # 2026-03-04 and 04.03.2026 have one reading each
        return [day_first] if day_first else []
    return list(dict.fromkeys(day for day in (day_first, month_first) if day))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def said_day(day: date, whole_month: bool = False) -> str:
    """ "12 March 2026", "March 2026"."""
    return f"{day:%B %Y}" if whole_month else f"{day.day} {day:%B %Y}"
