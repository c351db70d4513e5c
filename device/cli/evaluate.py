"""`glint evaluate`: how good the model and the speech engines are, on files of anybody's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from device.cli.evaluate_report import deliver, print_figures, with_chances
from models.evaluation import pictures

_DATA = click.option("--data", type=click.Path(path_type=Path), required=True, help="File of JSON lines.")
_LIMIT = click.option("--limit", type=click.IntRange(1), help="Only the first N lines.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")


def _picture_options(command: Callable) -> Callable:
    for option in (
        _JSON,
        click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads."),
        click.option(
            "--no-hints", is_flag=True, help="Withhold the hints from the prompt, to see what they are worth."
        ),
        click.option(
            "--object-hints", is_flag=True, help="Offer what the object head found as hints, with numbers: '2 dog'."
        ),
        click.option(
            "--answers", type=click.Path(path_type=Path), help="Write every answer to this file, as JSON lines."
        ),
        click.option("--model", type=click.Path(path_type=Path), help="Folder of another bundle than the default."),
        click.option("--dev", is_flag=True, help="Only photos held out from training: crc32 of the file name % 5 = 0."),
        _LIMIT,
        _DATA,
    ):
        command = option(command)
    return command


# Each in a file of its own, device/cli/evaluate_NAME.py.
EXPERTS = ("text", "labels", "colours", "finder", "charts", "routing", "refusals")


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *EXPERTS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in EXPERTS:
            return getattr(importlib.import_module(f"device.cli.evaluate_{name}"), name)
        return super().get_command(ctx, name)


@click.group(cls=_Commands)
def evaluate() -> None:
    """Measure quality on a file of JSON lines.

    Every line is one JSON object; `file` is a picture or WAV, relative to the folder of the file of lines. Answers are
    greedy, from the shipped bundle through the shipped runtime.

    \b
    captions   file, captions (list)                     cider, bleu_4
    names      file, name [, synonyms (list), kind]      exact, kind_exact, calibration_error
    questions  file, question, answer and/or answers     exact, exact_TYPE, vqa_accuracy,
               (list, or votes by answer) [, type]   calibration_error
    speech     text [, file]                             wer; without file a round trip through each voice
    text, labels, colours, finder, charts                what the experts see; the help of each says more
    routing    text, intent                              accuracy, a table of confusions
    refusals   text, refuse [, file, kind]               refused_rate, over_refused_rate
    """


def _evaluate(
    score: Callable[[list[dict[str, Any]], pictures.Answerer], pictures.Report],
    needed: str,
    *,
    data: Path,
    limit: int | None,
    dev: bool,
    model: Path | None,
    answers: Path | None,
    no_hints: bool,
    object_hints: bool,
    threads: int,
    as_json: bool,
) -> None:
    rows = pictures.read_rows(data, needed, limit, dev)
    deliver(score(rows, with_chances(model, threads, not no_hints, object_hints)), answers, as_json)


@evaluate.command()
@_picture_options
def captions(**options: Any) -> None:
    """Describe pictures; compare with people's captions (CIDEr-D and BLEU-4)."""
    _evaluate(pictures.evaluate_captions, "captions", **options)


@evaluate.command()
@_picture_options
def names(**options: Any) -> None:
    """Ask "What is this?"; the name, or a listed synonym, must stand in the answer as whole words."""
    _evaluate(pictures.evaluate_names, "name", **options)


@evaluate.command()
@_picture_options
def questions(**options: Any) -> None:
    """Ask the questions of the file; the answer must equal an accepted one.

    Case, punctuation and articles do not count.
    """
    _evaluate(pictures.evaluate_questions, "question", **options)


@evaluate.command()
@_DATA
@_LIMIT
@click.option(
    "--voice",
    "voices",
    multiple=True,
    type=click.Choice(["piper", "espeak", "system"]),
    default=("piper", "espeak", "system"),
    show_default=True,
    help="Voice for the round trip; may be given more than once.",
)
@click.option("--recognizer", type=click.Choice(["moonshine", "vosk"]), default="moonshine", show_default=True)
@click.option("--vosk-model", type=click.Path(path_type=Path), help="Folder of a Vosk model, for --recognizer vosk.")
@_JSON
def speech(
    data: Path, limit: int | None, voices: tuple[str, ...], recognizer: str, vosk_model: Path | None, as_json: bool
) -> None:
    """Word error rate of recordings, and of texts spoken by each voice and heard again."""
    from device.hearing.recognizer import open_recognizer
    from device.speaking.voice import open_voice
    from models.evaluation.speech import evaluate_speech, read_utterances

    needs_voices = any(utterance.file is None for utterance in read_utterances(data)[:limit])
    opened = {name: open_voice(name) for name in voices} if needs_voices else {}
    print_figures(evaluate_speech(data, open_recognizer(recognizer, vosk_model), opened, limit), as_json)
