"""Runs a decoder graph: prefill, branch, rewind and greedy streaming over a key/value cache that is never copied.

Knows onnxruntime and the graph's names. Knows no prompt, no tokenizer and no picture: image tokens come in as
embeddings like any others.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort

from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE, Bundle
from models.decoder_layout import DecoderLayout
from models.errors import GlintError
from models.mapped_file import MappedFile
from models.quantize import FloatMatrix, Matrix, QuantizedMatrix

_FIRST_CAPACITY = 256  # tokens; one turn fits, and more comes in doublings
_PREFILL_CHUNK = 128  # tokens; larger ones were slower (more of the causal square is wasted) and take more memory


def bound(session: ort.InferenceSession, memory: np.ndarray) -> ort.IOBinding:
    """Keys and values are read from `memory` and written there, float32 [layers, 2, rows, heads, capacity, size]."""
    binding = session.io_binding()
    for layer, both in enumerate(memory):
        for part, kind in zip(both, ("key", "value"), strict=True):
            at = ("cpu", 0, np.float32, part.shape, part.ctypes.data)
            binding.bind_input(f"past_{kind}.{layer}", *at)
            binding.bind_output(f"present_{kind}.{layer}", *at)
    return binding


def decoder_options(threads: int) -> ort.SessionOptions:
    """How a language model is opened: for many short runs, each of another length."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.enable_mem_pattern = False  # every prompt has another length: a plan for one is wasted on the next
    options.enable_cpu_mem_arena = False  # it would keep the most that was ever needed
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    # Threads spin between the nodes of a run, which decoding needs, but not between runs.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # On ARM, KleidiAI's 4-bit kernels round more than all others do: half as much error again, and other answers.
    options.add_session_config_entry("mlas.disable_kleidiai", "1")
    return options


class KVCache:
    """Keys and values of the tokens a decoder has read so far. Made by Decoder.new_cache.

    The memory is float32 [layers, 2, 1, key/value heads, capacity, head size]; onnxruntime writes into it in place.
    """

    def __init__(self, session: ort.InferenceSession, layout: DecoderLayout, capacity: int):
        self._session = session
        self._layout = layout
        self._length = 0
        self._seqlens = np.zeros(1, np.int32)
        self._total = np.zeros((), np.int32)
        self._allocate(capacity)

    @property
    def length(self) -> int:
        """Tokens in the cache."""
        return self._length

    @property
    def memory(self) -> np.ndarray:
        """What was read, float32 [layers, 2, 1, key/value heads, capacity, head size]; the first `length` count."""
        return self._memory

    @property
    def capacity(self) -> int:
        """Tokens that fit before the memory has to grow (which happens by itself)."""
        return int(np.shape(self._memory)[-2])

    def rewind(self, length: int) -> None:
        """Forgets all tokens after the first `length`. Costs nothing. ValueError if there are not that many."""
        if not 0 <= length <= self._length:
            raise ValueError(f"Cannot rewind to {length} of {self._length} tokens.")
        self._length = length

    def branch(self) -> KVCache:
        """A second cache that starts with the same tokens and goes on alone; copies only what is used."""
        other = KVCache(self._session, self._layout, self.capacity)
        other._memory[..., : self._length, :] = self._memory[..., : self._length, :]
        other._length = self._length
        return other

    def _reserve(self, length: int) -> None:
        if length > self._layout.max_tokens:
            raise GlintError(
                f"The conversation needs {length} tokens and the model reads at most {self._layout.max_tokens}; "
                "ask something shorter."
            )
        if length > self.capacity:
            old = self._memory
            self._allocate(min(max(length, 2 * self.capacity), self._layout.max_tokens))
            self._memory[..., : self._length, :] = old[..., : self._length, :]

    def _allocate(self, capacity: int) -> None:
        size = self._layout
        shape = (size.layers, 2, 1, size.kv_heads, capacity, size.head_size)
        # Fresh pages of the system rather than numpy's allocator: what is never written takes no memory.
        self._memory = np.frombuffer(mmap.mmap(-1, 4 * int(np.prod(shape))), np.float32).reshape(shape)
        self._binding = bound(self._session, self._memory)
        self._bound: dict[str, np.ndarray] = {}
        self._bind(self._binding.bind_input, "seqlens_k", self._seqlens)
        self._bind(self._binding.bind_input, "total_sequence_length", self._total)

    def _bind(self, bind: Callable[..., None], name: str, array: np.ndarray) -> None:
        # The same array as last time is bound already; a decoding step would lose 0.1 ms to binding it again.
        if self._bound.get(name) is not array:
            bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
            self._bound[name] = array

    def _advance(self, embeddings: np.ndarray, rows: np.ndarray, logits: np.ndarray) -> None:
        """Reads embeddings [1, new, hidden] and writes the logits [1, rows, vocabulary] after the positions `rows`."""
        new = embeddings.shape[1]
        self._reserve(self._length + new)
        self._seqlens[0] = self._length + new - 1
        self._total[...] = self._length + new
        self._bind(self._binding.bind_input, "inputs_embeds", embeddings)
        self._bind(self._binding.bind_input, "logit_rows", rows)
        self._bind(self._binding.bind_output, "logits", logits)
        self._session.run_with_iobinding(self._binding)
        self._length += new


class Decoder:
    """A language model ready to run. Caches of one decoder must not be advanced from two threads at once."""

    def __init__(self, session: ort.InferenceSession, layout: DecoderLayout, embeddings: Matrix):
        self._session = session
        self.layout = layout
        self._embeddings = embeddings

    @classmethod
    def load(cls, bundle: Bundle, threads: int = 2) -> Decoder:
        """Loads a bundle's decoder and meanwhile hashes all its files, so that no damaged file is ever run.

        Raises GlintError when one is damaged or onnxruntime cannot load it.
        """
        with ThreadPoolExecutor(1) as other:
            intact = other.submit(bundle.verify)
            try:
                decoder = cls.open(
                    bundle.path(DECODER_GRAPH_FILE), bundle.path(DECODER_WEIGHTS_FILE), bundle.decoder, threads
                )
            finally:
                intact.result()
        return decoder

    @classmethod
    def open(
        cls, graph: Path, weights: Path, layout: DecoderLayout, threads: int = 2, trace: Path | None = None
    ) -> Decoder:
        """Loads a graph with its weights file. Raises GlintError when onnxruntime cannot.

        trace: what onnxruntime's record of every node and its time begins its name with; `end_trace` completes it.
        """
        options = decoder_options(threads)
        if trace is not None:
            options.enable_profiling, options.profile_file_prefix = True, str(trace)
        try:
            session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has one exception class for each status, without a common base
            raise GlintError(f"{graph} cannot be loaded ({error}); fetch the model again.") from error
        MappedFile(weights).let_go()  # 12 MB were read for packing; what a run needs of them, 5 MB, comes back
        return cls(session, layout, _embeddings(weights, layout))

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """Token ids as float32 [n, hidden]."""
        return self._embeddings.rows(np.asarray(ids, np.int64)).dequantize()

    def end_trace(self) -> Path:
        """The file of a decoder that was opened with `trace`: JSON, in the format of chrome://tracing."""
        return Path(self._session.end_profiling())

    def bind(self, memory: np.ndarray) -> ort.IOBinding:
        """For `run`: keys and values in `memory`, float32 [layers, 2, rows, key/value heads, capacity, head size]."""
        return bound(self._session, memory)

    def run(self, binding: ort.IOBinding) -> None:
        """Runs the graph on what is bound."""
        self._session.run_with_iobinding(binding)

    def new_cache(self) -> KVCache:
        """An empty cache."""
        return KVCache(self._session, self.layout, min(_FIRST_CAPACITY, self.layout.max_tokens))

    def prefill(self, cache: KVCache, embeddings: np.ndarray) -> np.ndarray:
        """Reads embeddings [n >= 1, hidden] after what the cache holds; logits [vocabulary] of what comes next."""
        return self._read(cache, embeddings, last_only=True)[0]

    def score(self, cache: KVCache, embeddings: np.ndarray) -> np.ndarray:
        """As prefill, with the logits [n, vocabulary] after every position."""
        return self._read(cache, embeddings, last_only=False)

    def _read(self, cache: KVCache, embeddings: np.ndarray, last_only: bool) -> np.ndarray:
        if embeddings.ndim != 2 or embeddings.shape[1] != self.layout.hidden or not len(embeddings):
            raise ValueError(f"Expected embeddings [n >= 1, {self.layout.hidden}], got {list(embeddings.shape)}.")
        embeddings = np.ascontiguousarray(embeddings, np.float32)
        cache._reserve(cache.length + len(embeddings))
        parts = []
        for start in range(0, len(embeddings), _PREFILL_CHUNK):
            chunk = embeddings[None, start : start + _PREFILL_CHUNK]
            new, ends = chunk.shape[1], start + chunk.shape[1] == len(embeddings)
            rows = np.arange(new)[new - ends if last_only else 0 :]  # no logits at all before the last chunk
            parts.append(np.empty((1, len(rows), self.layout.vocabulary), np.float32))
            cache._advance(chunk, rows, parts[-1])
        return parts[-1][0] if last_only else np.concatenate(parts, 1)[0]

    def generate(
        self,
        cache: KVCache,
        logits: np.ndarray,
        max_tokens: int,
        stop_ids: Collection[int] = (),
        deadline_s: float | None = None,
        log_probabilities: list[float] | None = None,
    ) -> Iterator[int]:
        """Streams the most likely token, again and again, from `logits` [vocabulary] of the last prefill.

        log_probabilities: gets that of each token, and of the end marker where that ends it. Ends before a token of
        `stop_ids`, after `max_tokens`, or once `deadline_s` seconds have passed since the first was asked for. The
        cache then holds all yielded tokens but the last.
        """
        end = None if deadline_s is None else time.monotonic() + deadline_s
        row = np.zeros(1, np.int64)
        logits = logits.copy()[None, None]
        embedding = np.empty((1, 1, self.layout.hidden), np.float32)
        for count in range(max_tokens):
            token = int(logits.argmax())
            if log_probabilities is not None:
                log_probabilities.append(-float(np.log(np.exp(logits - logits[0, 0, token]).sum())))
            if token in stop_ids:
                return
            yield token
            if count + 1 == max_tokens or (end is not None and time.monotonic() >= end):
                return
            embedding[0] = self.embed([token])
            cache._advance(embedding, row, logits)


def _embeddings(weights: Path, layout: DecoderLayout) -> Matrix:
    """The embedding table, mapped: only the rows that are looked up are ever read."""

    def mapped(kind: type, offset: int, *shape: int) -> np.ndarray:
        # A plain array over the same pages: numpy's memmap class costs a tenth of a millisecond at every look-up.
        return np.asarray(np.memmap(weights, kind, "r", offset, shape))

    rows, bits, block = layout.vocabulary, layout.embedding_bits, layout.embedding_block
    if block is None or layout.embedding_scales is None:
        kind = np.float16 if bits == 16 else np.float32
        return FloatMatrix(mapped(kind, layout.embedding_values, rows, layout.hidden))
    blocks = layout.hidden // block
    zeros = layout.embedding_zero_points
    return QuantizedMatrix(
        bits,
        mapped(np.uint8, layout.embedding_values, rows, blocks, block * bits // 8),
        mapped(np.float32, layout.embedding_scales, rows, blocks),
        None if zeros is None else mapped(np.uint8, zeros, rows, -(-blocks * bits // 8)),
    )
