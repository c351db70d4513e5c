"""How well objects are found: are they there, where are they, how many are there.

Knows the file formats and the scores; what is seen in a picture comes from the caller.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from models.errors import GlintError
from models.evaluation.answers import normalise
from models.evaluation.pictures import Report
from models.objects import Detections

Look = Callable[[Path], Detections]
Point = Callable[[Path, str], "tuple[float, float] | None"]
"""(picture file, name) -> x and y in 0..1 of where one is."""
CountThem = Callable[[Path, str], "tuple[int, int] | None"]
"""(picture file, question) -> the best guess, and how many at least; None for a question that is not for the finder."""
Say = Callable[[Path, str], str]
"""(picture file, question) -> answer."""
ABSENT_ASKED = 3  # names that are not there, that is asked about for each photo
AFFIRMING = ("yes", "there may be", "i think there", "i see", "i read")
NUMBERS = (
    *("no", "zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


def kind_of(rows: Sequence[dict[str, Any]]) -> str:
    """What a file is about: "boxes", "counts" or "presence". Raises GlintError for another."""
    for field, kind in (("boxes_cxcywh", "boxes"), ("question", "counts"), ("objects", "presence")):
        if all(field in row for row in rows):
            return kind
    raise GlintError("The lines have none of the fields objects, boxes_cxcywh and question.")


class Presence:
    """Adds up who was right on pairs of a photo and a name; a pair may stand for several (`weight`)."""

    def __init__(self) -> None:
        self._pairs: dict[str, dict[tuple[bool, bool], float]] = defaultdict(lambda: defaultdict(float))

    def add(self, name: str, there: bool, said: bool, weight: float = 1.0) -> None:
        self._pairs[name][there, said] += weight

    def f1(self) -> tuple[float, float, float]:
        """Precision, recall and F1 over all pairs."""
        right, wrong, missed = (sum(p[key] for p in self._pairs.values()) for key in (_HIT, _FALSE_ALARM, _MISS))
        precision, recall = right / max(right + wrong, 1e-9), right / max(right + missed, 1e-9)
        return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)

    def balanced_accuracy(self) -> float:
        """The mean of the share of present and the share of absent pairs that are told right, over all pairs."""
        right, wrong, missed, rejected = (
            sum(p[key] for p in self._pairs.values()) for key in (_HIT, _FALSE_ALARM, _MISS, _REJECTED)
        )
        return (right / max(right + missed, 1e-9) + rejected / max(rejected + wrong, 1e-9)) / 2

    def balanced_accuracy_by_name(self) -> float:
        """The same of each name, then the mean."""
        values = []
        for pairs in self._pairs.values():
            there, absent = pairs[_HIT] + pairs[_MISS], pairs[_FALSE_ALARM] + pairs[_REJECTED]
            if there and absent:
                values.append((pairs[_HIT] / there + pairs[_REJECTED] / absent) / 2)
        return sum(values) / max(len(values), 1)


_HIT, _MISS, _FALSE_ALARM, _REJECTED = (True, True), (True, False), (False, True), (False, False)


def evaluate_presence(rows: Sequence[dict[str, Any]], look: Look) -> Report:
    """Rows with `objects` (list of names): all pairs of a photo and a name that stands in some row.

    Figures: presence_f1, presence_precision, presence_recall (pairs that `Detections.sees`, over all pairs
    together), presence_balanced_accuracy (pairs that `Detections.rules_out` does not, over all pairs) and
    presence_balanced_accuracy_by_name (the same of each name, then the mean).
    """
    names = names_in(rows)
    likely, possible, records = Presence(), Presence(), []
    for row in _track(rows, "looking"):
        found = look(row["path"])
        for name in names:
            likely.add(name, name in row["objects"], found.sees(name))
            possible.add(name, name in row["objects"], not found.rules_out(name))
        seen = [name for name in names if found.sees(name)]
        records.append({"file": row["file"], "objects": row["objects"], "found": seen})
    precision, recall, f1 = likely.f1()
    figures = {
        "presence_f1": round(f1, 4),
        "presence_precision": round(precision, 4),
        "presence_recall": round(recall, 4),
        "presence_balanced_accuracy": round(possible.balanced_accuracy(), 4),
        "presence_balanced_accuracy_by_name": round(possible.balanced_accuracy_by_name(), 4),
        "names": len(names),
        "pictures": len(rows),
    }
    return Report(figures, records)


def names_in(rows: Iterable[dict[str, Any]]) -> list[str]:
    """All names that stand in some row."""
    return sorted({name for row in rows for name in row["objects"]})


def said_presence(rows: Sequence[dict[str, Any]], say: Say, names: Sequence[str]) -> Report:
    """What is said to "Is there a ... in the picture?": every name that is there and ABSENT_ASKED that are not.

    Each of the latter stands for its share of all absent names. "There may be" counts as yes, and what says neither yes
    nor no as no. Figures as evaluate_presence.
    """
    draw = random.Random(0)
    presence, records = Presence(), []
    for row in _track(rows, "asking"):
        absent = [name for name in names if name not in row["objects"]]
        asked = draw.sample(absent, min(ABSENT_ASKED, len(absent)))
        for name in [*row["objects"], *asked]:
            article = "an" if name[0] in "aeiou" else "a"
            answer = say(row["path"], f"Is there {article} {name} in the picture?")
            there = name in row["objects"]
            weight = 1.0 if there else len(absent) / len(asked)
            presence.add(name, there, normalise(answer).startswith(AFFIRMING), weight)
            records.append({"file": row["file"], "name": name, "there": there, "answer": answer})
    precision, recall, f1 = presence.f1()
    figures = {
        "presence_f1": round(f1, 4),
        "presence_precision": round(precision, 4),
        "presence_recall": round(recall, 4),
        "presence_balanced_accuracy": round(presence.balanced_accuracy(), 4),
        "presence_balanced_accuracy_by_name": round(presence.balanced_accuracy_by_name(), 4),
        "pictures": len(rows),
    }
    return Report(figures, records)


def evaluate_pointing(rows: Sequence[dict[str, Any]], point: Point) -> Report:
    """Rows with `boxes_cxcywh` ([name, centre x, centre y, width, height] in 0..1): a point in a true box is right.

    Figures: pointing_accuracy over all pairs of a photo and a name that is there (no point is wrong), the same for each
    name, and pointing_answered, the share with a point.
    """
    hits: dict[str, list[bool]] = defaultdict(list)
    answered, records = 0, []
    for row in _track(rows, "pointing"):
        for name in dict.fromkeys(box[0] for box in row["boxes_cxcywh"]):
            at = point(row["path"], name)
            right = at is not None and any(
                abs(at[0] - x) <= width / 2 and abs(at[1] - y) <= height / 2
                for other, x, y, width, height in row["boxes_cxcywh"]
                if other == name
            )
            hits[name].append(right)
            answered += at is not None
            records.append({"file": row["file"], "name": name, "point": at, "right": right})
    every = [hit for of_name in hits.values() for hit in of_name]
    figures = {"pointing_accuracy": round(sum(every) / len(every), 4)}
    for name, of_name in sorted(hits.items()):
        figures[f"pointing_accuracy_{name.replace(' ', '_')}"] = round(sum(of_name) / len(of_name), 4)
    figures |= {"pointing_answered": round(answered / len(every), 4), "places": len(every)}
    return Report(figures, records)


def evaluate_counts(rows: Sequence[dict[str, Any]], count: CountThem) -> Report:
    """Rows with `question` and `answer` or `answers` (a list, or votes by answer); the most frequent is the right one.

    Questions that the finder does not take are left out. Figures: count_exact, count_within_one, count_at_least_right
    (share of "at least n", n > 1, that are right), count_at_least_given (share of questions that get one), questions.
    """
    records: list[dict[str, Any]] = []
    for row in _track(rows, "counting"):
        found = count(row["path"], row["question"])
        if found is not None:
            right = number_in(_most_frequent(row))
            records.append({"file": row["file"], "question": row["question"], "right": right, "count": found[0]})
            records[-1]["at_least"] = found[1]
    if not records:
        raise GlintError("No line asks how many there are of something that the finder counts.")
    bounded = [r for r in records if r["at_least"] > 1]
    figures = {
        "count_exact": _share(r["count"] == r["right"] for r in records),
        "count_within_one": _share(r["right"] is not None and abs(r["count"] - r["right"]) <= 1 for r in records),
        "count_at_least_right": _share(r["right"] is not None and r["right"] >= r["at_least"] for r in bounded),
        "count_at_least_given": round(len(bounded) / len(records), 4),
        "questions": len(records),
    }
    return Report(figures, records)


def number_in(text: str) -> int | None:
    """The first number in an answer, in figures or in words up to twelve."""
    for word in re.findall(r"\w+", text.lower()):
        if word.isdecimal():
            return int(word)
        if word in NUMBERS:
            return max(0, NUMBERS.index(word) - 1)
    return None


def _most_frequent(row: dict[str, Any]) -> str:
    answers = row.get("answers")
    if isinstance(answers, dict) and answers:
        return max(answers, key=lambda answer: answers[answer])
    return str(row["answer"] if "answer" in row else (answers or [""])[0])


def _share(values: Iterable[bool]) -> float:
    values = list(values)
    return round(sum(values) / max(len(values), 1), 4)


def _track(rows: Sequence[dict[str, Any]], what: str) -> Iterable[dict[str, Any]]:
    from rich.console import Console
    from rich.progress import track

    return track(rows, what, console=Console(stderr=True))
