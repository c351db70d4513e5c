"""A card as pixels for a small square display in the wearer's view: a few large lines, and pages for what is more.

Black is transparent there. What is a guess is amber and has a question mark; what is asked for is highlighted.
"""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from device.cards.blocks import Block, blocks_of, more
from device.cards.card import Card, shown
from device.cards.ink import BLACK, MINT, QUIET, clipped, font_of, largest

SIDE = 256  # pixels
MARGIN = 10
TOP, BOTTOM = 36, 232  # of what lies between the title and the source
WIDTH, ROOM = SIDE - 2 * MARGIN, BOTTOM - TOP
MOST_PAGES = 8


def pages(card: Card, picture: np.ndarray | None = None, now: float | None = None) -> list[np.ndarray]:
    """Every page: uint8 RGB [SIDE, SIDE, 3].

    picture: uint8 RGB [height, width, 3], what was looked at, for cards that show it. now: on time.time's clock, for
    timers.
    """
    packed = _packed(card, picture, now)
    return [_page(card, packed, number) for number in range(len(packed))]


def screen(cards: Sequence[Card], picture: np.ndarray | None = None) -> np.ndarray:
    """What is in view while several cards are up: the first page of the last one, the others as a line above it."""
    if not cards:
        return np.zeros((SIDE, SIDE, 3), np.uint8)
    page = _page(cards[-1], _packed(cards[-1], picture, None), 0)
    notes = [card for card in cards[:-1] if not cards[-1].is_rich or card.title == "Note"]
    if not notes:
        return page
    image = Image.fromarray(page)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIDE, TOP - 4), fill=BLACK)
    font = font_of(20)
    pen.text((MARGIN, 6), clipped(shown(f"{notes[-1].title}: {notes[-1].text}"), font, WIDTH), QUIET, font)
    return np.asarray(image)


def as_png(pixels: np.ndarray) -> str:
    """As an address for an <img>: "data:image/png;base64,..."."""
    coded = io.BytesIO()
    Image.fromarray(pixels).save(coded, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(coded.getvalue()).decode()}"


def _packed(card: Card, picture: np.ndarray | None, now: float | None) -> list[list[Block]]:
    """The card on pages, in order; what does not fit on MOST_PAGES is counted on the last."""
    moment = time.time() if now is None else now
    packed: list[list[Block]] = [[]]
    for part in card.parts:
        blocks = list(blocks_of(part, card, picture, moment, WIDTH, ROOM))
        left = _left(packed[-1])
        if len(blocks) == 1 and blocks[0].height > left and (smaller := blocks[0].smaller):
            blocks = [smaller(left) or blocks[0]]
        if packed[-1] and sum(block.height for block in blocks) > left:  # what belongs together begins a page
            packed.append([])
        for block in blocks:
            if packed[-1] and block.height > _left(packed[-1]):
                packed.append([])
            packed[-1].append(block)
    left_out = sum(len(page) for page in packed[MOST_PAGES:])
    if left_out:
        packed = packed[:MOST_PAGES]
        packed[-1][-1:] = [more(left_out + 1, WIDTH)]
    return packed


def _left(blocks: Sequence[Block]) -> int:
    return ROOM - sum(block.height for block in blocks)


def _page(card: Card, packed: Sequence[Sequence[Block]], number: int) -> np.ndarray:
    blocks, count = packed[number], len(packed)
    image = Image.new("RGB", (SIDE, SIDE), BLACK)
    pen = ImageDraw.Draw(image)
    title = blocks[0].title if blocks else ""
    font, _ = largest(shown(title or card.title), (19, 17, 15), WIDTH, 1, TOP)
    pen.text((MARGIN, 20), clipped(shown(title or card.title), font, WIDTH), MINT, font, anchor="lm")
    used = sum(block.height for block in blocks)
    y = TOP + (max(0, (ROOM - used) // 2) if count == 1 or len(blocks) == 1 else 0)
    for block in blocks:
        block.draw(image, y)
        y += block.height
    small = font_of(15)
    place = f"{number + 1}/{count}" if count > 1 else ""
    wide = pen.textlength(place, font=small)
    pen.text((SIDE - MARGIN - wide, 234), place, QUIET, small)
    pen.text((MARGIN, 234), clipped(shown(card.source), small, int(WIDTH - wide - 8)), QUIET, small)
    return np.asarray(image)
