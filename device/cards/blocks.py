"""The parts of a card as blocks of pixels, which a page stacks: each knows its height and draws itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

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
from device.cards.ink import (
    AMBER,
    BLACK,
    MINT,
    QUIET,
    SKY,
    TRACK,
    WHITE,
    Font,
    clipped,
    font_of,
    largest,
    line_height,
    wrapped,
)
from device.evidence import Box

LEFT = 10  # where everything begins
NBSP = "\u00a0"  # a question mark stays with its word
LINES = 6  # that one looks at
NARROWEST, LOWEST = 100, 56  # pixels of a picture in which something can be made out
MANY = 4  # boxes; of more only the highlighted are drawn, unless a list numbers them
_ALONE, _BESIDE = (56, 46, 38, 32, 27, 23), (27, 25, 23, 21)  # sizes of text, alone on a card and with others
_VALUES = (96, 84, 72, 60, 50, 42, 36, 30)


@dataclass(frozen=True)
class Block:
    """draw: puts it on an image, from a row of pixels on. title: what a page that begins with it is called.

    smaller: the same in so many pixels of height, for what can be made smaller; None where that is too small.
    """

    height: int
    draw: Callable[[Image.Image, int], None]
    title: str = ""
    smaller: Callable[[int], Block | None] | None = None


def blocks_of(part: Part, card: Card, picture: np.ndarray | None, now: float, width: int, room: int) -> Iterator[Block]:
    """The blocks of one part. width, room: pixels there are beside and above each other."""
    if isinstance(part, Text):
        alone = all(isinstance(other, Picture) or other is part for other in card.parts)
        yield from _text(part, width, room, _ALONE if alone else _BESIDE)
    elif isinstance(part, Reading):
        yield _reading(part, width, room)
    elif isinstance(part, Rows):
        title = f"{card.title} {part.heading}" if part.heading.startswith("per ") else part.heading
        yield from (replace(_row(part, card, row, width), title=title) for row in part.rows)
    elif isinstance(part, Timer):
        yield _timer(part, now, width)
    elif picture is not None:
        yield _picture(part, card, picture, width, room - 6)


def _ink(known: Known, usual: str = WHITE) -> str:
    return AMBER if known.is_guess else usual


def _marked(known: Known, text: str) -> str:
    return f"{shown(text)}{NBSP}{known.mark}" if known.mark else shown(text)


def _line(text: str, font: Font, ink: str, width: int, height: int) -> Block:
    def draw(image: Image.Image, y: int) -> None:
        ImageDraw.Draw(image).text((LEFT, y + height // 2), clipped(shown(text), font, width), ink, font, anchor="lm")

    return Block(height, draw)


def more(count: int, width: int) -> Block:
    """What was left out."""
    return _line(f"and {count} more", font_of(20), QUIET, width, 30)


def _text(part: Text, width: int, room: int, sizes: tuple[int, ...]) -> Iterator[Block]:
    text = _marked(part, part.text)
    whole = next((size for size in sizes if font_of(size, bold=True).getlength(text) <= width), None)
    font, lines = largest(text, (whole,) if whole else sizes[-2:] if sizes == _BESIDE else sizes, width, LINES, room)
    height = max(line_height(font), room // LINES if len(lines) > LINES else 0)
    yield from (_line(line, font, _ink(part), width, height) for line in lines)


def _reading(part: Reading, width: int, room: int) -> Block:
    value, unit = shown(part.value), shown(part.unit)
    value, unit = (value, _marked(part, unit)) if unit else (_marked(part, value), unit)
    small = font_of(30, bold=True)
    beside = width - (round(small.getlength(unit)) + 8 if unit else 0)
    font, lines = largest(value, _VALUES, beside, 1 if font_fits(value, beside) else 2, room - 60)
    caption = wrapped(shown(part.caption), font_of(23), width)[:2]
    high = line_height(font)

    def draw(image: Image.Image, y: int) -> None:
        pen = ImageDraw.Draw(image)
        for number, line in enumerate(lines):
            pen.text((LEFT, y + high * (number + 1) - high // 5), line, _ink(part), font, anchor="ls")
        end = LEFT + font.getlength(lines[-1]) + 8
        pen.text((end, y + high * len(lines) - high // 5), unit, _ink(part), small, anchor="ls")
        for number, line in enumerate(caption):
            pen.text((LEFT, y + high * len(lines) + 6 + 29 * number), line, QUIET, font_of(23))

    return Block(high * len(lines) + 12 + 29 * len(caption), draw)


def font_fits(value: str, width: int) -> bool:
    """Whether a value fits on one line at a size that stands out."""
    return font_of(_VALUES[4], bold=True).getlength(value) <= width


def _row(rows: Rows, card: Card, row: Row, width: int) -> Block:
    if rows.shape is Shape.BARS:
        return _bar(rows, row, width)
    if rows.shape is Shape.LIST:
        return _item(rows, number_of(rows, card, row), row, width)
    return _table_row(row, width)


def _highlight(pen: ImageDraw.ImageDraw, y: int, width: int, height: int) -> None:
    pen.rounded_rectangle((LEFT - 6, y + 1, LEFT + width + 5, y + height - 2), 7, fill=MINT)


def _table_row(row: Row, width: int) -> Block:
    height = 32

    def draw(image: Image.Image, y: int) -> None:
        pen = ImageDraw.Draw(image)
        if row.best:
            _highlight(pen, y, width, height)
        ink = BLACK if row.best else _ink(row)
        bold, plain = font_of(23, bold=True), font_of(22)
        value = clipped(_marked(row, row.value), bold, width * 2 // 3)
        wide = round(bold.getlength(value))
        pen.text((LEFT + width, y + height // 2), value, ink, bold, anchor="rm")
        name = clipped(shown(row.name), plain, width - wide - 10)
        pen.text((LEFT, y + height // 2), name, ink, plain, anchor="lm")

    return Block(height, draw)


def _item(rows: Rows, number: str, row: Row, width: int) -> Block:
    several = len(rows.rows) > 1
    inset = 60 if row.colour else 30 if several else 0
    name, value = _marked(row, row.name), shown(row.value)
    most = 2 if several else 4
    whole = next((size for size in (23, 21) if font_of(size, bold=True).getlength(name) <= width - inset), None)
    sizes = ((whole,) if whole else (23, 20, 18)) if several else (46, 36, 28, 23)
    font, lines = largest(name, sizes, width - inset, most, 160)
    if len(lines) > most:
        lines = [*lines[: most - 1], clipped(" ".join(lines[most - 1 :]), font, width - inset)]
    high = line_height(font)
    under = wrapped(value, font_of(18), width - inset)[: 1 if several else 2]
    height = max(high * len(lines) + 23 * len(under) + 5, 52 if row.colour else 0)

    def draw(image: Image.Image, y: int) -> None:
        pen = ImageDraw.Draw(image)
        if row.best:
            _highlight(pen, y, width, height)
        ink, quiet = (BLACK, BLACK) if row.best else (_ink(row), QUIET)
        if row.colour:
            pen.rounded_rectangle((LEFT, y + 3, LEFT + 48, y + height - 5), 8, fill=row.colour, outline=QUIET)
        elif several:
            pen.text((LEFT, y + high // 2 + 1), number, quiet, font_of(20, bold=True), anchor="lm")
        for at, line in enumerate(lines):
            pen.text((LEFT + inset, y + high * at + high // 2 + 1), line, ink, font, anchor="lm")
        for at, line in enumerate(under):
            pen.text((LEFT + inset, y + high * len(lines) + 23 * at), line, quiet, font_of(18))

    return Block(height, draw)


def _bar(rows: Rows, row: Row, width: int) -> Block:
    few = len(rows.rows) <= 3
    thick = 14 if few else 9
    sizes = (26, 23, 20, 18) if few else (20, 18)
    size = next((size for size in sizes if all(_fits(one, size, width) for one in rows.rows)), sizes[-1])
    height = size + thick + (14 if few else 10)
    amounts = [one.amount for one in rows.rows if one.amount is not None]
    low, high = min([0.0, *amounts]), max([0.0, *amounts])
    scale = width / (high - low) if high > low else 0.0

    def draw(image: Image.Image, y: int) -> None:
        pen = ImageDraw.Draw(image)
        ink = MINT if row.best else _ink(row)
        bold, plain = font_of(size, bold=True), font_of(size)
        value = clipped(_marked(row, row.value), bold, width * 2 // 3)
        middle = y + size // 2 + 4
        pen.text((LEFT + width, middle), value, ink, bold, anchor="rm")
        name = clipped(shown(row.name), plain, round(width - bold.getlength(value) - 10))
        pen.text((LEFT, middle), name, ink, plain, anchor="lm")
        top = y + size + 8
        pen.rounded_rectangle((LEFT, top, LEFT + width, top + thick), 3, fill=TRACK)
        if row.amount is not None:
            start, end = sorted((LEFT - low * scale, LEFT + (row.amount - low) * scale))
            pen.rounded_rectangle((start, top, max(end, start + 3), top + thick), 3, fill=MINT if row.best else SKY)

    return Block(height, draw)


def _fits(row: Row, size: int, width: int) -> bool:
    value = font_of(size, bold=True).getlength(_marked(row, row.value))
    return font_of(size).getlength(shown(row.name)) + value + 10 <= width


def _timer(timer: Timer, now: float, width: int) -> Block:
    left = timer.left_s(now)

    def draw(image: Image.Image, y: int) -> None:
        pen = ImageDraw.Draw(image)
        text = clock(left)
        font, _ = largest(text, _VALUES, width, 1, 130)
        pen.text((LEFT + width // 2, y + 56), text, WHITE if left else AMBER, font, anchor="mm")
        pen.rounded_rectangle((LEFT, y + 108, LEFT + width, y + 122), 6, fill=TRACK)
        share = left / timer.seconds if timer.seconds > 0 else 0.0
        pen.rounded_rectangle((LEFT, y + 108, LEFT + max(6, round(width * min(1.0, share))), y + 122), 6, fill=MINT)
        label = clipped(shown(timer.label), font_of(24), width)
        pen.text((LEFT + width // 2, y + 146), label, QUIET, font_of(24), anchor="mm")

    return Block(165, draw)


def _picture(part: Picture, card: Card, picture: np.ndarray, width: int, room: int) -> Block:
    crop = part.crop or (0.0, 0.0, 1.0, 1.0)
    image = cut(picture, crop)
    scale = min(width / image.width, room / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    listed = any(isinstance(other, Rows) and other.shape is Shape.LIST and len(other.rows) > 1 for other in card.parts)

    def draw(page: Image.Image, y: int) -> None:
        small = image.resize(size)
        pen = ImageDraw.Draw(small)
        for number, box in enumerate(card.boxes, 1):
            said = [known for known in card.known() if known.box == box]
            best = any(isinstance(known, Row) and known.best for known in said)
            if len(card.boxes) > MANY and not listed and not best:
                continue
            ink = MINT if best else AMBER if all(known.is_guess for known in said) else SKY
            left, top, right, bottom = (v * side for v, side in zip(within(box, crop), size * 2, strict=True))
            pen.rectangle((left - 2, top - 2, right + 2, bottom + 2), outline=BLACK)
            pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=ink, width=3 if best else 2)
            if listed and len(card.boxes) > 1:
                x, y_ = max(0.0, left - 19), min(max(0.0, top - 2), size[1] - 18.0)
                pen.rectangle((x, y_, x + 17, y_ + 17), fill=ink)
                pen.text((x + 9, y_ + 9), str(number), BLACK, font_of(15, bold=True), anchor="mm")
        page.paste(small, (LEFT + (width - small.width) // 2, y + 3))

    def smaller(height: int) -> Block | None:
        small = min(width / image.width, (height - 6) / image.height)
        fits = image.width * small >= NARROWEST and image.height * small >= LOWEST
        return _picture(part, card, picture, width, height - 6) if fits else None

    return Block(size[1] + 6, draw, smaller=smaller)


def cut(picture: np.ndarray, crop: Box) -> Image.Image:
    """The part of a picture, one pixel at least."""
    height, width = picture.shape[:2]
    left, right = (min(max(round(side * width), 0), width) for side in (crop[0], crop[2]))
    top, bottom = (min(max(round(side * height), 0), height) for side in (crop[1], crop[3]))
    left, top = min(left, width - 1), min(top, height - 1)
    return Image.fromarray(picture[top : max(bottom, top + 1), left : max(right, left + 1)])


def within(box: Box, crop: Box) -> Box:
    """A box of the picture in 0..1 of a part of it, cut off at its edges, its sides in order."""
    wide, high = max(crop[2] - crop[0], 1e-6), max(crop[3] - crop[1], 1e-6)
    across = sorted(min(max((side - crop[0]) / wide, 0.0), 1.0) for side in (box[0], box[2]))
    down = sorted(min(max((side - crop[1]) / high, 0.0), 1.0) for side in (box[1], box[3]))
    return across[0], down[0], across[1], down[1]
