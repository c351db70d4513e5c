"""`glint evaluate labels`: how exactly labels are read, and what the language model alone makes of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from device.cli.evaluate_options import expert_options
from device.cli.evaluate_report import deliver, language_model_alone
from device.experts.labels.label import Label
from models.evaluation.labels import evaluate_labels
from models.evaluation.pictures import read_rows


@click.command()
@expert_options
def labels(
    data: Path,
    limit: int | None,
    no_model: bool,
    model: Path | None,
    answers: Path | None,
    threads: int,
    as_json: bool,
) -> None:
    """Read labels and compare with what stands on them.

    \b
    A line: file, fields {name: value per 100; energy in kcal, all else in g} [, per_serving, price {value, currency},
    unit_price {value, per, unit}, size {value, unit}, date {value, kind}, questions [{question, answer}], distortion,
    layout]. `python -m sim.renderings labels --out FOLDER` draws such a set.

    \b
    exact, wrong, missed    of the fields per 100; a value that is not the printed one is wrong
    exact_KIND, wrong_KIND  of per_serving, price, unit_price, size, date; of fields by distortion and layout
    exact_model_alone       the questions, put to the language model alone: the number in its answer
    seconds_per_image       median, reading the text included

    \b
    Examples:
      python -m sim.renderings labels --out labels --seed 2026 --count 112
      glint evaluate labels --data labels/data.jsonl --no-model
    """
    from device.experts.instruments import open_instruments
    from device.experts.labels.view import in_view, labels_of
    from device.experts.scene import Scene
    from device.seeing.photo import read_photo

    rows = read_rows(data, "fields", limit)
    instruments = open_instruments(threads)
    instruments.reader()  # so that the first picture's time is like the others'

    def read(picture: Path) -> dict[str, Any]:
        scene = Scene(read_photo(picture), instruments, today=date.today())
        named = in_view(labels_of(scene), scene.size)
        return (named[0].label if named else Label()).record()

    report = evaluate_labels(rows, read, None if no_model else language_model_alone(model, threads))
    deliver(report, answers, as_json)
