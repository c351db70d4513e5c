"""`glint evaluate text`: how well text is read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from models.reading import Line

_FILE = click.Path(path_type=Path)


@click.command("text")
@click.option("--data", type=_FILE, required=True, help="File of JSON lines.")
@click.option("--skip", type=click.IntRange(0), default=0, help="Leave out the first N lines.")
@click.option("--limit", type=click.IntRange(1), help="Only N lines, the first after those left out.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads.")
@click.option("--answers", type=_FILE, help="Write what was read to this file, as JSON lines.")
@click.option(
    "--reader",
    "engine",
    type=click.Choice(["glint", "rapidocr"]),
    default="glint",
    show_default=True,
    help="glint: as in the assistant. rapidocr: the same networks in rapidocr's own pipeline, as it comes.",
)
@click.option("--no-model", is_flag=True, help="Leave out the language model's own figures, which take long.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def text(
    data: Path,
    skip: int,
    limit: int | None,
    threads: int,
    answers: Path | None,
    engine: str,
    no_model: bool,
    as_json: bool,
) -> None:
    """Read pictures; compare the words with what stands there.

    Every line of the file has `file`, a picture, and `words` (with `quads`, 8 numbers a word) or `lines`, perhaps with
    `key` (values by field, as on receipts). Words of three letters or more count, without case and punctuation.

    \b
    recall, precision, f1          words as a bag
    f1_iou                         words read alike at the same place (overlap 0.5); needs quads
    key_found, key_found_FIELD     values that stand in the lines read, letter by letter; needs key
    seconds_per_image              median, decoding of the file apart
    ..._model_alone                the language model, asked "What does the text say?"

    \b
      glint evaluate text --data annotations.jsonl --limit 40 --no-model
    """
    from device.cli.evaluate_report import deliver
    from device.seeing.photo import read_photo
    from models.errors import GlintError
    from models.evaluation.pictures import read_rows
    from models.evaluation.rapidocr_reader import RapidOcrReader
    from models.evaluation.text import evaluate_text
    from models.reading import TextReader

    rows = read_rows(data, "file", None if limit is None else skip + limit)[skip:]
    for number, row in enumerate(rows, skip + 1):
        if "words" not in row and "lines" not in row:
            raise GlintError(f"{data}, line {number}: expected a JSON object with file and words, or lines.")
    if not rows:
        raise GlintError(f"{data} has no lines to evaluate after the first {skip}.")
    reader = TextReader(threads) if engine == "glint" else RapidOcrReader(threads)

    def read(picture: Path) -> tuple[Sequence[Line], float]:
        pixels = read_photo(picture)
        started = time.perf_counter()
        lines = reader.read(pixels)
        return lines, round(time.perf_counter() - started, 4)

    ask = None
    if not no_model:
        from device.assistant import load_model

        model = load_model(None, threads)

        def ask(picture: Path, question: str) -> str:
            return model.answer(model.look(read_photo(picture)), question).text.strip()

    report = evaluate_text(rows, read, ask)
    deliver(report, answers, as_json)
