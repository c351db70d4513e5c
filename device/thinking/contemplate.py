"""Looks several times before it answers: the whole picture, parts of it, without hints, the question worded otherwise.

Each way of asking is a path, a row of one batch. Where all paths would say the same, that is the answer; else they
write one together, word by word the one likeliest to all (models.joint_decoding). It costs many times as much as one
path and gained nothing that is certain (docs/contemplating.md), so that the assistant does without: only
`glint bench thinking` contemplates, to show that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from device.evidence import Box
from models.errors import GlintError
from models.joint_decoding import PromptRows, end_ids, read_question
from models.vision_language import MAX_ANSWER_TOKENS, View, VisionLanguageModel

FIRST = 2  # paths that may settle it
SETTLED = 0.4  # chance from which on they do; docs/contemplating.md says what eight paths would have said then
_MORE = 512  # tokens for the question and a part's further hints; memory that is not written costs none


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
    """text: the answer, not yet past the gate. votes: how many of the paths would have said the same alone.

    chance: the geometric mean of how likely the answer is to each path, 0..1. spent: on reading and writing.
    """

    text: str
    votes: int
    chance: float
    looks: tuple[Look, ...]
    spent: Spent


def contemplate(
    model: VisionLanguageModel,
    view: View,
    question: str,
    counts: Sequence[int],
    settled: float | None = SETTLED,
    max_tokens: int = MAX_ANSWER_TOKENS,
) -> Iterator[Contemplated]:
    """Answers a question about a view by each of `counts` paths (ascending), the first of PATHS, read once for all.

    The first two settle it where they agree and both are as sure as `settled`: that answer is the last one yielded.
    None reads all in any case. The view stays as it was. Raises GlintError for an empty question.
    """
    question = " ".join(question.split())
    if not question:
        raise GlintError("The question is empty; ask something about the picture.")
    thought = _Thought(model, view, question, counts[-1], max_tokens)
    for number, path in enumerate(PATHS[: counts[-1]], 1):
        thought.read(path)
        check = number == FIRST < counts[-1] and settled is not None
        if check or number in counts:
            found = thought.conclude()
            over = check and found.votes == FIRST and min(look.chance for look in found.looks) >= (settled or 0)
            if over or number in counts:
                yield found
            if over:
                return
            if check:
                thought.spent = found.spent


class _Thought:
    """The paths that were read so far, and what that took."""

    def __init__(self, model: VisionLanguageModel, view: View, question: str, paths: int, max_tokens: int):
        self._model, self._view, self._question, self._max_tokens = model, view, question, max_tokens
        self._rows = PromptRows(model.decoder, paths, view.cache.length + _MORE + max_tokens)
        self._paths: list[ThinkingPath] = []
        self.spent = Spent()

    def read(self, path: ThinkingPath) -> None:
        """Reads a path's prompt into the next row."""
        start, cpu = time.perf_counter(), time.process_time()
        own = path.whole and path.hints
        cache = (self._view if own else self._model.look(part(self._view.picture, path.box), path.hints)).cache
        length = cache.length
        try:
            self._rows.add(cache, read_question(self._model, cache, path.wording.replace("{question}", self._question)))
        finally:
            cache.rewind(length)
        self._paths.append(path)
        self.spent += Spent(time.perf_counter() - start, time.process_time() - cpu)

    def conclude(self) -> Contemplated:
        """What each path says alone and, where they differ, what all say together."""
        rows, ends = self._rows, end_ids(self._model)
        start, cpu, steps = time.perf_counter(), time.process_time(), rows.steps
        own = rows.answer_apart(self._max_tokens, ends)
        texts = [self._text(answer.tokens) for answer in own]
        text, chance = texts[0], float(np.exp(np.mean([sum(answer.log_probabilities) for answer in own])))
        tokens = sum(len(answer.log_probabilities) for answer in own)
        if len(set(texts)) > 1:  # else they would write the same together: what is likeliest to each is so to all
            joint = rows.answer_jointly(self._max_tokens, ends)
            text, chance = self._text(joint.tokens), joint.chance
            tokens += len(rows) * len(joint.log_probabilities)
        looks = tuple(
            Look(path, said, answer.chance) for path, said, answer in zip(self._paths, texts, own, strict=True)
        )
        took = Spent(time.perf_counter() - start, time.process_time() - cpu, tokens, rows.steps - steps)
        return Contemplated(text, texts.count(text), chance, looks, self.spent + took)

    def _text(self, tokens: list[int]) -> str:
        return self._model.tokenizer.decode(tokens).strip()


def part(picture: np.ndarray, box: Box) -> np.ndarray:
    """The part of a picture [height, width, ...] in a box; at least a pixel."""
    height, width = picture.shape[:2]
    left, top = int(box[0] * width), int(box[1] * height)
    return picture[top : max(top + 1, round(box[3] * height)), left : max(left + 1, round(box[2] * width))]
