"""Runs a model over a file of pictures with captions, names or questions, and scores what it says.

Knows the file formats and the scores; how an answer is got is the caller's business (`Answer`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from models.errors import GlintError
from models.evaluation.answers import is_exact, names_it, vqa_accuracy
from models.evaluation.calibration import calibration_error
from models.evaluation.caption_scores import bleu_4, cider
from models.evaluation.json_lines import json_lines


class Told(NamedTuple):
    """An answer, and how likely the model takes it to be what it should say, 0..1, where that is known."""

    text: str
    chance: float | None = None


Answer = Callable[[Path, str], str]
"""(picture file, question) -> answer."""
Answerer = Callable[[Path, str], str | Told]
"""The same, perhaps with its chance."""

DESCRIBE, NAME = "Describe what you see.", "What is this?"


@dataclass(frozen=True)
class Report:
    """`figures` by plain lower-case names; `answers` one record a line, for looking at."""

    figures: dict[str, float]
    answers: list[dict[str, Any]]


def is_dev(file: str) -> bool:
    """Whether a photo is held out from training, for sets without split files of their own."""
    return zlib.crc32(Path(file).name.encode()) % 5 == 0


def read_rows(data: Path, needed: str, limit: int | None = None, dev_only: bool = False) -> list[dict[str, Any]]:
    """The first `limit` lines of a file of JSON lines; `file` is made absolute.

    Raises GlintError, naming the line, for one that is no JSON object or lacks `file` or the field `needed`.
    """
    rows: list[dict[str, Any]] = []
    for number, row in json_lines(data):
        if limit is not None and len(rows) >= limit:
            break
        try:
            row["path"] = data.parent / row["file"]
            row[needed]
        except (TypeError, KeyError):
            raise GlintError(f"{data}, line {number}: expected a JSON object with file and {needed}.") from None
        if not dev_only or is_dev(row["file"]):
            rows.append(row)
    if not rows:
        raise GlintError(f"{data} has no lines to evaluate.")
    return rows


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return round(sum(values) / len(values), 4)


def _ask_all(rows: list[dict[str, Any]], answer: Answerer, question: Callable[[dict[str, Any]], str]) -> list[Told]:
    from rich.console import Console
    from rich.progress import track

    said = [answer(row["path"], question(row)) for row in track(rows, "asking", console=Console(stderr=True))]
    return [one if isinstance(one, Told) else Told(one) for one in said]


def _calibration(said: list[Told], records: list[dict[str, Any]]) -> dict[str, float]:
    chances = [one.chance for one in said if one.chance is not None]
    if len(chances) < len(records):
        return {}
    for record, chance in zip(records, chances, strict=True):
        record["chance"] = round(chance, 4)
    return {"calibration_error": round(calibration_error(chances, [record["exact"] for record in records]), 4)}


def evaluate_captions(rows: list[dict[str, Any]], answer: Answerer) -> Report:
    """Rows with `captions` (list). Figures: cider, bleu_4, words (mean length), pictures."""
    said = [one.text for one in _ask_all(rows, answer, lambda row: DESCRIBE)]
    references = [row["captions"] for row in rows]
    figures = {
        "cider": round(cider(said, references), 4),
        "bleu_4": round(bleu_4(said, references), 4),
        "words": _mean(len(s.split()) for s in said),
        "pictures": len(rows),
    }
    return Report(figures, [{"file": r["file"], "answer": s} for r, s in zip(rows, said, strict=True)])


def evaluate_names(rows: list[dict[str, Any]], answer: Answerer) -> Report:
    """Rows with `name`, perhaps `synonyms` (list) and `kind`. Figures: exact, kind_exact where there are kinds,
    calibration_error where chances are known."""
    said = _ask_all(rows, answer, lambda row: NAME)
    records = []
    for row, (text, _) in zip(rows, said, strict=True):
        record = {"file": row["file"], "name": row["name"], "answer": text}
        record["exact"] = names_it(text, [row["name"], *row.get("synonyms", [])])
        if "kind" in row:
            record["kind_exact"] = names_it(text, [row["kind"]])
        records.append(record)
    figures = {"exact": _mean(r["exact"] for r in records), "pictures": len(rows)}
    kinds = [r["kind_exact"] for r in records if "kind_exact" in r]
    if kinds:
        figures["kind_exact"] = _mean(kinds)
    return Report(figures | _calibration(said, records), records)


def evaluate_questions(rows: list[dict[str, Any]], answer: Answerer) -> Report:
    """Rows with `question`, `answer` and/or `answers` (a list, or votes by answer), perhaps `type`.

    Figures: exact, exact_TYPE for each type, vqa_accuracy where there are votes, questions, calibration_error where
    chances are known.
    """
    said = _ask_all(rows, answer, lambda row: row["question"])
    records = []
    for row, (text, _) in zip(rows, said, strict=True):
        accepted = [*([row["answer"]] if "answer" in row else []), *row.get("answers", [])]
        record = {"file": row["file"], "question": row["question"], "accepted": accepted, "answer": text}
        record["exact"] = is_exact(text, accepted)
        if isinstance(row.get("answers"), dict):
            record["vqa_accuracy"] = vqa_accuracy(text, row["answers"])
        records.append(record)
    figures = {"exact": _mean(r["exact"] for r in records)}
    for kind in sorted({row["type"] for row in rows if row.get("type")}):
        label = kind.replace("/", "_").replace(" ", "_")
        figures[f"exact_{label}"] = _mean(
            record["exact"] for record, row in zip(records, rows, strict=True) if row.get("type") == kind
        )
    voted = [r["vqa_accuracy"] for r in records if "vqa_accuracy" in r]
    if voted:
        figures["vqa_accuracy"] = _mean(voted)
    figures["questions"] = len(rows)
    return Report(figures | _calibration(said, records), records)
