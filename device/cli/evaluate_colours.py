"""`glint evaluate colours`: how often the colour expert names a colour as people do."""

from __future__ import annotations

from pathlib import Path

import click

from device.cli.evaluate_options import expert_options
from models.evaluation.colours import Region


@click.command()
@expert_options
@click.option("--dev", is_flag=True, help="Only photos held out from training: crc32 of the file name % 5 = 0.")
def colours(
    data: Path,
    limit: int | None,
    dev: bool,
    model: Path | None,
    no_model: bool,
    answers: Path | None,
    threads: int,
    as_json: bool,
) -> None:
    """Name colours; the first colour said must be the accepted one.

    \b
      python -m sim.renderings colours --out rendered --seed 2026
      glint evaluate colours --data rendered/data.jsonl

    A line has file, colour, perhaps accept (other names that are right), region (left, top, right, bottom, 0 to 1; the
    middle if there is none) and question (for questions that name a thing). A light or dark shade of the right colour
    is right, navy is a blue; "either blue or green" is wrong. Figures: exact, exact_model_alone (the language model,
    asked "What colour is this?"), unsure, seconds_per_image (reading the file included).
    """
    from device.cli.evaluate_report import deliver
    from device.experts.colour import INTENTS, spoken
    from device.experts.colour.surfaces import CENTRE, surfaces
    from device.experts.instruments import open_instruments
    from device.experts.scene import Scene
    from device.seeing.photo import read_photo
    from models.evaluation.colours import evaluate_colours
    from models.evaluation.pictures import read_rows

    rows = read_rows(data, "colour", limit, dev)
    instruments = open_instruments(threads)
    named_things = {row["question"] for row in rows if "question" in row}

    def name(picture: Path, region: Region | None, question: str) -> str:
        pixels = read_photo(picture)
        if question not in named_things:
            return spoken(surfaces(pixels, region or CENTRE))[0]
        scene = Scene(pixels, instruments)
        matched = ((intent, words) for intent in INTENTS if (words := intent.match(question)) is not None)
        answer = next((answer for intent, words in matched if (answer := intent.answer(scene, words))), None)
        return answer.text if answer else ""

    alone = None
    if not no_model:
        from device.assistant import load_model

        language_model = load_model(model, threads)

        def alone(picture: Path, region: Region | None, question: str) -> str:
            from device.experts.colour.surfaces import crop

            pixels = read_photo(picture)
            view = language_model.look(crop(pixels, region) if region else pixels)
            return language_model.answer(view, question).text.strip()

    report = evaluate_colours(rows, name, alone)
    deliver(report, answers, as_json)
