"""From a turn that is over to its card. A new kind of answer is one row in KINDS; others are shown as they are said.

Made from what is known already, without a network, so that it takes a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from device.cards.card import Card, Part, Picture, Text
from device.cards.found import Found, crop_of, gated, source
from device.cards.of_charts import bars
from device.cards.of_labels import compared, dated, ingredients, nutrition, priced, sized, words_on_label
from device.cards.of_text import largest, lines, places, why
from device.cards.of_things import code, colours, counted, things
from device.evidence import Basis
from device.experts.scene import Scene
from device.thinking.support import passed
from device.turn import Turn

MODEL = "model"  # what answered_by says of the language model


@dataclass(frozen=True)
class Kind:
    """title: of the card. rows: the names of the rows of device.experts.table whose answers look so.

    parts: what the card shows; none where the claims do not bear it out.
    """

    title: str
    rows: tuple[str, ...]
    parts: Callable[[Found], Sequence[Part]]


KINDS = (
    Kind("Comparison", ("compare nutrition", "cheaper"), compared),
    Kind("Nutrition facts", ("nutrient", "nutrition facts"), nutrition),
    Kind("Ingredients", ("ingredients",), ingredients),
    Kind("On the label", ("allergens", "contains", "diet"), words_on_label),
    Kind("Price", ("price",), priced),
    Kind("Size", ("size",), sized),
    Kind("Date", ("date",), dated),
    Kind("Text", ("read", "says", "read rest", "count lines"), lines),
    Kind("Text", ("read line", "read word", "spell", "name", "number or address"), largest),
    Kind("Where it says so", ("find word", "says whether"), places),
    Kind("Code", ("wifi password", "codes whole", "is there a code", "scan", "what code"), code),
    Kind("Colour", ("what colour", "what colour is the thing", "is it a colour", "is the thing a colour"), colours),
    Kind("Colours", ("same colour", "same colour as before"), colours),
    Kind("In view", ("where is it", "is there one", "what things"), things),
    Kind("Count", ("how many",), counted),
    Kind("Chart", ("chart highest value", "chart highest", "chart value", "chart trend", "chart description"), bars),
    Kind("Why", ("evidence",), why),
)


@lru_cache(1)
def by_row() -> dict[str, Kind]:
    return {name: kind for kind in KINDS for name in kind.rows}


def card_of(turn: Turn, scene: Scene | None = None) -> Card:
    """The card of a turn. scene: what was found out about the picture, for what the answer did not say of it."""
    found = Found(turn, list(turn.evidence), scene)
    kind = by_row().get(turn.answered_by)
    parts = gated(kind.parts(found), found.claims) if kind is not None and turn.evidence else ()
    said = passed(turn.answer, turn.evidence)
    if kind is None or not parts:
        guess = Basis.INFERRED if turn.answered_by == MODEL else None
        return Card("Glint", (Text(guess, text=said),), "my guess" if guess else "", turn.transcript, said)
    if crop := crop_of(parts):
        parts = tuple(Picture(crop) if isinstance(part, Picture) else part for part in parts)
    return Card(kind.title, parts, source(found.claims), turn.transcript, said)
