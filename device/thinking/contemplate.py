"""Looks several times before it answers: the whole picture, parts of it, without hints, the question worded otherwise.

Each way of asking is a path, a row of one batch. Where all paths would say the same, that is the answer; else they
write one together, word by word the one likeliest to all (models.joint_decoding). docs/contemplating.md has what that
gains and costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from device.evidence import Box
from models.errors import GlintError
from models.joint_decoding import PromptRows, end_ids, read_question
from models.vision_language import MAX_ANSWER_TOKENS, View, VisionLanguageModel

PATHS_ON_DEVICE = 8
FIRST = 2  # paths that may settle it
SETTLED = 0.4  # chance from which on they do; docs/contemplating.md says what eight paths would have said then
_MORE_HINTS = 128  # tokens by which a part's prompt may be longer than the first; memory that is not written costs none
_READING = 0.7  # share of the time that reading may take; writing needs the rest


Late = Callable[[float, float], bool]
"""Whether in so many seconds that share of the time will be over: (share, seconds) -> bool."""


@dataclass(frozen=True)
class ThinkingPath:
    """box: the part of the picture that is looked at. hints: whether the encoder's hints are told."""

    about: str
    box: Box = (0.0, 0.0, 1.0, 1.0)
    wording: str = "{question}"
    hints: bool = True

    @property
    def whole(self) -> bool:
        return self.box == (0.0, 0.0, 1.0, 1.0)


_BRIEF = "{question} Answer briefly."
# Fewer paths are the first of these.
PATHS = (
    ThinkingPath("the whole"),
    ThinkingPath("without the edges", (0.06, 0.06, 0.94, 0.94)),
    ThinkingPath("the whole, without hints", hints=False),
    ThinkingPath("lower right cut off", (0.0, 0.0, 0.88, 0.88)),
    ThinkingPath("upper left cut off", (0.12, 0.12, 1.0, 1.0)),
    ThinkingPath("lower left cut off", (0.12, 0.0, 1.0, 0.88)),
    ThinkingPath("upper right cut off", (0.0, 0.12, 0.88, 1.0)),
    ThinkingPath("the middle", (0.125, 0.125, 0.875, 0.875)),
    ThinkingPath("the whole, asked to be brief", wording=_BRIEF),
    ThinkingPath("the middle, without hints", (0.125, 0.125, 0.875, 0.875), hints=False),
    ThinkingPath("the whole, asked to be brief, without hints", wording=_BRIEF, hints=False),
    ThinkingPath("the left", (0.0, 0.0, 0.7, 1.0)),
    ThinkingPath("the right", (0.3, 0.0, 1.0, 1.0)),
    ThinkingPath("the top", (0.0, 0.0, 1.0, 0.7)),
    ThinkingPath("the bottom", (0.0, 0.3, 1.0, 1.0)),
    ThinkingPath("the upper left", (0.0, 0.0, 0.6, 0.6)),
)


@dataclass(frozen=True)
class Look:
    """What one path would have answered alone, and how likely that answer was to it, 0..1."""

    path: ThinkingPath
    answer: str
    chance: float


@dataclass(frozen=True)
class Spent:
    """Seconds, also of processor time of all threads; tokens written by all rows; steps of the decoder for all rows."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    tokens: int = 0
    steps: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Contemplated:
    """text: the answer, not yet past the gate. tokens: of it. votes: how many paths would have said the same alone.

    chance: the geometric mean of how likely the answer is to each path, 0..1. spent: on reading and writing.
    """

    text: str
    tokens: list[int]
    votes: int
    chance: float
    looks: tuple[Look, ...]
    spent: Spent


def contemplate(
    model: VisionLanguageModel,
    view: View,
    question: str,
    paths: int = PATHS_ON_DEVICE,
    deadline_s: float | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    settled: float | None = SETTLED,
    max_tokens: int = MAX_ANSWER_TOKENS,
) -> Contemplated:
    """Answers a question about a view by the first `paths` of PATHS; the view stays as it was.

    The first two settle it where they agree and both are as sure as `settled`; None asks all in any case. When time is
    short, or once `should_stop` says so, it makes do with the paths that it has read. A path that fails is left out.
    Raises GlintError for an empty question, and what the last path raised where all failed.
    """
    start = time.monotonic()

    def late(share: float, more_s: float) -> bool:
        return should_stop() or (deadline_s is not None and time.monotonic() + more_s - start >= share * deadline_s)

    *_, last = conclusions(model, view, question, (paths,), late, settled, max_tokens)
    return last


def conclusions(
    model: VisionLanguageModel,
    view: View,
    question: str,
    counts: Sequence[int],
    late: Late = lambda share, more_s: False,
    settled: float | None = SETTLED,
    max_tokens: int = MAX_ANSWER_TOKENS,
) -> Iterator[Contemplated]:
    """What `contemplate` says with each of `counts` paths (ascending), each path read once for all of them.

    Ends early with the one that settled it.
    """
    question = " ".join(question.split())
    if not question:
        raise GlintError("The question is empty; ask something about the picture.")
    most = counts[-1]
    thought = _Thought(model, view, question, most, max_tokens)
    failure: Exception | None = None
    slowest = 0.0
    for tried, path in enumerate(PATHS[:most], 1):
        if thought.read and late(_READING, slowest):
            break
        try:
            slowest = max(slowest, thought.add(path))
        except Exception as error:  # whatever ails one path, another may answer
            failure = error
        check = tried == FIRST == len(thought.read) and settled is not None
        if thought.read and tried < most and (check or tried in counts):
            found = thought.conclude(late)
            over = check and found.votes == FIRST and min(look.chance for look in found.looks) >= (settled or 0)
            if over or tried in counts:
                yield found
            if over:
                return
            if check:
                thought.spent = found.spent
    if failure is not None and not thought.read:
        raise failure
    yield thought.conclude(late)


class _Thought:
    """The paths that were read so far, and what that took."""

    def __init__(self, model: VisionLanguageModel, view: View, question: str, paths: int, max_tokens: int):
        self._model, self._view, self._question = model, view, question
        self._room, self._max_tokens = paths, max_tokens
        self._rows: PromptRows | None = None
        self.read: list[ThinkingPath] = []
        self.spent = Spent()

    def add(self, path: ThinkingPath) -> float:
        """Reads a path's prompt into the next row; seconds."""
        start, cpu = time.perf_counter(), time.process_time()
        own = path.whole and path.hints
        cache = (self._view if own else self._model.look(part(self._view.picture, path.box), path.hints)).cache
        length = cache.length
        try:
            logits = read_question(self._model, cache, path.wording.replace("{question}", self._question))
            if self._rows is None:
                capacity = cache.length + _MORE_HINTS + self._max_tokens
                self._rows = PromptRows(self._model.decoder, self._room, capacity)
            self._rows.add(cache, logits)
        finally:
            cache.rewind(length)
        self.read.append(path)
        spent = Spent(time.perf_counter() - start, time.process_time() - cpu)
        self.spent += spent
        return spent.seconds

    def conclude(self, late: Late) -> Contemplated:
        """What each path says alone and, where they differ, what all say together."""
        rows, ends = self._rows, end_ids(self._model)
        assert rows is not None
        start, cpu, steps = time.perf_counter(), time.process_time(), rows.steps

        def over() -> bool:
            return late(1.0, 0.0)

        own = rows.answer_apart(self._max_tokens, ends, over)
        texts = [self._text(answer.tokens) for answer in own]
        answer, chance = own[0].tokens, float(np.exp(np.mean([sum(row.log_probabilities) for row in own])))
        tokens = sum(len(row.log_probabilities) for row in own)
        if len(set(texts)) > 1:  # else they would write the same together: what is likeliest to each is so to all
            if over():
                answer = own[texts.index(max(texts, key=texts.count))].tokens
            else:
                joint = rows.answer_jointly(self._max_tokens, ends, over)
                answer, chance = joint.tokens, joint.chance
                tokens += len(rows) * len(joint.log_probabilities)
        text = self._text(answer)
        looks = tuple(Look(path, said, row.chance) for path, said, row in zip(self.read, texts, own, strict=True))
        took = Spent(time.perf_counter() - start, time.process_time() - cpu, tokens, rows.steps - steps)
        return Contemplated(text, answer, texts.count(text), chance, looks, self.spent + took)

    def _text(self, tokens: list[int]) -> str:
        return self._model.tokenizer.decode(tokens).strip()


def part(picture: np.ndarray, box: Box) -> np.ndarray:
    """The part of a picture [height, width, ...] in a box; at least a pixel."""
    height, width = picture.shape[:2]
    left, top = int(box[0] * width), int(box[1] * height)
    return picture[top : max(top + 1, round(box[3] * height)), left : max(left + 1, round(box[2] * width))]
