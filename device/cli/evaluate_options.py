"""The options that the evaluations of experts have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

_FILE = click.Path(path_type=Path)


def expert_options(command: Callable) -> Callable:
    """--data, --limit, --no-model, --model, --answers, --threads, --json, as `data`, ... and `as_json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output."),
        click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads."),
        click.option("--answers", type=_FILE, help="Write what was seen and said to this file, as JSON lines."),
        click.option("--model", type=_FILE, help="Folder of another bundle than the default."),
        click.option("--no-model", is_flag=True, help="Leave out the language model's own figures, which are slow."),
        click.option("--limit", type=click.IntRange(1), help="Only the first N lines."),
        click.option("--data", type=_FILE, required=True, help="File of JSON lines."),
    ):
        command = option(command)
    return command
