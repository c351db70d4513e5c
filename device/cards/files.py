"""A card as a file, and the card of a turn that was written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from device.cards.card import Card, card_from
from device.evidence import Claim
from models.errors import GlintError


def write_card(path: Path, card: Card, picture: np.ndarray | None = None) -> None:
    """A page that stands alone (.html), or the pages of the display beside each other (.png and other pictures).

    picture: uint8 RGB [height, width, 3], what was looked at. Raises GlintError where it cannot be written.
    """
    if path.suffix.lower() in (".html", ".htm"):
        from device.cards.html import export_html

        export_html(card, path, picture)
        return
    from PIL import Image

    from device.cards.display import pages

    try:
        Image.fromarray(np.concatenate(pages(card, picture), axis=1)).save(path)
    except (OSError, ValueError) as error:
        raise GlintError(f"{path} cannot be written ({error}); give a name that ends in .html or .png.") from error


def card_of_record(record: Any) -> Card:
    """Of a turn as `glint ask --json` prints it and `glint run --log` keeps it. Raises GlintError for what is none."""
    import msgspec

    from device.cards.of_answer import card_of
    from device.turn import Turn

    if isinstance(record, dict) and isinstance(record.get("card"), dict):
        return card_from(record["card"])
    try:
        transcript, answer, row = (
            msgspec.convert(record[name], str) for name in ("transcript", "answer", "answered_by")
        )
        claims = msgspec.convert(record.get("evidence", []), list[Claim])
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError) as error:
        raise GlintError(f"That is no turn ({error}); take what glint ask --json prints.") from error
    return card_of(Turn(transcript=transcript, answer=answer, answered_by=row, evidence=claims))
