"""`glint evaluate charts`: how exactly charts are read, and what the language model alone makes of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from device.cli.evaluate_options import expert_options
from device.cli.evaluate_report import deliver, language_model_alone


@click.command()
@expert_options
def charts(
    data: Path,
    limit: int | None,
    no_model: bool,
    model: Path | None,
    answers: Path | None,
    threads: int,
    as_json: bool,
) -> None:
    """Ask about charts; compare with what was drawn.

    \b
    A line: file, question, answer [, kind, tolerance, distortion, drawn]. With a tolerance the answer is a number, and
    one that is no further off counts as exact; the rendered set's is 2.5 % of the axis' range. Other answers must be
    equal, but for case, punctuation and articles. `python -m sim.renderings charts --out FOLDER` draws such a set.

    \b
    exact, wrong, refused   of the questions; refused: the answer states nothing, or says that it cannot
    exact_KIND              by kind of question, by distortion, by what drew the chart
    exact_model_alone       the language model alone; right where the true answer stands anywhere in what it says
    seconds_per_image       median of the first question of each picture, reading the text included

    \b
    Examples:
      python -m sim.renderings charts --out charts --seed 2026 --count 60
      glint evaluate charts --data charts/data.jsonl --no-model
    """
    from device.evidence import Answer
    from device.experts.charts import INTENTS
    from device.experts.instruments import open_instruments
    from device.experts.scene import Scene
    from device.seeing.photo import read_photo
    from models.evaluation.charts import Said, evaluate_charts
    from models.evaluation.pictures import read_rows

    rows = read_rows(data, "question", limit)
    instruments = open_instruments(threads)
    instruments.reader()  # so that the first picture's time is like the others'
    last: list[Any] = [None, None]  # several questions in a row are about one picture

    def ask(picture: Path, question: str) -> Said:
        if last[0] != picture:
            last[:] = picture, Scene(read_photo(picture), instruments)
        start = time.perf_counter()
        answer: Answer | None = None
        for intent in INTENTS:
            words = intent.match(question)
            if words is not None and (answer := intent.answer(last[1], words)) is not None:
                break
        seconds = time.perf_counter() - start
        if answer is None:
            return Said(None, "", seconds)
        states = answer.claims and not answer.text.startswith("I ")  # "I do not see ..." states nothing of the chart
        return Said(answer.claims[0].finding if states else None, answer.text, seconds)

    report = evaluate_charts(rows, ask, None if no_model else language_model_alone(model, threads))
    deliver(report, answers, as_json)
