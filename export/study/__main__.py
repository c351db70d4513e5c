"""`python -m export.study`: what quantisation costs the default model, and what it buys. See docs/quantisation.md."""

from __future__ import annotations

import json
from pathlib import Path

import click

from export.study.pareto import plot
from export.study.rows import ROWS
from export.study.run import STAGES, run_study
from export.study.subject import default_model
from export.study.table import markdown, put_into
from models.errors import GlintError


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of the photo sets.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("runs/study"), show_default=True)
@click.option(
    "--base", is_flag=True, help="The base model without the updates: rounded without having been trained to."
)
@click.option(
    "--rows", default="", help=f"Names, separated by commas. Default: all ({', '.join(r.name for r in ROWS)})."
)
@click.option("--stage", "stages", type=click.Choice(STAGES), multiple=True, help="Only this; may be given twice.")
@click.option("--speed-only", is_flag=True, help="As --stage speed: all rows that are built, on a quiet machine.")
@click.option("--table-only", is_flag=True, help="Measure nothing; tell what is known.")
@click.option("--photos", default=300, show_default=True, help="Photos of flickr8k/dev to caption.")
@click.option("--perplexity-photos", default=40, show_default=True, help="Photos whose captions' perplexity is taken.")
@click.option("--sequences", default=128, show_default=True, help="Training sequences that GPTQ is calibrated on.")
@click.option("--runs", default=5, show_default=True, help="Runs that a speed is the median of.")
@click.option("--threads", default=2, show_default=True)
@click.option("--minutes", type=float, help="After these no other step begins; the same command goes on.")
@click.option("--write", type=click.Path(exists=True, path_type=Path), help="A document to put the table into.")
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="File for the Pareto plot, SVG or PNG.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def main(
    data: Path | None,
    work: Path,
    base: bool,
    rows: str,
    stages: tuple[str, ...],
    speed_only: bool,
    table_only: bool,
    write: Path | None,
    picture: Path | None,
    as_json: bool,
    threads: int,
    photos: int,
    perplexity_photos: int,
    sequences: int,
    runs: int,
    minutes: float | None,
) -> None:
    """Compare ways of storing the decoder: perplexity, CIDEr, size, speed. Resumes; the log is WORK/study.log."""
    try:
        study = run_study(
            default_model(threads, with_updates=not base),
            work,
            data=data,
            rows=[name for name in rows.split(",") if name],
            stages=() if table_only else ("speed",) if speed_only else stages or STAGES,
            photos=photos,
            perplexity_photos=perplexity_photos,
            sequences=sequences,
            runs=runs,
            minutes=minutes,
            log=lambda line: click.echo(line, err=True),
        )
        table = markdown(study)
        if write:
            put_into(write, table)
    except GlintError as error:
        raise click.ClickException(str(error)) from error
    if picture:
        plot(study["rows"], study["shipped"], picture)
    click.echo(json.dumps(study) if as_json else table)


if __name__ == "__main__":
    main()
