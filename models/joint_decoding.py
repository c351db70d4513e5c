"""Several prompts answered as one batch: each row writes its own answer, or all write the one likeliest to all.

A decoding step of a small model waits for its weights, so that a second row costs little (docs/contemplating.md has
what it costs). Together, the rows' log probabilities are averaged at every step (a product of experts, Hinton 2002) and
all go on with the token chosen so.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from models.decoder import Decoder, KVCache

if TYPE_CHECKING:
    from models.vision_language import VisionLanguageModel


@dataclass
class RowAnswer:
    """tokens: of an answer, without the end marker. log_probabilities: of each, and of the end where it ended."""

    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)

    @property
    def chance(self) -> float:
        """The probability of the whole answer, 0..1."""
        return float(np.exp(sum(self.log_probabilities)))


class PromptRows:
    """Prompts side by side in one memory, float32 [layers, 2, rows, key/value heads, capacity, head size].

    room: rows that fit. capacity: tokens of a row, prompt and answer together.
    """

    def __init__(self, decoder: Decoder, room: int, capacity: int):
        size = decoder.layout
        self._decoder, self._room, self._capacity = decoder, room, min(capacity, size.max_tokens)
        shape = (size.layers, 2, room, size.kv_heads, self._capacity, size.head_size)
        # Fresh pages of the system: they go back to it with this object, and what is never written takes none.
        self._memory = np.frombuffer(mmap.mmap(-1, 4 * int(np.prod(shape))), np.float32).reshape(shape)
        self._prompts: list[int] = []
        self._logits: list[np.ndarray] = []
        self.steps = 0

    def __len__(self) -> int:
        return len(self._prompts)

    def add(self, cache: KVCache, logits: np.ndarray) -> None:
        """Copies a prompt that was read, and the logits [vocabulary] after it. ValueError where it does not fit."""
        row, length = len(self), cache.length
        if row == self._room or length >= self._capacity:
            raise ValueError(f"{self._room} rows of {self._capacity} tokens have no room for {length} more.")
        self._memory[:, :, row, :, :length] = cache.memory[:, :, 0, :, :length]
        self._prompts.append(length)
        self._logits.append(logits.copy())

    def answer_apart(
        self, max_tokens: int, stop_ids: Collection[int] = (), should_stop: Callable[[], bool] = lambda: False
    ) -> list[RowAnswer]:
        """What each row would answer alone, greedily; what there is of it once `should_stop` says so."""
        answers = [RowAnswer() for _ in self._prompts]
        writing = set(range(len(answers)))

        def choose(scores: np.ndarray) -> np.ndarray | None:
            tokens = scores.argmax(1)
            for row in list(writing):
                answers[row].log_probabilities.append(float(scores[row, tokens[row]]))
                if tokens[row] in stop_ids:
                    writing.remove(row)
                else:
                    answers[row].tokens.append(int(tokens[row]))
            return tokens if writing and not should_stop() else None

        self._decode(max_tokens, choose)
        return answers

    def answer_jointly(
        self, max_tokens: int, stop_ids: Collection[int] = (), should_stop: Callable[[], bool] = lambda: False
    ) -> RowAnswer:
        """The one answer, greedily by the mean of the rows' log probabilities, which it tells."""
        answer = RowAnswer()

        def choose(scores: np.ndarray) -> np.ndarray | None:
            mean = scores.mean(0)
            token = int(mean.argmax())
            answer.log_probabilities.append(float(mean[token]))
            if token in stop_ids:
                return None
            answer.tokens.append(token)
            return None if should_stop() else np.full(len(self), token)

        self._decode(max_tokens, choose)
        return answer

    def _decode(self, max_tokens: int, choose: Callable[[np.ndarray], np.ndarray | None]) -> None:
        """choose: log probabilities [rows, vocabulary] to the token that each row reads next [rows]; None ends it."""
        if not len(self):
            raise ValueError("There is no prompt to answer.")
        size, rows = self._decoder.layout, len(self)
        lengths = np.array(self._prompts, np.int32)
        last, total, first = lengths.copy(), np.zeros((), np.int32), np.zeros(1, np.int64)
        embeddings = np.empty((rows, 1, size.hidden), np.float32)
        logits = np.stack(self._logits)[:, None]
        binding = self._decoder.bind(self._memory[:, :, :rows])
        for bind, name, array in (
            (binding.bind_input, "inputs_embeds", embeddings),
            (binding.bind_input, "logit_rows", first),
            (binding.bind_input, "seqlens_k", last),
            (binding.bind_input, "total_sequence_length", total),
            (binding.bind_output, "logits", logits),
        ):
            bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        limit = min(max_tokens, self._capacity - int(lengths.max()) + 1)
        for count in range(limit):
            tokens = choose(_log_softmax(logits[:, 0]))
            if tokens is None or count + 1 == limit:
                return
            embeddings[:, 0] = self._decoder.embed(tokens.tolist())
            last[:] = lengths
            lengths += 1
            total[...] = lengths.max()
            self._decoder.run(binding)
            self.steps += 1


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def read_question(model: VisionLanguageModel, cache: KVCache, question: str) -> np.ndarray:
    """Reads a question into the cache of a view; logits [vocabulary] of what its answer begins with."""
    return model.read_question(cache, question)


def end_ids(model: VisionLanguageModel) -> tuple[int, ...]:
    """Tokens that end an answer."""
    return model.end_ids
