"""From a transcript to what is wanted: patterns first, then a classifier of phrasings, then the language model.

The one place that decides it; what an intent needs stands in device.routing.table. Knows no picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from device.experts.caution import REFUSALS
from device.experts.intent import plain
from device.routing.english import is_caught
from device.routing.marks import marks_of
from device.routing.slots import filled
from device.routing.table import NOT_CAUGHT, OTHER, Route, by_command, by_name, by_row
from device.skills.commands import Command, command_in
from models.phrase_classifier import PhraseClassifier

WEIGHTS = Path(__file__).parents[2] / "models/weights/routing/intents.npz"
# How much likelier an intent is whose pattern matches, beyond what the classifier makes of that itself: of 1, 3, 6, 10
# and 40, 3 did best on the templates that were left out of trainings.
PATTERN_WORTH = 3.0
PROMPTED = 0.9  # chance of an intent from which on its own wording is put in place of the question
LONGEST_COMMAND = 9  # words


@dataclass(frozen=True)
class Routed:
    """intent: a name in device.routing.table. chance: that it is meant. exact: whether a pattern said so.

    asks: the question in words that an expert's pattern takes; "" where it takes them as they are, or none does.
    prompt, named: what the language model is asked, at all and about a thing that has a name; "" for the question as it
    is.
    """

    intent: str
    chance: float
    exact: bool
    asks: str = ""
    prompt: str = ""
    named: str = ""

    @property
    def route(self) -> Route:
        return by_name()[self.intent]

    @property
    def sure(self) -> bool:
        return self.exact or self.chance >= self.route.sure


@lru_cache(1)
def _classifier() -> PhraseClassifier:
    return PhraseClassifier.load(WEIGHTS)


@lru_cache(8)
def route(text: str) -> Routed:
    """What a transcript means. A millisecond."""
    if (command := command_in(text)) is not None:
        return Routed(by_command()[command].name, 1.0, True)
    marks = marks_of(text)
    if refused := [mark for mark in marks if mark in REFUSALS]:
        return Routed(by_row()[refused[0]][0], 1.0, True)
    chances = _classifier().chances(text, marks)
    if not is_caught(text, bool(marks), max(chance for name, chance in chances.items() if name != OTHER)):
        return Routed(NOT_CAUGHT, 1.0, True)
    meant = {intent for mark in marks for intent in by_row().get(mark, ())}
    # An intent that has no phrasings to learn from is taken at its pattern's word.
    scores = {name: chance * (PATTERN_WORTH if name in meant else 1) for name, chance in chances.items()}
    scores |= dict.fromkeys(meant - chances.keys(), PATTERN_WORTH)
    best = max(scores, key=lambda name: scores[name])
    chance = scores[best] / sum(scores.values())
    if best in meant:
        return Routed(best, chance, True)
    way, asked = by_name()[best], plain(text)
    asks = (filled(way.asks, asked) if way.asks else None) or ""
    # "What is next to the door" is no wish for a description, however like one it sounds.
    general = chance >= PROMPTED and filled("{thing}", asked) is None
    named = way.named if chance >= way.sure else ""
    return Routed(best, chance, False, asks, way.prompt if general else "", named)


def meant_command(text: str) -> Command | None:
    """What the loop is told to do, in whatever words: command_in, and the classifier where it is sure."""
    if (command := command_in(text)) is not None:
        return command
    routed = route(text)
    if routed.route.command is None or not routed.sure or len(text.split()) > LONGEST_COMMAND:
        return None
    return routed.route.command


def intent_of(text: str) -> str:
    """The name of the intent alone, for evaluation: what nobody is sure of is the language model's."""
    return route(text).intent
