"""Scores named colours against the names that people gave.

Knows the words for colours (models.colour_names) and no picture; how an answer is got is the caller's business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any, Protocol

from models.colour_names import BASIC
from models.errors import GlintError
from models.evaluation.pictures import Report

Region = tuple[float, float, float, float]
_LIGHT, _DARK = {"light", "pale", "pastel"}, {"dark", "deep", "navy", "maroon", "burgundy"}
_NAME = re.compile(
    r"\b(?:(light|pale|pastel|dark|deep)[ -])?(" + "|".join(sorted(BASIC, key=len, reverse=True)) + r")\b"
)


class Namer(Protocol):
    """Says what colour a part of a picture is, in words; region None is the middle. question: as the row asks it."""

    def __call__(self, picture: Path, region: Region | None, question: str) -> str: ...


def mentioned(text: str) -> list[tuple[str, str]]:
    """The colours in a text in order: ("light", "dark" or "", basic name)."""
    found = []
    for before, word in _NAME.findall(text.lower()):
        shade = "light" if before in _LIGHT else "dark" if before in _DARK or word in _DARK else ""
        found.append((shade, BASIC[word]))
    return found


def is_right(said: str, accepted: Sequence[str]) -> bool:
    """Whether the first colour that was said is an accepted one: the same basic name, and not light for dark.

    "Either blue or green" names no one colour and is wrong unless both are accepted.
    """
    named = mentioned(said)
    if not named:
        return False
    if re.search(r"\bor\b", said.lower()):
        return all(any(_agree(one, right) for name in accepted for right in mentioned(name)) for one in named[:2])
    return any(_agree(named[0], right) for name in accepted for right in mentioned(name))


def _agree(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return one[1] == other[1] and {one[0], other[0]} != {"light", "dark"}


def region_of(row: dict[str, Any]) -> Region | None:
    """A row's region. Raises GlintError for one that is no four numbers."""
    region = row.get("region")
    if region is None:
        return None
    try:
        left, top, right, bottom = map(float, region)
    except (TypeError, ValueError):
        raise GlintError(f"{row['file']}: region must be four numbers, left, top, right, bottom.") from None
    return left, top, right, bottom


def evaluate_colours(rows: list[dict[str, Any]], namer: Namer, alone: Namer | None = None) -> Report:
    """Rows with `colour`, perhaps `accept` (list of names), `region`, `question`.

    Figures: exact, exact_model_alone (of `alone`, the language model), unsure (share of answers with "or"),
    seconds_per_image (median), pictures.
    """
    from rich.console import Console
    from rich.progress import track

    records = []
    for row in track(rows, "naming", console=Console(stderr=True)):
        accepted = [row["colour"], *row.get("accept", [])]
        question = row.get("question", "What colour is this?")
        start = perf_counter()
        said = namer(row["path"], region_of(row), question)
        record = {"file": row["file"], "accepted": accepted, "answer": said, "seconds": perf_counter() - start}
        record["exact"] = is_right(said, accepted)
        if alone is not None:
            record["model_alone"] = alone(row["path"], region_of(row), question)
            record["exact_model_alone"] = is_right(record["model_alone"], accepted)
        records.append(record)
    figures: dict[str, float] = {"exact": round(mean(r["exact"] for r in records), 4)}
    if alone is not None:
        figures["exact_model_alone"] = round(mean(r["exact_model_alone"] for r in records), 4)
    figures["unsure"] = round(mean(bool(re.search(r"\bor\b", r["answer"])) for r in records), 4)
    figures["seconds_per_image"] = round(median(r["seconds"] for r in records), 4)
    figures["pictures"] = len(records)
    return Report(figures, records)
