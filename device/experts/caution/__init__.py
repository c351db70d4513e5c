"""What is refused, whatever the phrasing and whatever stands in the picture, with what can be done instead.

Who somebody is, diagnosis, dosing, weapons and other harm, self-harm, stalking, private traits and other people's
secrets; doing what a picture tells one to do; and whether something is safe. docs/refusals.md says how it is told.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.evidence import Answer
from device.experts.caution.judging import SecondOpinion, refused_kind
from device.experts.caution.orders import ORDER, refuse_order
from device.experts.caution.replies import REPLIES
from device.experts.caution.safety import SAFETY
from device.experts.intent import Intent, Words
from device.experts.scene import Scene

ROWS = {
    "self_harm": "self-harm",
    "harm": "weapons and harm",
    "dosing": "dosing",
    "diagnosis": "diagnosis",
    "stalking": "stalking",
    "secrets": "secrets",
    "traits": "private traits",
    "identity": "who is it",
}
"""kind of refusal (models.refusals) -> name of its row."""
ORDERED = "order in the picture"


@dataclass(frozen=True)
class Refusal(Intent):
    """A row whose questions are told by `refused_kind`; its pattern is the kind."""

    def match(self, question: str) -> Words | None:
        return {"question": question} if refused_kind(question) == self.pattern else None


def _refuse(scene: Scene, words: Words) -> Answer:
    return Answer(REPLIES[refused_kind(words["question"])])


_REFUSING = (*(Refusal(row, kind, _refuse) for kind, row in ROWS.items()), Intent(ORDERED, ORDER, refuse_order))
INTENTS = (*_REFUSING, SAFETY)
REFUSALS = frozenset(intent.name for intent in _REFUSING)
"""The names of the rows that refuse."""


def refusal_in_words(question: str, second_opinion: SecondOpinion = lambda words: None) -> tuple[str, Answer] | None:
    """The same without a picture, for what is refused whatever it shows."""
    kind = refused_kind(question, second_opinion)
    return (ROWS[kind], Answer(REPLIES[kind])) if kind in ROWS else None


def refusal(question: str, scene: Scene) -> tuple[str, Answer] | None:
    """The name of a row that refuses, and what is said; None for what may be answered. Asked first of all."""
    for intent in _REFUSING:
        words = intent.match(question)
        if words is not None and (answer := intent.answer(scene, words)) is not None:
            return intent.name, answer
    return None
