"""Scores answers to questions about charts: names and titles by their words, values within a tolerance.

How an answer is got is the caller's business. An expert's answer is what its first claim finds; a language model's is
all it says, and counts as right when the true answer stands anywhere in it, so that doubt is in the model's favour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from models.evaluation.answers import is_exact, names_it
from models.evaluation.pictures import Answer, Report

_KEPT = ("file", "question", "answer", "kind", "tolerance")
_NUMBER = re.compile(r"[-\u2212]?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Said:
    """finding: what the answer states, None where nothing was stated. text: the whole answer. seconds: it took."""

    finding: str | None
    text: str
    seconds: float


def evaluate_charts(
    rows: Sequence[dict[str, Any]], ask: Callable[[Path, str], Said], model: Answer | None = None
) -> Report:
    """Rows with `question`, `answer`, perhaps `kind`, `tolerance` (then the answer is a number), `distortion`, `drawn`.

    ask: the expert; model: the language model alone. Figures: exact, wrong (another answer), refused (none), exact_by
    each kind, distortion and way of drawing, seconds_per_image (the first question of each picture, which reads it),
    exact_model_alone and that by kind, questions, pictures.
    """
    from rich.console import Console
    from rich.progress import track

    records = []
    seconds: dict[str, float] = {}
    for row in track(rows, "asking", console=Console(stderr=True)):
        said = ask(row["path"], row["question"])
        seconds.setdefault(row["file"], said.seconds)
        right = said.finding is not None and is_right(said.finding, row)
        record: dict[str, Any] = {key: row[key] for key in _KEPT if key in row}
        record |= {"said": said.text, "found": said.finding}
        record["outcome"] = "exact" if right else "refused" if said.finding is None else "wrong"
        if model is not None:
            record["model_said"] = model(row["path"], row["question"])
            record["model_exact"] = stands_in(record["model_said"], row)
        records.append(record)
    figures: dict[str, float] = {
        outcome: _share(record["outcome"] == outcome for record in records) for outcome in ("exact", "wrong", "refused")
    }
    for field in ("kind", "distortion", "drawn"):
        for value in sorted({row[field] for row in rows if row.get(field)}):
            figures[f"exact_{value.replace(' ', '_')}"] = _share(
                record["outcome"] == "exact"
                for record, row in zip(records, rows, strict=True)
                if row.get(field) == value
            )
    figures["seconds_per_image"] = round(median(seconds.values()), 3)
    if model is not None:
        figures["exact_model_alone"] = _share(record["model_exact"] for record in records)
        for kind in sorted({row["kind"] for row in rows if row.get("kind")}):
            figures[f"exact_{kind.replace(' ', '_')}_model_alone"] = _share(
                record["model_exact"] for record in records if record.get("kind") == kind
            )
    return Report(figures | {"questions": len(rows), "pictures": len(seconds)}, records)


def is_right(finding: str, row: dict[str, Any]) -> bool:
    """Whether a finding equals the row's answer, or is a number within its tolerance."""
    if "tolerance" not in row:
        return is_exact(finding, [row["answer"]])
    numbers = _numbers(finding)
    return len(numbers) == 1 and abs(numbers[0] - float(row["answer"])) <= row["tolerance"]


def stands_in(text: str, row: dict[str, Any]) -> bool:
    """Whether the row's answer stands in a text, as whole words or as one of its numbers."""
    if "tolerance" not in row:
        return names_it(text, [row["answer"]])
    return any(abs(number - float(row["answer"])) <= row["tolerance"] for number in _numbers(text))


def _numbers(text: str) -> list[float]:
    return [float(found.replace(",", "").replace("\u2212", "-")) for found in _NUMBER.findall(text)]


def _share(values: Any) -> float:
    values = list(values)
    return round(sum(values) / len(values), 4)
