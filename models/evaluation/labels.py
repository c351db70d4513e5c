"""Scores what was read from labels against what stands on them.

Knows the file format and the scores; how a label is read, or a question answered, is the caller's business.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from models.evaluation.pictures import Answer, Report

Read = Callable[[Path], dict[str, Any]]
"""picture file -> what `glint label --json` prints."""

GRAMS = {"g": 1.0, "mg": 1e-3, "ug": 1e-6, "kg": 1e3, "kcal": 1.0, "kJ": 1 / 4.184, "ml": 1.0, "l": 1e3, "cl": 10.0}


def same(value: Any, truth: Any) -> bool:
    """Whether a number is the one printed: within 0.06 % and 0.005, so that only what was computed may be rounded.

    truth: a number (energy in kcal, all else in g) or {"value", "unit"}, which is converted.
    """
    if isinstance(truth, dict):
        truth = truth["value"] * GRAMS.get(truth.get("unit", "g"), 1.0)
    return isinstance(value, (int, float)) and abs(value - truth) <= 0.005 + 0.0006 * abs(truth)


class Score:
    """Counts of what is right, wrong and missed."""

    def __init__(self) -> None:
        self.exact = self.wrong = self.missed = 0

    def count(self, right: bool | None) -> str:
        """True: right, False: wrong, None: nothing was read. Returns the word for it."""
        word = {True: "exact", False: "wrong", None: "missed"}[right]
        setattr(self, word, getattr(self, word) + 1)
        return word

    @property
    def total(self) -> int:
        return self.exact + self.wrong + self.missed

    def share(self, word: str) -> float:
        return round(getattr(self, word) / self.total, 4)


def evaluate_labels(rows: list[dict[str, Any]], read: Read, answer: Answer | None = None) -> Report:
    """Rows with `fields` {name: value per 100}, perhaps `per_serving`, `price`, `unit_price`, `size`, `date`,
    `distortion`, `layout` and `questions` [{question, answer}] for a language model.

    A field is exact when its value is the one printed; a value that is not is wrong, none at all is missed. Figures:
    exact, wrong and missed of all nutrition fields per 100; exact_KIND and wrong_KIND for each other kind, distortion
    and layout; exact_questions and exact_model_alone where `answer` is given; seconds_per_image (median).
    """
    from statistics import median

    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    scores: dict[str, Score] = {}
    records, seconds = [], []
    for row in track(rows, "reading", console=console):
        began = time.perf_counter()
        record = read(row["path"])
        seconds.append(time.perf_counter() - began)
        found = {name: _count(scores, groups, right) for name, groups, right in _judged(row, record)}
        records.append({"file": row["file"], "judged": found, "read": record})
    figures: dict[str, float] = {}
    if "fields" in scores:
        figures = {word: scores["fields"].share(word) for word in ("exact", "wrong", "missed")}
        figures["fields"] = scores["fields"].total
    for group in sorted(scores.keys() - {"fields"}):
        figures |= {f"{word}_{group}": scores[group].share(word) for word in ("exact", "wrong")}
    if answer is not None:
        figures |= _asked(rows, records, answer)
    figures["seconds_per_image"] = round(median(seconds), 4)
    figures["pictures"] = len(rows)
    return Report(figures, records)


def _count(scores: dict[str, Score], groups: Iterable[str], right: bool | None) -> str:
    word = ""
    for group in groups:
        word = scores.setdefault(group, Score()).count(right)
    return word


def _judged(row: dict[str, Any], record: dict[str, Any]) -> Iterable[tuple[str, list[str], bool | None]]:
    """(what, groups it counts in, right) for everything that a row states."""
    kinds = [row[name] for name in ("distortion", "layout") if row.get(name)]
    for section in ("fields", "per_serving"):
        for name, truth in (row.get(section) or {}).items():
            read = (record.get(section) or {}).get(name)
            right = None if read is None else same(read["value"], truth)
            yield f"{section}.{name}", [section, *(kinds if section == "fields" else [])], right
    for name, judge in (("price", _same_price), ("unit_price", _same_unit_price), ("size", _same_size)):
        if row.get(name):
            read = record.get(name)
            yield name, [name], None if read is None else judge(read, row[name])
    if row.get("date"):
        read = record.get("dates") or []
        yield "date", ["date"], any(_same_date(one, row["date"]) for one in read) if read else None


def _same_price(read: dict[str, Any], truth: Any) -> bool | None:
    """None, as nothing is claimed, where the number is right and the currency was not read."""
    truth = truth if isinstance(truth, dict) else {"value": truth}
    if same(read["value"], truth["value"]) and not read["unit"] and truth.get("currency"):
        return None
    return same(read["value"], truth["value"]) and truth.get("currency", read["unit"]) == read["unit"]


def _same_unit_price(read: dict[str, Any], truth: Any) -> bool:
    """The price of one gram (millilitre, ounce) must be the same."""
    truth = truth if isinstance(truth, dict) else {"value": truth, "per": read["per"], "unit": read["per_unit"]}
    one, other = (
        (value, per, unit)
        for value, per, unit in (
            (read["value"], read["per"], read["per_unit"]),
            (truth["value"], truth.get("per", 1), truth.get("unit", "kg")),
        )
    )
    return same(*(value / per / GRAMS.get(unit, 1.0) * 1000 for value, per, unit in (one, other)))


def _same_size(read: dict[str, Any], truth: Any) -> bool:
    truth = truth if isinstance(truth, dict) else {"value": truth, "unit": read["unit"]}
    return same(read["value"] * GRAMS.get(read["unit"], 1.0), truth["value"] * GRAMS.get(truth["unit"], 1.0))


def _same_date(read: dict[str, Any], truth: Any) -> bool:
    truth = truth if isinstance(truth, dict) else {"value": truth}
    return read["value"] == truth["value"] and truth.get("kind", read["kind"]) == read["kind"]


def numbers_in(text: str) -> list[float]:
    """The numbers that an answer says."""
    return [float(number.replace(",", ".")) for number in re.findall(r"\d+(?:[.,]\d+)?", text)]


def _asked(rows: list[dict[str, Any]], records: list[dict[str, Any]], answer: Answer) -> dict[str, float]:
    """A language model's answer is right when the first number in it, "per 100 g" set aside, is the true one."""
    from rich.console import Console
    from rich.progress import track

    right = []
    pairs = [(row, record, q) for row, record in zip(rows, records, strict=True) for q in row.get("questions", ())]
    for row, record, asked in track(pairs, "asking", console=Console(stderr=True)):
        said = answer(row["path"], asked["question"])
        numbers = numbers_in(re.sub(r"\bper 100\s?(?:g|ml)?\b", "", said, flags=re.IGNORECASE))
        right.append(bool(numbers) and same(numbers[0], asked["answer"]))
        record.setdefault("model_alone", []).append({**asked, "said": said, "exact": right[-1]})
    if not right:
        return {}
    return {"exact_model_alone": round(sum(right) / len(right), 4), "questions": len(right)}
