"""What the commands that ask one expert about one photo have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np

from device.evidence import Claim
from device.experts.scene import Scene

_FILE = click.Path(path_type=Path)


def photo_options(command: Callable) -> Callable:
    """--image, --json, --show, --threads, --offline, as `image`, `as_json`, `show`, `threads`, `offline`."""
    for option in (
        click.option("--offline", is_flag=True, help="Fetch nothing; fail when a model is not there."),
        click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output."),
        click.option("--show", type=_FILE, help="Draw what was found on the photo and write it here (PNG or JPEG)."),
        click.option("--image", type=_FILE, required=True, help="The photo: JPEG, PNG, WebP, BMP, GIF or TIFF."),
    ):
        command = option(command)
    return command


def open_scene(image: Path, threads: int, offline: bool, today: date | None = None) -> Scene:
    """The photo as the experts see it. Raises GlintError for one that cannot be read; networks load when needed."""
    from device.experts.instruments import open_instruments
    from device.seeing.photo import read_photo

    return Scene(read_photo(image), open_instruments(threads, offline), today=today or date.today())


def finish(
    pixels: np.ndarray, claims: Sequence[Claim], record: dict[str, Any], text: str, as_json: bool, show: Path | None
) -> None:
    """Prints the record as JSON or the text, and draws the claims where that is wanted."""
    if show is not None:
        from device.seeing.drawing import write_drawing

        write_drawing(show, pixels, claims)
    click.echo(json.dumps(record) if as_json else text)
