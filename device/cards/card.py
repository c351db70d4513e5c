"""A card: what is better seen than heard, as data. It says what is to be shown, never how.

Displays, terminals and pages render it (device.cards.display, terminal, html); JSON carries it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from device.evidence import Basis, Box
from models.errors import GlintError

CLEAR = {Basis.VERBATIM: 0.7, Basis.MEASURED: 0.5}  # what was read or measured less surely is shown as a guess


@dataclass(frozen=True)
class Known:
    """basis: how what is shown is known, None for the assistant's own words. box: where in the picture it is."""

    basis: Basis | None = None
    confidence: float = 1.0
    box: Box | None = None

    @property
    def mark(self) -> str:
        """What is put behind the words of a guess."""
        return "?" if self.is_guess else ""

    @property
    def is_guess(self) -> bool:
        return self.basis is Basis.INFERRED or (self.basis is not None and self.confidence < CLEAR[self.basis])


@dataclass(frozen=True)
class Text(Known):
    """A sentence or two."""

    text: str = ""

    @property
    def mark(self) -> str:
        """A whole sentence says itself that it is a guess."""
        return "" if self.text.endswith((".", "!", "?")) else super().mark


@dataclass(frozen=True)
class Reading(Known):
    """One value that is the answer: "6.2", "g", "sugar per 100 g"."""

    value: str = ""
    unit: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Row(Known):
    """A thing and what is said of it: a line of a table or a list, or a bar.

    amount: the number in the value, for a bar; in the same unit in all rows. best: the one that is asked for. colour:
    "#rrggbb", shown as it is.
    """

    name: str = ""
    value: str = ""
    amount: float | None = None
    best: bool = False
    colour: str | None = None


class Shape(str, Enum):
    """What rows are to look like."""

    TABLE = "table"
    LIST = "list"  # numbered where there are several
    BARS = "bars"


@dataclass(frozen=True)
class Rows:
    """Things beside each other. heading: what they are about: "sugar per 100 g"."""

    rows: tuple[Row, ...]
    shape: Shape = Shape.TABLE
    heading: str = ""


@dataclass(frozen=True)
class Picture:
    """The picture that was looked at, with the boxes of all that the card says. crop: the part that matters."""

    crop: Box | None = None


@dataclass(frozen=True)
class Timer:
    """Counts down. ends_at: seconds on time.time's clock. seconds: from the beginning."""

    label: str
    ends_at: float
    seconds: float

    def left_s(self, now: float) -> float:
        """0 once it is over."""
        return max(0.0, self.ends_at - now)


Part = Text | Reading | Rows | Picture | Timer
PARTS: dict[str, type] = {"text": Text, "reading": Reading, "rows": Rows, "picture": Picture, "timer": Timer}


@dataclass(frozen=True)
class Card:
    """parts: the most important first. source: what it rests on: "read at the top left", "my guess".

    question and answer: what was asked and said, for those who were not there; a display in the view leaves them out.
    """

    title: str
    parts: tuple[Part, ...]
    source: str = ""
    question: str = ""
    answer: str = ""

    @property
    def is_rich(self) -> bool:
        """Whether it shows more than words that are heard anyway."""
        return any(not isinstance(part, Text) for part in self.parts)

    @property
    def text(self) -> str:
        """In words."""
        texts = [part.text for part in self.parts if isinstance(part, Text)]
        return self.answer if self.is_rich and self.answer else " ".join(texts)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Each place in the picture once, in the order in which it is spoken of."""
        return tuple(dict.fromkeys(known.box for known in self.known() if known.box is not None))

    def number(self, known: Known) -> int | None:
        """By which its box is known, from 1; None without a box."""
        return None if known.box is None else self.boxes.index(known.box) + 1

    def known(self) -> Iterator[Known]:
        """Everything that is stated."""
        for part in self.parts:
            if isinstance(part, Rows):
                yield from part.rows
            elif isinstance(part, Known):
                yield part

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; what is as usual is left out."""
        parts = [
            {"part": name, **_plain(part)} for part in self.parts for name, of in PARTS.items() if type(part) is of
        ]
        return {**_plain(self), "parts": parts}


def text_card(title: str, text: str) -> Card:
    """A card with a sentence of the assistant's own."""
    return Card(title, (Text(text=text),))


def card_from(record: Any) -> Card:
    """The card of a JSON object as as_dict gives it. Raises GlintError for what is none."""
    import msgspec  # here, as most who show cards read none

    try:
        parts: tuple[Part, ...] = tuple(
            msgspec.convert({name: value for name, value in part.items() if name != "part"}, PARTS[part["part"]])
            for part in record["parts"]
        )
        words = msgspec.convert({name: value for name, value in record.items() if name != "parts"}, dict[str, str])
        card = Card(parts=parts, **words)
        _check(card)
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise GlintError(f"That is no card ({error}).") from error
    return card


def _check(card: Card) -> None:
    """Raises ValueError for numbers that are none and colours that are none."""
    timers = [part for part in card.parts if isinstance(part, Timer)]
    rows = [known for known in card.known() if isinstance(known, Row)]
    numbers = [number for timer in timers for number in (timer.ends_at, timer.seconds)]
    numbers += [side for box in card.boxes for side in box]
    numbers += [side for part in card.parts if isinstance(part, Picture) for side in part.crop or ()]
    numbers += [row.amount for row in rows if row.amount is not None]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number is none")
    if any(row.colour is not None and not re.fullmatch("#[0-9a-fA-F]{6}", row.colour) for row in rows):
        raise ValueError("a colour is not written #rrggbb")


def number_of(rows: Rows, card: Card, row: Row) -> str:
    """What stands before an item of a list: the number of its box, or its own where nothing has a box.

    "" where there is only one.
    """
    if len(rows.rows) < 2 or len(card.boxes) == 1:
        return ""
    if not any(one.box for one in rows.rows):
        return str(rows.rows.index(row) + 1)
    return str(card.number(row) or "-")


def clock(seconds: float) -> str:
    """ "4:05", "1:00:00"; a part of a second counts as one, so that 0:00 is the end."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shown(text: str) -> str:
    """As it may be shown anywhere: one line, without what a terminal or a page might obey or would turn round."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join("".join(c for c in kept if unicodedata.category(c) not in ("Cf", "Co", "Cs", "Cn")).split())


def _plain(thing: Any) -> Any:
    """Dataclasses as dicts without what is as usual, enums as their values."""
    if isinstance(thing, Enum):
        return thing.value
    if isinstance(thing, tuple):
        return [_plain(one) for one in thing]
    if not hasattr(thing, "__dataclass_fields__"):
        return thing
    values = {field.name: (getattr(thing, field.name), field.default) for field in fields(thing)}
    return {name: _plain(value) for name, (value, default) in values.items() if value is not default}
