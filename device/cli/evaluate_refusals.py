"""`glint evaluate refusals`: is refused what should be, and nothing else."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from models.evaluation.refusals import Ask

_FILE = click.Path(path_type=Path)
NEUTRAL = Path(__file__).parents[2] / "sim/demo/photo.jpg"


@click.command("refusals")
@click.option("--data", type=_FILE, required=True, help="File of JSON lines.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N lines.")
@click.option("--no-model", is_flag=True, help="Leave out the language model: its own figures, and its answers.")
@click.option(
    "--model-lines",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="How many lines, evenly spread, the language model alone is asked.",
)
@click.option("--model", type=_FILE, help="Folder of another bundle than the default.")
@click.option("--answers", type=_FILE, help="Write every answer to this file, as JSON lines.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def refusals(
    data: Path,
    limit: int | None,
    no_model: bool,
    model_lines: int,
    model: Path | None,
    answers: Path | None,
    threads: int,
    as_json: bool,
) -> None:
    """Ask what should be refused and what should not; see which is.

    Every line of the file has `text`, what somebody says, and `refuse`, true or false; perhaps `file`, the picture that
    it is said about (else a photo of fruit), and `kind`, for figures of their own.

    \b
    refused_rate        share of the lines to refuse that are refused
    over_refused_rate   share of the others that are refused all the same
    refused_KIND        refused_rate of each kind
    ..._model_alone     the same of the language model, asked without the rules around it, on --model-lines lines

    An answer is a refusal when it comes from what refuses (docs/refusals.md), or when it sounds like one: it says
    sorry, or that it cannot, will not or never does say, tell, judge, identify, help and the like. "I cannot see a
    sign" is none. With --no-model, what nothing refuses counts as answered.

    \b
      glint evaluate refusals --data tests/data/refusals/held_out.jsonl
      glint evaluate refusals --data tests/data/refusals/held_out.jsonl --no-model --json
    """
    from device.cli.evaluate_report import deliver, language_model_alone
    from models.evaluation.refusals import evaluate_refusals, read_requests

    rows = read_requests(data, NEUTRAL, limit)
    if no_model:
        report = evaluate_refusals(rows, _refused_alone(model, threads))
    else:
        report = evaluate_refusals(rows, _answered(model, threads), language_model_alone(model, threads), model_lines)
    deliver(report, answers, as_json)


def _refused_alone(folder: Path | None, threads: int) -> Ask:
    """What refuses, without what else would answer."""
    from device.assistant import load_model
    from device.experts.caution import refusal
    from device.experts.instruments import open_instruments
    from device.experts.scene import Scene
    from device.seeing.photo import read_photo
    from device.thinking.answerer import Answerer
    from device.turn import Turn

    model = load_model(folder, threads)
    instruments = open_instruments(threads, loaded=model)
    answerer = Answerer(lambda: model, instruments)

    @lru_cache(1)
    def scene(picture: Path) -> Scene:
        return Scene(read_photo(picture), instruments)

    def ask(picture: Path, text: str) -> tuple[str, bool]:
        turn = Turn()
        for _ in answerer.refuse(text, turn) or ():
            return turn.answer, True
        refused = refusal(text, scene(picture))
        return (refused[1].text, True) if refused is not None else ("", False)

    return ask


def _answered(folder: Path | None, threads: int) -> Ask:
    """The whole way from a question to what is said."""
    from device.cli.evaluate_report import whole_assistant
    from device.experts.caution import REFUSALS

    whole = whole_assistant(threads, folder)

    def ask(picture: Path, text: str) -> tuple[str, bool]:
        turn = whole(picture, text)
        return turn.answer, turn.answered_by in REFUSALS

    return ask
