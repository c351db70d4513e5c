"""Scores text that was read in pictures against what stands there.

Words are compared as a bag, as places in the picture (end to end), and, on receipts, as the fields that people look
for. How a picture is read is the caller's business.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from models.evaluation.pictures import Answer, Report
from models.reading import Line

Read = Callable[[Path], tuple[Sequence[Line], float]]
"""picture file -> the lines read and the seconds it took."""

QUESTION = "What does the text say?"
SHORTEST = 3  # letters or digits of a word that counts
OVERLAP = 0.5  # intersection over union from which two quads are at the same place


def plain_word(word: str) -> str:
    """The letters a to z and digits of a word, in lower case: what is compared."""
    return re.sub(r"[^a-z0-9]", "", word.lower())


def plain_words(texts: Iterable[str]) -> Counter[str]:
    """The bag of words, parted by spaces, that have SHORTEST letters or digits or more."""
    words = (plain_word(word) for text in texts for word in text.split())
    return Counter(word for word in words if len(word) >= SHORTEST)


def evaluate_text(rows: Sequence[dict[str, Any]], read: Read, ask: Answer | None = None) -> Report:
    """Rows with `path`, and `words` and `quads` (of a word each, 8 numbers) or `lines` (of text) and perhaps `key`.

    Figures over all words of all pictures: recall, precision, f1; f1_iou where there are `words`, which counts a word
    as found when it was read alike and its quad overlaps the true one by OVERLAP (ICDAR's end-to-end measure; there
    are no quads of what people could not read, so reading any of it counts against the reader). For rows with `key`
    (values by field): key_found and key_found_FIELD, the share of fields whose value stands in the lines read, in their
    order, letter by letter but for case and spaces. seconds_per_image is the median. With `ask`, recall, precision and
    f1 of its answers to QUESTION, as ..._model_alone.
    """
    from rich.console import Console
    from rich.progress import track

    records: list[dict[str, Any]] = []
    bags, places, model_bags = [], [], []
    for row in track(rows, "reading", console=Console(stderr=True)):
        lines, seconds = read(row["path"])
        truth = plain_words(row["words"] if "words" in row else row["lines"])
        record = {"file": row["file"], "lines": [line.text for line in lines], "seconds": seconds}
        bags.append((truth, plain_words(line.text for line in lines)))
        if "words" in row and "quads" in row:
            places.append(_places_found(row["words"], row["quads"], lines))
        if "key" in row:
            record["key"] = {field: is_found(value, record["lines"]) for field, value in row["key"].items()}
        if ask is not None:
            record["answer"] = ask(row["path"], QUESTION)
            model_bags.append((truth, plain_words([record["answer"]])))
        records.append(record)
    figures = _of_bags(bags)
    if places:
        found, true, read_words = (sum(counts) for counts in zip(*places, strict=True))
        figures["f1_iou"] = _f1(found, true, read_words)[2]
    figures |= _of_keys([record["key"] for record in records if "key" in record])
    figures["seconds_per_image"] = round(median(record["seconds"] for record in records), 3)
    figures["pictures"] = len(records)
    if model_bags:
        figures |= {f"{name}_model_alone": value for name, value in _of_bags(model_bags).items() if name != "words"}
    return Report(figures, records)


def is_found(value: str, lines: Iterable[str]) -> bool:
    """Whether a value stands in the lines, one after the other, but for case and spaces, and not inside a number."""
    letters, text = "".join(value.split()).lower(), " ".join(lines).lower()
    before, after = (r"(?<!\d)" if letters[:1].isdigit() else "", r"(?!\d)" if letters[-1:].isdigit() else "")
    pattern = r"\s*".join(map(re.escape, letters))
    return bool(letters) and re.search(before + pattern + after, text) is not None


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two convex quads, float32 [4, 2]."""
    shared = cv2.intersectConvexConvex(one, other)[0]
    return shared / max(cv2.contourArea(one) + cv2.contourArea(other) - shared, 1e-9)


def _of_bags(bags: Sequence[tuple[Counter[str], Counter[str]]]) -> dict[str, float]:
    found = sum((truth & read).total() for truth, read in bags)
    true, read_words = (sum(pair[i].total() for pair in bags) for i in (0, 1))
    recall, precision, f1 = _f1(found, true, read_words)
    return {"recall": recall, "precision": precision, "f1": f1, "words": true}


def _f1(found: int, true: int, read: int) -> tuple[float, float, float]:
    """Recall, precision and their harmonic mean."""
    return tuple(round(found / whole, 4) if whole else 0.0 for whole in (true, read, (true + read) / 2))  # type: ignore


def _of_keys(found: Sequence[Mapping[str, bool]]) -> dict[str, float]:
    everywhere = [is_there for fields in found for is_there in fields.values()]
    if not everywhere:
        return {}
    figures = {"key_found": round(sum(everywhere) / len(everywhere), 4)}
    for field in sorted({field for fields in found for field in fields}):
        values = [fields[field] for fields in found if field in fields]
        figures[f"key_found_{field}"] = round(sum(values) / len(values), 4)
    return figures


def _places_found(
    words: Sequence[str], quads: Sequence[Sequence[float]], lines: Sequence[Line]
) -> tuple[int, int, int]:
    """How many words were read alike at the same place, how many there are, how many were read; long enough ones."""
    true = [
        (plain_word(word), np.array(quad, np.float32).reshape(4, 2)) for word, quad in zip(words, quads, strict=True)
    ]
    true = [(word, quad) for word, quad in true if len(word) >= SHORTEST]
    read = [(plain_word(word.text), word.quad) for line in lines for word in line.words]
    read = [(word, quad) for word, quad in read if len(word) >= SHORTEST]
    left = list(true)
    for word, quad in read:
        alike = [pair for pair in left if pair[0] == word and overlap(pair[1], quad) >= OVERLAP]
        if alike:
            best = max(alike, key=lambda pair: overlap(pair[1], quad))
            left = [pair for pair in left if pair is not best]
    return len(true) - len(left), len(true), len(read)
