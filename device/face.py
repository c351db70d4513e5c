"""What the glasses show: cards for the wearer, and a light that tells everybody around what is on.

Turns what the loop tells (device.live.Live's on_event and on_turn) into both: words while an answer forms, and its card
once the turn is over. Knows no display and no light: they are given.
"""

from __future__ import annotations

import numpy as np

from device.cards.card import Card, text_card
from device.cards.of_answer import card_of
from device.glasses import Display, Led, Light
from device.turn import Turn

LIGHTS = {  # state of the loop: light
    "asleep": Light.OFF,
    "listening": Light.GREEN,
    "thinking": Light.YELLOW,
    "speaking": Light.BLUE,
}
LONGEST = 90  # characters of a card with words alone: what can be read at a glance


class Face:
    """At most a card for the question, one for the answer and one for a note, the newest of each."""

    def __init__(self, display: Display, led: Led) -> None:
        self._display, self._led = display, led
        self._cards: dict[str, Card] = {}
        self._picture: np.ndarray | None = None  # of the answer's card

    def event(self, kind: str, text: str) -> None:
        """As on_event."""
        if kind == "state":
            self._led.light(LIGHTS[text])
            if text == "asleep":
                self._picture = None
                self._put(answer=None, question=None)
            elif text == "listening":
                self._put(note=None)
        elif kind in ("partial", "transcript"):
            self._put(question=text_card("You", _glance(text)), answer=None)
        elif kind == "saying":
            self._put(answer=text_card("Glint", _glance(text)))
        elif kind == "command":
            self._put(note=text_card("Done", text.replace("_", " ")))
        elif kind == "note":
            self._put(note=text_card("Note", _glance(text)))

    def turn(self, turn: Turn) -> None:
        """As on_turn."""
        card = turn.card or card_of(turn)
        self._picture = turn.frame.pixels if turn.frame is not None and card.boxes else None
        self._put(answer=card if card.is_rich else text_card(card.title, _glance(card.text)))

    def _put(self, **cards: Card | None) -> None:
        for place, card in cards.items():
            if card is None:
                self._cards.pop(place, None)
            else:
                self._cards[place] = card
        shown = [self._cards[place] for place in ("note", "question", "answer") if place in self._cards]
        self._display.show(shown, self._picture)


def _glance(text: str) -> str:
    return text if len(text) <= LONGEST else "\u2026" + text[-LONGEST + 1 :]
