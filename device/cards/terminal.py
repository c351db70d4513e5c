"""A card in a terminal, as something that rich prints."""

from __future__ import annotations

import time

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text as Words

from device.cards.card import Card, Known, Part, Reading, Row, Rows, Shape, Text, Timer, clock, number_of, shown

BAR = 24  # columns of the longest bar
GUESS, BEST, QUIET = "yellow italic", "bold green", "dim"


def panel(card: Card, now: float | None = None) -> RenderableType:
    """Without the picture, which a terminal cannot show. now: on time.time's clock, for timers."""
    moment = time.time() if now is None else now
    parts = [_part(part, card, moment) for part in card.parts]
    title, source = Words(shown(card.title), style="bold"), Words(shown(card.source), style=QUIET)
    return Panel(
        Group(*(part for part in parts if part is not None)),
        title=title, title_align="left", subtitle=source if card.source else None, subtitle_align="right",
        box=box.ROUNDED, expand=False, padding=(0, 1),
    )  # fmt: skip


def _part(part: Part, card: Card, now: float) -> RenderableType | None:
    if isinstance(part, Text):
        return Words(_marked(part, part.text), style=_style(part))
    if isinstance(part, Reading):
        value = Words(" ".join(filter(None, (_marked(part, part.value), shown(part.unit)))), style=_style(part, "bold"))
        return value.append(f"  {shown(part.caption)}", "not bold not italic dim default") if part.caption else value
    if isinstance(part, Timer):
        return Words(f"{clock(part.left_s(now))}  {shown(part.label)}", style="bold")
    if isinstance(part, Rows):
        return _rows(part, card)
    return None


def _rows(rows: Rows, card: Card) -> Table:
    table = Table(title=Words(shown(rows.heading), style=QUIET) if rows.heading else None, title_justify="left")
    table.box, table.show_header, table.padding, table.pad_edge = None, False, (0, 1), False
    if rows.shape is Shape.LIST:
        for row in rows.rows:
            name = Words(_marked(row, row.name), style=_style(row))
            table.add_row(
                Words(number_of(rows, card, row), style=QUIET), _swatch(row), name, Words(shown(row.value), QUIET)
            )
        return table
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    longest = max((abs(row.amount) for row in rows.rows if row.amount is not None), default=0.0) or 1.0
    for row in rows.rows:
        length = round(BAR * abs(row.amount) / longest) if row.amount is not None else 0
        bar = Words("\u2588" * max(length, 1 if row.amount else 0), style="green" if row.best else "blue")
        cells = [Words(shown(row.name), style=_style(row)), Words(_marked(row, row.value), style=_style(row, "bold"))]
        table.add_row(*cells, bar if rows.shape is Shape.BARS else Words("\u25c0" if row.best else "", style=BEST))
    return table


def _swatch(row: Row) -> Words:
    return Words("\u2588\u2588", style=row.colour) if row.colour else Words("")


def _style(known: Known, usual: str = "") -> str:
    return BEST if isinstance(known, Row) and known.best else GUESS if known.is_guess else usual


def _marked(known: Known, text: str) -> str:
    return f"{shown(text)} {known.mark}".rstrip()
