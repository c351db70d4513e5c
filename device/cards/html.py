"""A card as HTML: a fragment for a page, and a file that needs nothing beside it.

Whatever comes from a picture or a question is escaped, and the file allows no script but its own, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import io
import time
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np

from device.cards.card import (
    Card,
    Known,
    Part,
    Picture,
    Reading,
    Row,
    Rows,
    Shape,
    Text,
    Timer,
    clock,
    number_of,
    shown,
)
from device.cards.web import CSS, FILE_CSS, SCRIPT
from device.evidence import Box
from models.errors import GlintError

LARGEST = 1024  # pixels of a picture's longer side
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
GUESS = '<span class="hidden"> (a guess)</span>'


def fragment(card: Card, picture: np.ndarray | None = None, now: float | None = None, heading: str = "h2") -> str:
    """An element for a page that has device.cards.web.CSS and SCRIPT; without style and script of its own.

    picture: uint8 RGB [height, width, 3], what was looked at. now: on time.time's clock, for timers.
    """
    moment = time.time() if now is None else now
    if picture is None:  # then nothing points at it either
        card = replace(card, parts=tuple(part for part in card.parts if not isinstance(part, Picture)))
    parts = "".join(_part(part, card, moment) for part in card.parts if not isinstance(part, Picture))
    figures = [
        _picture(part, card, picture) for part in card.parts if isinstance(part, Picture) and picture is not None
    ]
    said = f'<p class="answer">{_words(card.answer)}</p>' if card.answer and card.is_rich else ""
    source = f'<p class="source">{_words(card.source)}</p>' if card.source else ""
    return (
        f'<article class="glint"><{heading}>{_words(card.title)}</{heading}>{said}'
        f'<div class="body{" pictured" if figures else ""}"><div class="parts">{parts}</div>{"".join(figures)}</div>'
        f"{source}</article>"
    )


def page(card: Card, picture: np.ndarray | None = None, now: float | None = None) -> str:
    """The whole file."""
    script = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{script}'"
    title = _words(card.question or card.title)
    question = f"<h1>{title}</h1>" if card.question else ""
    body = fragment(card, picture, now, "h2" if card.question else "h1")
    body = body.replace('<article class="glint">', f'<article class="glint">{question}', 1)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{CSS}{FILE_CSS}</style>\n</head>\n<body>\n<main>{body}</main>\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def export_html(card: Card, path: Path, picture: np.ndarray | None = None) -> None:
    """Writes the file. Raises GlintError where it cannot be written."""
    try:
        path.write_text(page(card, picture), encoding="utf-8")
    except OSError as error:
        raise GlintError(f"{path} cannot be written ({error.strerror or error}); choose another name.") from error


def _words(text: str) -> str:
    return escape(shown(text))


def _part(part: Part, card: Card, now: float) -> str:
    if isinstance(part, Text):
        return f'<p class="text">{_marked(part, part.text)}</p>'
    if isinstance(part, Reading):
        unit = f"<small>{_words(part.unit)}</small>" if part.unit else ""
        caption = f'<p class="caption">{_named(part, card, part.caption)}</p>' if part.caption else ""
        return f'<div><p class="reading">{_marked(part, part.value)}{unit}</p>{caption}</div>'
    if isinstance(part, Timer):
        left = clock(part.left_s(now))
        over = "" if part.left_s(now) else " over"
        return (
            f'<div><p class="timer{over}" role="timer" data-ends="{part.ends_at:.3f}">{left}</p>'
            f'<p class="caption">{_words(part.label)}</p></div>'
        )
    return _rows(part, card) if isinstance(part, Rows) else ""


def _marked(known: Known, text: str) -> str:
    return f'<span class="guess">{_words(text)}{known.mark}{GUESS}</span>' if known.is_guess else _words(text)


def _named(known: Known, card: Card, text: str, marked: bool = False) -> str:
    """Words that point at their box, where there is one in a picture that is shown."""
    words = _marked(known, text) if marked else _words(text)
    number = card.number(known)
    if number is None or not any(isinstance(part, Picture) for part in card.parts):
        return f'<span class="name">{words}</span>'
    return f'<button type="button" class="name" aria-pressed="false" data-place="{number}">{words}</button>'


def _rows(rows: Rows, card: Card) -> str:
    if rows.shape is Shape.LIST:
        heading = f'<p class="caption">{_words(rows.heading)}</p>' if rows.heading else ""
        return heading + "<ol>" + "".join(_item(rows, row, card) for row in rows.rows) + "</ol>"
    caption = f"<caption>{_words(rows.heading)}</caption>" if rows.heading else ""
    amounts = [row.amount for row in rows.rows if row.amount is not None]
    span = min([0.0, *amounts]), max([0.0, *amounts])
    return f"<table>{caption}<tbody>" + "".join(_line(rows, row, card, span) for row in rows.rows) + "</tbody></table>"


def _item(rows: Rows, row: Row, card: Card) -> str:
    number = f'<span class="number">{number_of(rows, card, row)}</span>' if len(rows.rows) > 1 else ""
    swatch = ""
    if row.colour:
        paint = f'<rect width="100%" height="100%" rx="8" fill="{escape(row.colour)}"/>'
        swatch = f'<svg class="swatch" aria-hidden="true">{paint}</svg>'
    value = f'<span class="value">{_words(row.value)}</span>' if row.value else ""
    best = ' class="best"' if row.best else ""
    return f"<li{best}>{number}{swatch}{_named(row, card, row.name, marked=True)}{value}</li>"


def _line(rows: Rows, row: Row, card: Card, span: tuple[float, float]) -> str:
    best = ' class="best"' if row.best else ""
    bar = f'<td class="length">{_bar(row.amount, span)}</td>' if rows.shape is Shape.BARS else ""
    name = f'<th scope="row">{_named(row, card, row.name)}</th>'
    return f'<tr{best}>{name}{bar}<td class="value">{_marked(row, row.value)}</td></tr>'


def _bar(amount: float | None, span: tuple[float, float]) -> str:
    low, high = span
    whole = (high - low) or 1.0
    start, end = sorted((-low / whole, ((amount or 0.0) - low) / whole))
    return (
        '<svg class="scale" aria-hidden="true"><rect class="ground" width="100%" height="100%" rx="3"/>'
        f'<rect class="amount" x="{100 * start:.2f}%" width="{100 * (end - start):.2f}%" height="100%" rx="3"/></svg>'
    )


def _picture(part: Picture, card: Card, picture: np.ndarray) -> str:
    from device.cards.blocks import MANY, cut, within

    crop = part.crop or WHOLE
    image = cut(picture, crop)
    image.thumbnail((LARGEST, LARGEST))
    coded = io.BytesIO()
    image.save(coded, "JPEG", quality=85)
    data = base64.b64encode(coded.getvalue()).decode()
    listed = any(isinstance(other, Rows) and other.shape is Shape.LIST and len(other.rows) > 1 for other in card.parts)
    looks = " tall" if image.height > image.width else ""
    looks += " many" if len(card.boxes) > MANY and not listed else ""
    best = {known.box for known in card.known() if isinstance(known, Row) and known.best}
    order = sorted(enumerate(card.boxes, 1), key=lambda numbered: numbered[1] in best)  # what is last lies on top
    places = "".join(_place(number, box, within(box, crop), card, listed) for number, box in order)
    alt = "The picture that was looked at" + (", with the places marked" if card.boxes else "")
    return (
        f'<figure class="looked{looks}"><img alt="{alt}" width="{image.width}" height="{image.height}" '
        f'src="data:image/jpeg;base64,{data}"><svg aria-hidden="true">{places}</svg></figure>'
    )


def _place(number: int, box: Box, inside: Box, card: Card, listed: bool) -> str:
    left, top, right, bottom = (100 * side for side in inside)
    said = [known for known in card.known() if known.box == box]
    best = any(isinstance(known, Row) and known.best for known in said)
    looks = ' class="best"' if best else ' class="guess"' if all(known.is_guess for known in said) else ""
    area = f'x="{left:.2f}%" y="{top:.2f}%" width="{right - left:.2f}%" height="{bottom - top:.2f}%" rx="3"'
    text = (
        f'<text x="{left:.2f}%" y="{top:.2f}%" dx="6" dy="17">{number}</text>' if listed and len(card.boxes) > 1 else ""
    )
    return f'<g{looks} data-place="{number}"><rect class="shade" {area}/><rect {area}/>{text}</g>'
