"""`glint card`: what a turn looks like on a display, in a terminal or as a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from models.errors import GlintError

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("turn", type=click.File(encoding="utf-8"))
@click.option("--image", type=_FILE, help="The photo that was asked about.  [default: the one that the turn names]")
@click.option("--out", type=_FILE, help="Write it here: .html for a page that stands alone, .png for the display's.")
def card(turn: Any, image: Path | None, out: Path | None) -> None:
    """Show the card of a turn that was written down.

    \b
      glint ask --image shelf.jpg --text "Which has less sugar?" --json > turn.json
      glint card turn.json                        in the terminal
      glint card turn.json --out card.html        a page: open it, print it, send it; it needs nothing beside it
      glint card turn.json --out card.png         the pages of the 256 x 256 display of the glasses, side by side
      glint ask ... --json | glint card -         without a file

    Of a log (glint run --log) the last turn is taken. The page shows the photo only where it is given or still lies
    where the turn says.
    """
    from device.cards.files import card_of_record, write_card

    record = _last(turn.read())
    made = card_of_record(record)
    if out is None:
        from rich.console import Console

        from device.cards.terminal import panel

        Console(highlight=False).print(panel(made))
        return
    write_card(out, made, _picture(image, record))


def _last(text: str) -> Any:
    """The JSON object, or that of the last line. Raises GlintError."""
    for part in (text, *reversed(text.strip().splitlines())):
        try:
            return json.loads(part)
        except ValueError:
            continue
    raise GlintError("There is no turn in it; take what glint ask --json prints.")


def _picture(image: Path | None, record: Any) -> Any:
    """What was looked at, None where it is not at hand. Raises GlintError for a file that is none."""
    from device.seeing.photo import read_photo

    if image is None:
        named = record.get("picture")
        image = Path(named) if isinstance(named, str) and Path(named).is_file() else None
    return None if image is None else read_photo(image)
