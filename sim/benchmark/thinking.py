"""What several paths gain over one and what they cost: accuracy, seconds, tokens by their number.

Knows how to measure, not how to print (device/cli/bench.py). Paths are read once for all their numbers; a number is
charged with the reading of its own paths and its own writing.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.seeing.photo import read_photo
from device.thinking.contemplate import SETTLED, conclusions
from models.errors import GlintError
from models.evaluation.answers import is_exact, vqa_accuracy
from models.evaluation.json_lines import json_lines
from models.evaluation.pictures import read_rows
from sim.benchmark.benches.thinking import COUNTS

if TYPE_CHECKING:
    from models.vision_language import View, VisionLanguageModel

FIELDS = "file, question and answer or answers, or file, statement and true"
_STATEMENT = re.compile(r"(?P<subject>the .+?) (?P<verb>is|are) (?P<rest>.+?)\.?$", re.I)


def read_questions(files: Sequence[Path], limit: int | None, dev: bool) -> list[dict[str, Any]]:
    """Questions as for models.evaluation.pictures; a statement is asked whether it is so.

    limit: of each file, evenly spread. Raises GlintError where there is no file, or one of something else.
    """
    if not files:
        raise GlintError(f"Give questions about photos with --data FILE: JSON lines with {FIELDS}.")
    chosen = []
    for data in files:
        rows = read_rows(data, "file", dev_only=dev)
        if limit is not None and limit < len(rows):
            rows = [rows[number * len(rows) // limit] for number in range(limit)]
        chosen += [_question(data, row) for row in rows]
    return chosen


def _question(data: Path, row: dict[str, Any]) -> dict[str, Any]:
    question, answers = row.get("question"), row.get("answers", [])
    accepted = [*([row["answer"]] if row.get("answer") else []), *answers]
    if isinstance(row.get("statement"), str) and "true" in row:
        question, accepted = whether(row["statement"]), ["yes" if row["true"] else "no"]
    if not isinstance(question, str) or not question.strip() or not accepted:
        raise GlintError(f"{data}: expected {FIELDS} in every line, got {', '.join(k for k in row if k != 'path')}.")
    return {
        "data": data.name,
        "file": row["file"],
        "path": row["path"],
        "question": question,
        "accepted": accepted,
        "voted": answers if isinstance(answers, dict) else None,
    }


def whether(statement: str) -> str:
    """The question whether a statement is true: "The cat is on the bed." -> "Is the cat on the bed?"."""
    found = _STATEMENT.match(statement)
    if found is None:
        return f"{statement} Is that true?"
    subject = found["subject"][:1].lower() + found["subject"][1:]
    return f"{found['verb'].capitalize()} {subject} {found['rest']}?"


def benchmark_thinking(
    model: VisionLanguageModel,
    questions: Sequence[dict[str, Any]],
    counts: Sequence[int] = COUNTS,
    settled: float | None = SETTLED,
    answers: Path | None = None,
    tell: Callable[[str], None] = lambda what: None,
) -> Iterator[dict[str, Any]]:
    """Figures by plain names, after every question anew; sim.benchmark.benches.thinking says what they are.

    settled: as for contemplate. answers: a file of JSON lines to which each question's outcome is added; questions that
    it has are not asked again. Raises GlintError where it cannot be read or written.
    """
    known = {_key(record): record for record in _read(answers)}
    records = [record for question in questions if (record := known.get(_key(question))) and _has(record, counts)]
    left = [question for question in questions if not _has(known.get(_key(question), {}), counts)]
    if records:
        yield figures_of(records, counts)
    looked: tuple[Path, View] | None = None
    start = time.monotonic()
    for number, question in enumerate(left):
        pace = f", {(time.monotonic() - start) / number * (len(left) - number) / 60:.0f} min left" if number else ""
        tell(f"question {number + 1} of {len(left)}{pace}")
        if looked is None or looked[0] != question["path"]:
            looked = question["path"], model.look(read_photo(question["path"]))
        records.append(_asked(model, looked[1], question, counts, settled))
        if answers is not None:
            _append(answers, records[-1])
        yield figures_of(records, counts)


def _asked(
    model: VisionLanguageModel, view: View, question: dict[str, Any], counts: Sequence[int], settled: float | None
) -> dict[str, Any]:
    found = list(conclusions(model, view, question["question"], counts, settled=settled))
    found += found[-1:] * (len(counts) - len(found))  # the one that settled it is what more paths say too
    by_paths = {}
    for count, outcome in zip(counts, found, strict=True):
        by_paths[str(count)] = {
            "answer": outcome.text,
            "accuracy": float(is_exact(outcome.text, question["accepted"])),
            "vqa_accuracy": None if question["voted"] is None else vqa_accuracy(outcome.text, question["voted"]),
            "seconds": round(outcome.spent.seconds, 4),
            "cpu_seconds": round(outcome.spent.cpu_seconds, 4),
            "tokens": outcome.spent.tokens,
            "steps": outcome.spent.steps,
            "read": len(outcome.looks),
            "votes": outcome.votes,
            "chance": round(outcome.chance, 4),
            "own": [[look.answer, round(look.chance, 4)] for look in outcome.looks],
        }
    return {**{name: question[name] for name in ("data", "file", "question", "accepted")}, "paths": by_paths}


def figures_of(records: Sequence[dict[str, Any]], counts: Sequence[int] = COUNTS) -> dict[str, Any]:
    """`rows`, one for each number of paths, the same as figures with the number at the end, and `questions`."""
    rows = []
    for count in counts:
        of = [record["paths"][str(count)] for record in records]
        one = [record["paths"][str(counts[0])] for record in records]
        right = sum(outcome["accuracy"] for outcome in of)
        row = {
            "paths": count,
            **{name: _mean(of, name) for name in ("accuracy", "seconds", "tokens", "cpu_seconds", "steps", "read")},
            "tokens_per_correct": round(sum(outcome["tokens"] for outcome in of) / right, 2) if right else None,
            "won": sum(then["accuracy"] < now["accuracy"] for then, now in zip(one, of, strict=True)),
            "lost": sum(then["accuracy"] > now["accuracy"] for then, now in zip(one, of, strict=True)),
        }
        voted = [outcome for outcome in of if outcome["vqa_accuracy"] is not None]
        rows.append(row | ({"vqa_accuracy": _mean(voted, "vqa_accuracy")} if voted else {}))
    flat = {
        f"{name}_{row['paths']}": value
        for row in rows
        for name, value in row.items()
        if name != "paths" and value is not None
    }
    return {"questions": len(records), **flat, "rows": rows}


def _mean(outcomes: Sequence[dict[str, Any]], name: str) -> float:
    return round(sum(outcome[name] for outcome in outcomes) / len(outcomes), 4)


def _key(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["data"], record["file"], record["question"]


def _has(record: dict[str, Any], counts: Sequence[int]) -> bool:
    return all(str(count) in record.get("paths", {}) for count in counts)


def _read(answers: Path | None) -> list[dict[str, Any]]:
    if answers is None or not answers.exists():
        return []
    records = [record for _, record in json_lines(answers)]
    if not all(isinstance(record, dict) and {"data", "file", "question", "paths"} <= set(record) for record in records):
        raise GlintError(f"{answers} is not what `glint bench thinking --answers` writes; name another file.")
    return records


def _append(answers: Path, record: dict[str, Any]) -> None:
    try:
        with answers.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
    except OSError as error:
        raise GlintError(f"{answers} cannot be written: {error.strerror or error}.") from None
