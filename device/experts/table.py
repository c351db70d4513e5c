"""Which expert answers which question: the rows of all of them, in the order in which they are tried.

A new expert is a module with INTENTS and one line here. Imports an expert when a question is first looked up.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import lru_cache

from device.evidence import Answer
from device.experts.coach import coach
from device.experts.intent import Intent, Words
from device.experts.scene import Scene

# What is exact comes before what is guessed: a code has a checksum, a label has units, a name has only a chance.
EXPERTS = (
    "device.experts.codes",
    "device.experts.labels",
    "device.experts.caution",
    "device.experts.charts",
    "device.experts.text",
    "device.experts.colour",
    "device.experts.finder",
    "device.experts.coach",
)


@lru_cache(1)
def intents() -> tuple[Intent, ...]:
    """All rows."""
    return tuple(row for module in EXPERTS for row in importlib.import_module(module).INTENTS)


def matches(question: str) -> Iterator[tuple[Intent, Words]]:
    """The rows that a question matches."""
    for intent in intents():
        if (words := intent.match(question)) is not None:
            yield intent, words


def consult(question: str, scene: Scene) -> tuple[str, Answer] | None:
    """The first answer that the picture bears out, with the name of its row; None when the experts have none."""
    for intent, words in matches(question):
        if (answer := intent.answer(scene, words)) is not None:
            return intent.name, answer if answer.claims else _advised(answer, scene)
    return None


def _advised(answer: Answer, scene: Scene) -> Answer:
    """An expert found nothing: what to do about the picture, if it is the picture's fault."""
    advice = coach(scene)
    if advice is None or advice.text in answer.text:
        return answer
    return Answer(f"{answer.text} {advice.text}", advice.claims)
