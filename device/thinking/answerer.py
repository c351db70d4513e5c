"""How a question becomes an answer: the experts first, the language model for the rest, and all of it past the gate.

The one way from a question to what is said of it, for a photo in a file as for the live loop. Knows no sound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from time import perf_counter

from device.evidence import Answer, Claim
from device.experts.caution import REFUSALS, refusal, refusal_in_words
from device.experts.coach import find_blindness, find_fault
from device.experts.scene import Instruments, Scene
from device.experts.table import consult
from device.routing.english import question_back
from device.routing.router import Routed, route
from device.routing.table import EXPLAIN, NOT_CAUGHT, SHOW_ME
from device.speaking.clauses import clauses_as_written
from device.thinking.explain import explained
from device.thinking.support import Sayable, own_words, passed_clauses
from device.thinking.turn_taking import TurnTaking
from device.turn import Turn
from models.vision_language import Reply, View, VisionLanguageModel

ON_PURPOSE = "That is something I never do, whatever the picture shows. A mistake could hurt somebody."
_SENTENCES = re.compile(r"(?<=[.!?])\s+")


@dataclass
class Answerer:
    """model: gives the one to ask. alone: for what else computes, so that it does not do so at the same time."""

    model: Callable[[], VisionLanguageModel]
    instruments: Instruments
    alone: TurnTaking = field(default_factory=TurnTaking)
    _scene: tuple[View, Scene] | None = None

    def scene(self, view: View, before: Scene | None = None) -> Scene:
        """The scene of a view: the same for the same view, so that what was found out about it stays known."""
        if self._scene is None or self._scene[0] is not view:
            if before is not None:
                before.before = None  # one picture back is far enough
            self._scene = view, Scene(view.picture, self.instruments, before, seen=view.seen)
        return self._scene[1]

    def explain(self, question: str, before: Turn | None, turn: Turn) -> Iterator[Sayable] | None:
        """Clauses about the answer before, for "why?" and "show me"; None for any other question."""
        if before is None:
            return None
        answer = explained(question, before.evidence)
        if answer is None and (routed := route(question)).intent in (EXPLAIN, SHOW_ME) and routed.sure:
            answer = explained(routed.asks, before.evidence)
        if answer is None:
            return None
        turn.answered_by = "evidence"
        return self._said(Answer(ON_PURPOSE) if before.answered_by in REFUSALS else answer, turn)

    def refuse(self, question: str, turn: Turn) -> Iterator[Sayable] | None:
        """Clauses of a refusal that needs no picture; None for what may be asked."""
        refused = refusal_in_words(question)
        if refused is None:
            return None
        turn.answered_by, answer = refused
        return self._said(answer, turn)

    def answer(
        self, question: str, view: View, scene: Scene, turn: Turn, deadline_s: float | None
    ) -> Iterator[Sayable]:
        """Yields what may be said, clause by clause, and writes into the turn how it came about."""
        refused = self.alone.call(refusal, question, scene)
        if refused is not None:
            turn.answered_by, answer = refused
            yield from self._said(answer, turn)
            return
        start = perf_counter()
        routed = route(question)
        turn.timings_ms["route"] = 1e3 * (perf_counter() - start)
        if routed.intent == NOT_CAUGHT:
            turn.answered_by = NOT_CAUGHT
            yield from _recorded(iter([own_words(question_back(question))]), turn)
            return
        start = perf_counter()
        found = self.alone.call(_consulted, question, routed, scene)
        turn.timings_ms["experts"] = 1e3 * (perf_counter() - start)
        turn.timings_ms |= {"encode_picture": view.encode_ms, "prefill_picture": view.prefill_ms}
        if found is not None:
            turn.answered_by, answer = found
            yield from self._said(answer, turn)
            return
        blindness = find_blindness(scene.pixels)
        if blindness is not None:
            turn.answered_by = "coach"
            yield from self._said(Answer(blindness.advice, (blindness.claim,)), turn)
            return
        turn.answered_by = "model"
        turn.evidence = [Claim(label, name, chance) for label, name, chance in view.hints]
        reply = Reply()
        pieces = self.alone.pieces(self.model().ask(view, routed.prompt or question, reply, deadline_s=deadline_s))
        try:
            clauses = chain(passed_clauses(clauses_as_written(pieces), turn.evidence), _advice(scene))
            yield from _recorded(clauses, turn)
        finally:
            turn.timings_ms |= {
                "prefill_question": reply.prefill_ms,
                "first_token": reply.first_token_ms,
                "answer": reply.total_ms,
            }
            turn.costs["answer_tokens"] = len(reply.tokens)

    def _said(self, answer: Answer, turn: Turn) -> Iterator[Sayable]:
        turn.evidence = list(answer.claims)
        return _recorded(passed_clauses(_SENTENCES.split(answer.text.strip()), answer.claims), turn)


def _consulted(question: str, routed: Routed, scene: Scene) -> tuple[str, Answer] | None:
    """What an expert says to the question as it is, or to the plain one that a phrasing no pattern takes stands for."""
    found = consult(question, scene)
    if found is None and routed.asks and routed.sure and routed.route.picture:
        return consult(routed.asks, scene)
    return found


def _advice(scene: Scene) -> Iterator[Sayable]:
    """What to do about the picture, worked out when all else has been said: looking for faults takes its time."""
    if (fault := find_fault(scene.pixels)) is not None:
        yield own_words(fault.advice)


def _recorded(clauses: Iterator[Sayable], turn: Turn) -> Iterator[Sayable]:
    turn.answer = ""
    for clause in clauses:
        turn.answer = f"{turn.answer} {clause}".strip()
        yield clause
