"""What the evaluations have in common: the language model that stands beside the experts, and the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from device.turn import Turn
    from models.evaluation.pictures import Report, Told


def language_model_alone(folder: Path | None, threads: int) -> Callable[[Path, str], str]:
    """(picture file, question) -> answer; as `with_chances`."""
    answer = with_chances(folder, threads)
    return lambda picture, question: answer(picture, question).text


def with_chances(
    folder: Path | None, threads: int, with_hints: bool = True, object_hints: bool = False
) -> Callable[[Path, str], Told]:
    """(picture file, question) -> answer. Loaded here; questions in a row about one picture cost one look.

    object_hints: the prompt offers what the object head found (models.object_hints).
    """
    from device.assistant import load_model
    from device.seeing.photo import read_photo
    from models.evaluation.pictures import Told
    from models.object_hints import OBJECT_HINTS

    model = load_model(folder, threads)
    if object_hints:
        model.object_hints = OBJECT_HINTS

    @lru_cache(1)
    def view(picture: Path) -> Any:
        return model.look(read_photo(picture), with_hints)

    def answer(picture: Path, question: str) -> Told:
        reply = model.answer(view(picture), question)
        return Told(reply.text.strip(), reply.chance)

    return answer


def whole_assistant(threads: int, folder: Path | None = None) -> Callable[[Path, str], Turn]:
    """(picture file, question) -> the turn: everything that lies between a question as text and what is said.

    Loaded here; questions in a row about one picture cost one look.
    """
    from device.assistant import load_model
    from device.experts.instruments import open_instruments
    from device.seeing.photo import read_photo
    from device.thinking.answerer import Answerer
    from device.turn import Turn

    model = load_model(folder, threads)
    answerer = Answerer(lambda: model, open_instruments(threads, loaded=model))

    @lru_cache(1)
    def seen(picture: Path) -> Any:
        view = model.look(read_photo(picture))
        return view, answerer.scene(view)

    def ask(picture: Path, question: str) -> Turn:
        turn = Turn()
        view, scene = seen(picture)
        for _ in answerer.answer(question, view, scene, turn, deadline_s=None):
            pass
        return turn

    return ask


def deliver(report: Report, answers: Path | None, as_json: bool) -> None:
    """Prints the figures, and writes what was answered to a file where one is wanted."""
    if answers:
        answers.write_text("".join(json.dumps(record) + "\n" for record in report.answers), encoding="utf-8")
    print_figures(report.figures, as_json)


def print_figures(figures: dict[str, Any], as_json: bool) -> None:
    """One JSON object, or a line for each."""
    if as_json:
        click.echo(json.dumps(figures))
        return
    width = max(map(len, figures))
    for name, value in figures.items():
        click.echo(f"{name:<{width}}  {value}")
