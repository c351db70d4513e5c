"""`glint evaluate routing`: whether a question is taken for what it means."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(path_type=Path)


@click.command("routing")
@click.option("--data", type=_FILE, required=True, help="File of JSON lines.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N lines.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads.")
@click.option("--answers", type=_FILE, help="Write what each phrasing was taken for to this file, as JSON lines.")
@click.option("--model", type=_FILE, help="Folder of another bundle than the default.")
@click.option("--no-model", is_flag=True, help="Leave out the language model's own figures, which are slow.")
@click.option(
    "--model-lines",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="How many lines, evenly spread, the language model is asked about.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def routing(
    data: Path,
    limit: int | None,
    threads: int,
    answers: Path | None,
    model: Path | None,
    no_model: bool,
    model_lines: int,
    as_json: bool,
) -> None:
    """Tell what phrasings mean, as the assistant does before it looks at a picture.

    Every line of the file has `text`, what somebody said or what a recogniser heard of it, and `intent`, one of the
    names in device/routing/table.py (docs/routing.md lists them; so does the complaint about a wrong one).

    \b
    accuracy               share of the phrasings that are taken for what they mean
    accuracy_INTENT        the same of each intent in the file
    accuracy_model_alone   the same of the language model, which reads what the intents are and then chooses one,
                           of at most --model-lines phrasings
    What was taken for what stands in a table below, with --json on standard error.

    \b
      glint evaluate routing --data tests/data/routing_heldout.jsonl
      glint evaluate routing --data tests/data/routing_heard.jsonl --no-model
    """
    from device.cli.evaluate_report import deliver
    from device.routing.router import intent_of
    from device.routing.table import ROUTES
    from models.evaluation.routing import confusions, evaluate_routing, read_phrasings

    rows = read_phrasings(data, [route.name for route in ROUTES], limit)
    alone = None
    if not no_model:
        from device.assistant import load_model
        from models.evaluation.choosing import chooser

        alone = chooser(load_model(model, threads), {route.name: route.about for route in ROUTES})
    report = evaluate_routing(rows, intent_of, alone, model_lines)
    deliver(report, answers, as_json)
    click.echo(f"\n{confusions(report.answers)}", err=as_json)
