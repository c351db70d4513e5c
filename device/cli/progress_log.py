"""How far a long command is: on the terminal's status line, or as a line in a log now and then."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console


def told_by(console: Console, update: Callable[[str], None], every_s: float) -> Callable[[str], None]:
    """`update` itself where `console` is a terminal; else lines on standard error, at least `every_s` seconds apart."""
    if console.is_terminal:
        return update
    last = -math.inf

    def log(what: str) -> None:
        nonlocal last
        if time.monotonic() - last >= every_s:
            last = time.monotonic()
            click.echo(what, err=True)

    return log
