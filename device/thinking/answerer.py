"""How a question becomes an answer: up the ladder, the experts before the language model, and all of it past the gate.

The one way from a question to what is said of it, for a photo in a file as for the live loop. Knows no sound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter

import numpy as np

from device.evidence import Answer, Claim
from device.experts.caution import ORDERED, REFUSALS, refusal, refusal_in_words
from device.experts.coach import find_blindness, find_fault
from device.experts.scene import Instruments, Scene
from device.experts.table import consult
from device.power import Thrift
from device.routing.english import is_english, question_back
from device.routing.router import Routed, route
from device.routing.table import EXPLAIN, NOT_CAUGHT, OTHER, SHOW_ME, by_name, by_row
from device.skills.timers import Timers
from device.speaking.clauses import clauses_as_written
from device.steps import Act, Step, steps_of
from device.thinking.care import with_care
from device.thinking.contemplate import contemplate
from device.thinking.explain import explained
from device.thinking.ladder import ALLOWED, EXPERTS, MODEL, SPENT, Deadline, Late, Leash, budget
from device.thinking.support import SURE, Sayable, names_a_sign, own_words, passed_clauses, uncapitalised
from device.thinking.turn_taking import TurnTaking
from device.turn import Turn
from models.refusal_probe import probe_of, values_of
from models.vision_language import Reply, View, VisionLanguageModel

ON_PURPOSE = "That is something I never do, whatever the picture shows. A mistake could hurt somebody."
NO_TIMERS = "I set timers only while I listen all the time: start me with glint run."
NOT_READ = "What a picture tells me to do I never do, and I could not read it in time."
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
NAMES = "names"  # label of hints: of things that the encoder learned by name
_SIGNS = 5  # of what the encoder sees, in a step
# What the model gives a lower chance is mostly wrong: of 88 such answers to training questions 6 were right, of
# the 112 others 53 (docs/contemplating.md). That was seen on answers of at most so many tokens.
UNSURE, SHORT = 0.2, 5
ALONE = 128  # tokens of an answer that no picture bears on
CONTEMPLATION_S = 4.0  # eight paths take one to two on two slow cores
_ENDS = ".!?\"')\u201d\u2019"  # of a sentence


@dataclass
class Answerer:
    """model: gives the one to ask. alone: for what else computes, so that it does not do so at the same time.

    thrift: how much power is to be spared.
    """

    model: Callable[[], VisionLanguageModel]
    instruments: Instruments
    alone: TurnTaking = field(default_factory=TurnTaking)
    thrift: Thrift = Thrift.NONE
    patience: float = 1.0  # so many times longer than usual may an answer take
    _leash: Leash = field(default_factory=Leash)
    _scene: tuple[View, Scene] | None = None
    _judged: tuple[tuple[str, ...], np.ndarray] | None = None

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
        answer = explained(question, before.evidence, before.steps)
        if answer is None and (routed := route(question)).intent in (EXPLAIN, SHOW_ME) and routed.sure:
            answer = explained(routed.asks, before.evidence, before.steps)
        if answer is None:
            return None
        turn.answered_by = "evidence"
        return _recorded(_gated(Answer(ON_PURPOSE) if before.answered_by in REFUSALS else answer, turn), turn)

    def refuse(self, question: str, turn: Turn) -> Iterator[Sayable] | None:
        """Clauses of a refusal that needs no picture; None for what may be asked."""
        asked = dict.fromkeys((question, with_care(question)[0]))
        refused = next(filter(None, (refusal_in_words(one, self._second_opinion) for one in asked)), None)
        if refused is None:
            return None
        turn.answered_by, answer = refused
        turn.steps = [Step(Act.REFUSED, turn.answered_by)]
        return _recorded(_gated(answer, turn), turn)

    def _second_opinion(self, words: Sequence[str]) -> np.ndarray | None:
        """What the layers of the language model make of a question, as logits of the kinds of refusal."""
        said = tuple(words)
        if not is_english(" ".join(said)) or (judge := probe_of(model := self.model())) is None:
            return None
        if self._judged is None or self._judged[0] != said:
            with self.alone:
                self._judged = said, judge.logits(values_of(model, said))
        return self._judged[1]

    def answer(
        self,
        question: str,
        view: View,
        scene: Scene,
        turn: Turn,
        deadline_s: float | None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[Sayable]:
        """Yields what may be said, clause by clause, and writes into the turn how it came about.

        deadline_s: seconds that the whole answer may usually take; None where nobody waits. should_stop: whether it is
        not wanted any more, for what takes long before its first clause. Climbs the rungs of device.thinking.ladder.
        """
        refused = self.refuse(question, turn)
        if refused is None and Timers().reply(question) is not None:
            turn.answered_by = "timer"
            return _recorded(iter([own_words(NO_TIMERS)]), turn)
        deadline = Deadline(deadline_s, self.patience)
        return refused or _recorded(self._climb(question, view, scene, turn, deadline, should_stop), turn)

    def answer_without_picture(self, question: str, turn: Turn) -> Iterator[Sayable]:
        """What a language model says of itself; refusals and the gate as ever. Raises GlintError where it needs one."""
        asked = self._asked(question, None, turn, Deadline(None, self.patience), ALONE)
        return self.refuse(question, turn) or _recorded(asked, turn)

    def _climb(
        self,
        question: str,
        view: View,
        scene: Scene,
        turn: Turn,
        deadline: Deadline,
        should_stop: Callable[[], bool],
    ) -> Iterator[Sayable]:
        question, careful = with_care(question)
        start = perf_counter()
        routed = route(question)
        turn.timings_ms["route"] = 1e3 * (perf_counter() - start)
        if routed.intent == NOT_CAUGHT:
            turn.answered_by = NOT_CAUGHT
            yield own_words(question_back(question))
            return
        if not turn.steps:
            turn.steps.append(Step(Act.LOOKED, "the whole picture", ms=view.encode_ms + view.prefill_ms))
        start, late = perf_counter(), False
        try:
            found = self._look_up(question, routed, scene, turn, deadline)
        except Late:
            found, late = None, True
        turn.timings_ms["experts"] = 1e3 * (perf_counter() - start)
        turn.timings_ms |= {"encode_picture": view.encode_ms, "prefill_picture": view.prefill_ms}
        if late and routed.intent in by_row()[ORDERED]:
            turn.answered_by = ORDERED
            yield own_words(NOT_READ)
            return
        if late:
            yield own_words(EXPERTS.late)
        if found is not None:
            turn.answered_by, answer = found
            turn.steps += _steps_to(*found)
            yield from _gated(answer, turn)
            return
        blindness = find_blindness(scene.pixels)
        if blindness is not None:
            turn.answered_by = "coach"
            turn.steps += steps_of([blindness.claim])
            yield from _gated(Answer(blindness.advice, (blindness.claim,)), turn)
            return
        allowance = ALLOWED[budget(self.thrift, deadline.usual_s)]
        if not allowance.model:
            turn.answered_by = "spent"
            yield own_words(SPENT)
            return
        prompt = (routed.named if _is_named(view) else "") or routed.prompt or question
        careful = careful and allowance.contemplation and self.model().side_by_side
        if careful and self._is_left_to_the_language_model(prompt, view):
            yield from self._contemplated(prompt, view, turn, deadline, should_stop)
        else:
            tokens = max(1, round(allowance.tokens * (routed.route if routed.sure else by_name()[OTHER]).tokens))
            yield from self._asked(prompt, view, turn, deadline, tokens)
        if allowance.advice:
            yield from _advice(scene, turn)

    def _look_up(
        self, question: str, routed: Routed, scene: Scene, turn: Turn, deadline: Deadline
    ) -> tuple[str, Answer] | None:
        """What an expert says, with the name of its row. Raises Late."""
        known = vars(scene).keys() & {"lines"}
        try:
            with self.alone:
                return self._leash.call(deadline.of(EXPERTS), _consulted, question, routed, scene)
        finally:
            if vars(scene).keys() & {"lines"} != known:
                turn.steps.append(Step(Act.LOOKED, "for text"))

    def _is_left_to_the_language_model(self, question: str, view: View) -> bool:
        """Whether no network that is right more often answers it: only the language model has several paths."""
        with self.alone:
            return self.model().answer(view, question, max_tokens=1).by == Reply().by

    def _contemplated(
        self, question: str, view: View, turn: Turn, deadline: Deadline, should_stop: Callable[[], bool]
    ) -> Iterator[Sayable]:
        """What several ways of looking and asking come to together."""
        turn.answered_by, turn.evidence = MODEL.name, _signs(view)
        left_s = deadline.left_s
        limit_s = CONTEMPLATION_S if left_s is None else min(left_s, CONTEMPLATION_S)
        with self.alone:
            found = contemplate(self.model(), view, question, deadline_s=limit_s, should_stop=should_stop)
        spent = found.spent
        if any(not look.path.whole for look in found.looks):
            turn.steps.append(Step(Act.LOOKED, "parts of it"))
        turn.steps += [
            Step(Act.ASKED, "the language model", ms=1e3 * spent.seconds, tokens=spent.tokens, chance=found.chance),
            Step(Act.AGREED, "the answer", votes=(found.votes, len(found.looks))),
        ]
        turn.timings_ms["contemplate"] = 1e3 * spent.seconds
        turn.costs |= {"answer_tokens": spent.tokens, "paths": len(found.looks)}
        reply = Reply(found.text, found.tokens, [math.log(max(found.chance, 1e-9))])
        clauses = _unless_sure(clauses_as_written([found.text]), reply, turn.evidence)
        yield from passed_clauses(clauses, turn.evidence)

    def _asked(
        self, question: str, view: View | None, turn: Turn, deadline: Deadline, tokens: int
    ) -> Iterator[Sayable]:
        """What the language model says, in at most so many tokens."""
        turn.answered_by, turn.evidence = MODEL.name, _signs(view) if view is not None else []
        signs = dict.fromkeys(claim.finding.lower() for claim in turn.evidence if claim.confidence >= SURE)
        if signs:
            turn.steps.append(Step(Act.FOUND, f"signs of {', '.join(islice(signs, _SIGNS))}"))
        reply, left_s = Reply(), deadline.left_s
        pieces = self.alone.pieces(self.model().ask(view, question, reply, max_tokens=tokens, deadline_s=left_s))
        try:
            clauses = whole_clauses(pieces, lambda: len(reply.tokens) >= tokens or deadline.left_s == 0)
            yield from passed_clauses(_unless_sure(clauses, reply, turn.evidence), turn.evidence)
        finally:
            count, chance = len(reply.tokens), round(reply.chance, 3)
            turn.steps.append(Step(Act.ASKED, reply.by, ms=reply.total_ms, tokens=count, chance=chance))
            turn.timings_ms |= {
                "prefill_question": reply.prefill_ms,
                "first_token": reply.first_token_ms,
                "answer": reply.total_ms,
            }
            turn.costs["answer_tokens"] = len(reply.tokens)


def _is_named(view: View) -> bool:
    """Whether the encoder sees something that it learned by name."""
    return any(label == NAMES for label, *_ in view.hints)


def _signs(view: View) -> list[Claim]:
    return [Claim(label, name, chance) for label, name, chance in view.hints]


def _unless_sure(clauses: Iterator[str], reply: Reply, claims: Sequence[Claim]) -> Iterator[str]:
    """The clauses of a reply; what the model hardly believes itself, and no sign bears out, is said to be a guess."""
    for number, clause in enumerate(clauses):
        short = number == 0 and len(reply.tokens) <= SHORT
        if short and reply.chance < UNSURE and not names_a_sign(clause, claims):
            yield f"I am not sure, perhaps {uncapitalised(clause)}"
        else:
            yield clause


def whole_clauses(pieces: Iterator[str], limited: Callable[[], bool]) -> Iterator[str]:
    """The clauses of a text as it is written; the last not, where a limit has broken it off.

    The first comes at once; each other when it is known whether the next is whole, so that a text that ends earlier
    than it was meant to still ends in a full stop.
    """
    cut = False

    def watched() -> Iterator[str]:
        nonlocal cut
        yield from pieces
        cut = limited()

    clauses = clauses_as_written(watched())
    yield from islice(clauses, 1)
    held = ""
    for clause in clauses:
        if cut and clause[-1] not in _ENDS:
            if held:
                yield f"{held.rstrip(',;:')}." if held[-1] not in _ENDS else held
            return
        if held:
            yield held
        held = clause
    if held:
        yield held


def _consulted(question: str, routed: Routed, scene: Scene) -> tuple[str, Answer] | None:
    """What an expert says to the question as it is, or to the plain one that a phrasing no pattern takes stands for.

    What is refused for what the picture says comes before all else.
    """
    found = refusal(question, scene) or consult(question, scene)
    if found is None and routed.asks and routed.sure and routed.route.picture:
        return consult(routed.asks, scene)
    return found


def _steps_to(row: str, answer: Answer) -> Iterator[Step]:
    """What an expert has done for its answer."""
    if row in REFUSALS and not answer.claims:
        yield Step(Act.REFUSED, row)
        return
    yield from steps_of(answer.claims)
    for compared in {by_name()[intent].compares for intent in by_row().get(row, ())} - {""}:
        yield Step(Act.COMPARED, compared)


def _advice(scene: Scene, turn: Turn) -> Iterator[Sayable]:
    """What to do about the picture, worked out when all else has been said: looking for faults takes its time."""
    if (fault := find_fault(scene.pixels)) is not None:
        turn.steps += steps_of([fault.claim])
        yield own_words(fault.advice)


def _gated(answer: Answer, turn: Turn) -> Iterator[Sayable]:
    turn.evidence = list(answer.claims)
    return passed_clauses(_SENTENCES.split(answer.text.strip()), answer.claims)


def _recorded(clauses: Iterator[Sayable], turn: Turn) -> Iterator[Sayable]:
    turn.answer = ""
    for clause in clauses:
        turn.answer = f"{turn.answer} {clause}".strip()
        yield clause
