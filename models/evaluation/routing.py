"""Scores what a router makes of phrasings: which intent each is taken for, and which are taken for which.

Knows the file format and the scores; how a phrasing is routed is the caller's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from models.errors import GlintError
from models.evaluation.json_lines import json_lines
from models.evaluation.pictures import Report

Route = Callable[[str], str]
"""phrasing -> intent."""


def read_phrasings(data: Path, known: Collection[str], limit: int | None = None) -> list[dict[str, Any]]:
    """The first `limit` lines {"text", "intent"} of a file of JSON lines.

    Raises GlintError, naming the line, for one that is no such object or whose intent is not in `known`.
    """
    rows: list[dict[str, Any]] = []
    for number, row in json_lines(data):
        if limit is not None and len(rows) >= limit:
            break
        try:
            text, intent = row["text"], row["intent"]
        except (TypeError, KeyError):
            text, intent = None, None
        if not isinstance(text, str) or not isinstance(intent, str):
            raise GlintError(f"{data}, line {number}: expected a JSON object with text and intent.")
        if intent not in known:
            names = ", ".join(sorted(known))
            raise GlintError(f"{data}, line {number}: there is no intent {intent!r}; the intents are {names}.")
        rows.append(row)
    if not rows:
        raise GlintError(f"{data} has no lines to evaluate.")
    return rows


def evaluate_routing(rows: Sequence[dict[str, Any]], route: Route, alone: Route | None = None, most: int = 0) -> Report:
    """Rows with `text` and `intent`; `alone` chooses an intent too, for at most `most` of the rows, spread evenly.

    Figures: accuracy, accuracy_INTENT for each intent there is, phrasings; accuracy_model_alone and
    phrasings_model_alone where `alone` is given, over rows that are spread evenly.
    """
    records = [{"text": row["text"], "intent": row["intent"], "found": route(row["text"])} for row in rows]
    right = [record["found"] == record["intent"] for record in records]
    figures: dict[str, float] = {"accuracy": _share(right), "phrasings": len(rows)}
    for intent in sorted({row["intent"] for row in rows}):
        chosen = [one for one, record in zip(right, records, strict=True) if record["intent"] == intent]
        figures[f"accuracy_{intent}"] = _share(chosen)
    if alone is not None:
        step = max(1, -(-len(rows) // most)) if most else 1
        asked = records[::step]
        for record in asked:
            record["model_alone"] = alone(record["text"])
        figures["accuracy_model_alone"] = _share([r["model_alone"] == r["intent"] for r in asked])
        figures["phrasings_model_alone"] = len(asked)
    return Report(figures, records)


def confusions(records: Sequence[dict[str, Any]]) -> str:
    """The confusion table in words, a line for each intent: how many were right, and what the others were taken for."""
    by_intent: dict[str, Counter[str]] = {}
    for record in records:
        by_intent.setdefault(record["intent"], Counter())[record["found"]] += 1
    width = max(map(len, by_intent))
    lines = [f"{'meant':<{width}}  right  taken for"]
    for intent in sorted(by_intent):
        found = by_intent[intent]
        others = ", ".join(f"{name} {count}" for name, count in found.most_common() if name != intent)
        score = f"{found[intent]}/{found.total()}"
        lines.append(f"{intent:<{width}}  {score:<5}  {others}".rstrip())
    return "\n".join(lines)


def _share(right: Sequence[bool]) -> float:
    return round(sum(right) / len(right), 4)
