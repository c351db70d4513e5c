"""`glint ask`: one question about one photo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from device.turn import Turn

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--image", type=_FILE, help="The photo: JPEG, PNG, WebP, BMP, GIF or TIFF.")
@click.option("--text", help="The question, typed.")
@click.option("--audio", type=_FILE, help="The question, spoken: a WAV (or FLAC, OGG, MP3) of any rate and channels.")
@click.option("--speak", type=_FILE, help="Speak the answer into this WAV file.")
@click.option(
    "--voice",
    type=click.Choice(["piper", "espeak", "system"]),
    default="piper",
    show_default=True,
    help="piper sounds natural, espeak is instant, system is the desktop's own voice (pip install 'glint[laptop]').",
)
@click.option(
    "--recognizer",
    type=click.Choice(["moonshine", "vosk"]),
    default="moonshine",
    show_default=True,
    help="moonshine hears English; vosk hears the language of the model given with --vosk-model.",
)
@click.option("--vosk-model", type=_FILE, help="Folder of an unpacked Vosk model, for --recognizer vosk.")
@click.option("--model", type=_FILE, help="Folder of another model: see below.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads for each model.")
@click.option("--offline", is_flag=True, help="Fetch nothing; fail when a model is not there.")
@click.option("--show", type=_FILE, help="Draw the steps to the answer into this picture (PNG or JPEG).")
@click.option("--card", "card_file", type=_FILE, help="Write the answer's card into this file: .html or .png.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole turn as one JSON object.")
def ask(as_json: bool, show: Path | None, card_file: Path | None, **options: Any) -> None:
    """Answer one question about a photo, by text or by voice.

    \b
      glint ask --image shelf.jpg --text "What is this?"
      glint ask --image street.jpg --audio question.wav --speak answer.wav
      glint ask --model smollm2 --text "What is the capital of France?"

    Prints what was heard, the answer as it forms and how long each part took. Models that are missing are fetched
    first (`glint models pull` does that ahead).

    Text, codes, colours, labels, charts and everyday objects are seen by experts, which are exact or say that they are
    unsure; the language model answers the rest. A number or a name that nothing in the picture bears out is called a
    guess; a price, a date or a medicine is then not said at all. --show numbers the steps that led to the answer on the
    photo and lists them below it; --card writes the answer as a page to look at, or as the glasses' display shows it.

    --model takes what `glint export` has made, or a folder with the ONNX files of a vision-language model as they are
    published (config.json, tokenizer.json, onnx/vision_encoder.onnx, onnx/embed_tokens.onnx and
    onnx/decoder_model_merged.onnx; of several precisions the smallest). A language model is asked without --image.

    --json prints the Turn: transcript, answer, answered_by (the kind of question, or "model"), timings_ms
    (milliseconds by stage; first_token and first_audio count from the end of the question), evidence (source, finding,
    confidence, basis: verbatim, measured or inferred; box: left, top, right, bottom in 0..1; line), steps (act, what,
    box, votes, ms, tokens, chance; docs/steps.md), card (docs/cards.md) and costs.
    """
    from device.assistant import Question
    from device.assistant import ask as answer
    from models.errors import GlintError

    question = Question(**options)
    if show is not None and question.image is None:
        raise GlintError("The steps are drawn on the picture; give one with --image.")
    turn = answer(question) if as_json else answer(question, on_text=lambda piece: click.echo(piece, nl=False))
    if show is not None and question.image is not None:
        from device.seeing.drawing import write_steps
        from device.seeing.photo import read_photo

        write_steps(show, read_photo(question.image), turn.steps)
    if card_file is not None and turn.card is not None:
        from device.cards.files import write_card
        from device.seeing.photo import read_photo

        write_card(card_file, turn.card, read_photo(question.image) if question.image else None)
    if as_json:
        click.echo(json.dumps(turn.as_dict()))
        return
    click.echo()
    _print_summary(turn)


def _print_summary(turn: Turn) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True, highlight=False)
    console.print(f"[bold]question[/] ({turn.question_from}): {turn.transcript}")
    console.print(f"[bold]answer[/]: {turn.answer}")
    for claim in turn.evidence:
        line = f', from "{claim.line}"' if claim.line else ""
        console.print(f"[bold]evidence[/] ({claim.source}, {claim.basis.value}, {claim.confidence:.0%}):", end=" ")
        console.print(f"{claim.finding}{line}", markup=False)
    table = Table("stage", "ms", box=None, header_style="bold")
    table.columns[1].justify = "right"
    for stage, ms in turn.timings_ms.items():
        table.add_row(stage.replace("_", " "), f"{ms:,.0f}")
    console.print(table)
    console.print(f"peak memory {turn.costs['peak_rss_mb']:.0f} MB")
    if turn.spoken_to:
        console.print(f"spoken into {turn.spoken_to} ({turn.costs['speech_seconds']:.1f} s)")
