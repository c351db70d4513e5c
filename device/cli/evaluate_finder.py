"""`glint evaluate finder`: are things found, where, and how many."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import click

from device.cli.evaluate_report import deliver, language_model_alone, whole_assistant
from models.evaluation import finder as scores
from models.evaluation.pictures import Report, read_rows
from models.objects import Detections

_FILE = click.Path(path_type=Path)
_THIRDS = {"left": 1 / 6, "middle": 1 / 2, "center": 1 / 2, "centre": 1 / 2, "right": 5 / 6}


@click.command("finder")
@click.option("--data", type=_FILE, required=True, help="File of JSON lines.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N lines.")
@click.option("--dev", is_flag=True, help="Only photos held out from training: crc32 of the file name % 5 = 0.")
@click.option("--no-model", is_flag=True, help="Leave out what the language model alone says; that is slow.")
@click.option(
    "--model-limit", type=click.IntRange(1), default=100, show_default=True, help="Lines that the model is asked about."
)
@click.option("--assistant", is_flag=True, help="Ask the whole assistant too, of every line whether a thing is there.")
@click.option("--answers", type=_FILE, help="Write what was found to this file, as JSON lines.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def finder(
    data: Path,
    limit: int | None,
    dev: bool,
    no_model: bool,
    model_limit: int,
    assistant: bool,
    answers: Path | None,
    threads: int,
    as_json: bool,
) -> None:
    """Find objects in pictures; compare with what is known to be there.

    \b
    Lines of            figures
    file, objects       presence_f1, presence_precision, presence_recall over all pairs of a photo and a name;
                        presence_balanced_accuracy (over all pairs; ..._by_name: mean over the names) at the
                        lower threshold, from which on a thing is not ruled out
    file, boxes_cxcywh  pointing_accuracy: the middle of the best box lies in a true box of that name
    file, question,     count_exact, count_within_one, of the questions "how many ..." that the finder takes;
    answer or answers   count_at_least_right, how often "at least two" (or more) is right

    Every figure has a twin that ends in _model_alone: the language model's own answers to the same questions, on the
    first --model-limit lines. Of names that are not there it is asked about three for each photo, which stand for the
    others; to point, it may say left, middle or right. With --assistant the figures of presence have another twin, that
    ends in _assistant: what is said to the same questions ("Is there a dog in the picture?"), "there may be" being yes.
    """
    rows = read_rows(data, "file", limit, dev)
    kind = scores.kind_of(rows)
    report = _with_the_finder(kind, rows, threads)
    if not no_model:
        alone = _with_the_model(kind, rows, report, model_limit, threads)
        report.figures.update({f"{name}_model_alone": value for name, value in alone.figures.items()})
    if assistant:
        if kind != "presence":
            raise click.UsageError("--assistant asks whether things are there; the lines need a field objects.")
        ask = whole_assistant(threads)
        said = scores.said_presence(rows, lambda *asked: ask(*asked).answer, scores.names_in(rows))
        report.figures.update({f"{name}_assistant": value for name, value in said.figures.items()})
        report.answers.extend(said.answers)
    deliver(report, answers, as_json)


def _with_the_finder(kind: str, rows: list[dict[str, Any]], threads: int) -> Report:
    from device.experts.finder.questions import counted
    from device.experts.instruments import open_instruments
    from device.experts.scene import Scene
    from device.seeing.photo import read_photo

    instruments = open_instruments(threads)

    @lru_cache(1)
    def scene(picture: Path) -> Scene:
        return Scene(read_photo(picture), instruments)

    def look(picture: Path) -> Detections:
        return scene(picture).objects

    def point(picture: Path, name: str) -> tuple[float, float] | None:
        for found in look(picture).of(name):
            left, top, right, bottom = found.box
            return (left + right) / 2, (top + bottom) / 2
        return None

    def count(picture: Path, question: str) -> tuple[int, int] | None:
        found = counted(scene(picture), question)
        return None if found is None else (found.number, found.least)

    if kind == "presence":
        return scores.evaluate_presence(rows, look)
    return scores.evaluate_pointing(rows, point) if kind == "boxes" else scores.evaluate_counts(rows, count)


def _with_the_model(kind: str, rows: list[dict[str, Any]], report: Report, limit: int, threads: int) -> Report:
    say = language_model_alone(None, threads)
    if kind == "presence":
        return scores.said_presence(rows[:limit], say, scores.names_in(rows))
    if kind == "boxes":

        def point(picture: Path, name: str) -> tuple[float, float] | None:
            said = say(picture, f"Is the {name} on the left, in the middle or on the right?").lower()
            return next(((x, 0.5) for word, x in _THIRDS.items() if word in said), None)

        return scores.evaluate_pointing(rows[:limit], point)
    taken = {(record["file"], record["question"]) for record in report.answers}
    asked = [row for row in rows if (row["file"], row["question"]) in taken][:limit]

    def count(picture: Path, question: str) -> tuple[int, int]:
        number = scores.number_in(say(picture, question))
        return (-1, 0) if number is None else (number, number)

    return scores.evaluate_counts(asked, count)
