"""How fast a bundle runs here, and beside it llama.cpp on the same base model: same threads, same run, turn by turn.

Knows how to time, not how to print (device/cli/bench.py). llama.cpp is an optional peer, present where `llama_cpp` can
be imported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np

from device.rss import peak_rss_mb
from models.bundle import Bundle
from models.decoder import Decoder
from models.vision_language import Reply, VisionLanguageModel
from sim.benchmark.machine import processor

DECODE_PROMPT = 128  # tokens read before decoding is timed
DECODE_TOKENS = 128
PREFILL_TOKENS = 512
LONG_PROMPT, LONG_TOKENS = 1968, 64  # half of the 64 are decoded before the 2,000th token and half after it
QUESTION = "What colour is the shirt of the person on the left?"
_PICTURE = (480, 640, 3)


class LanguageModel(Protocol):
    """What is compared: both start afresh at `read`; `decode` reads one token at a time and forgets them in the end.

    After each token the best of the whole vocabulary is looked for.
    """

    def read(self, ids: Sequence[int]) -> int: ...
    def decode(self, first: int, count: int) -> None: ...


class _Ours:
    def __init__(self, decoder: Decoder):
        self._decoder = decoder

    def read(self, ids: Sequence[int]) -> int:
        self._cache = self._decoder.new_cache()
        self._logits = self._decoder.prefill(self._cache, self._decoder.embed(ids))
        return int(self._logits.argmax())

    def decode(self, first: int, count: int) -> None:
        length = self._cache.length
        # The first token comes with the prompt's logits; one more than `count` makes the runtime take `count` steps.
        for _ in self._decoder.generate(self._cache, self._logits, count + 1):
            pass
        self._cache.rewind(length)


class _LlamaCpp:
    def __init__(self, gguf: Path, threads: int):
        import llama_cpp

        self._get_logits = llama_cpp.llama_get_logits
        self._model = llama_cpp.Llama(
            str(gguf),
            n_ctx=LONG_PROMPT + LONG_TOKENS,
            n_batch=PREFILL_TOKENS,
            n_ubatch=PREFILL_TOKENS,
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )

    def read(self, ids: Sequence[int]) -> int:
        self._model.reset()
        self._model.eval(ids)
        return self._best()

    def decode(self, first: int, count: int) -> None:
        token, length = first, self._model.n_tokens
        for _ in range(count):
            self._model.eval([token])
            token = self._best()
        self._model.n_tokens = length  # the next eval drops what its cache holds beyond

    def _best(self) -> int:
        logits = np.ctypeslib.as_array(self._get_logits(self._model.ctx), (self._model.n_vocab(),))
        return int(logits.argmax())


def benchmark_model(
    bundle: Bundle,
    threads: int = 2,
    runs: int = 5,
    gguf: Path | None = None,
    progress: Callable[[str], None] = lambda what: None,
    phase: Callable[[str], None] = lambda part: None,
) -> Iterator[dict[str, Any]]:
    """Medians of `runs` runs, by plain names; `_peer` and `_ratio` where `gguf` is given and llama_cpp is there.

    decode_tokens_per_s: 128 greedy tokens over the whole vocabulary after a prompt of 128; with _ctx2000: around the
    2,000th token, absent where the model reads no more; prefill_tokens_per_s: 512 tokens; first_token_ms: from a
    question to the first token of the answer, picture already read; image_encode_ms: of a photo of 640 x 480;
    peak_rss_mb: of this process after loading and one question, before anything else; bundle_mb. What needs a vision
    encoder is absent where the bundle has none. Raises GlintError as loading does.

    They come as they are measured. progress and phase are told how far it is, as sim.benchmark.registry.Run.
    """
    progress("loading")
    phase("loading")
    start = time.perf_counter()
    yield {"processor": processor(), "threads": threads, "runs": runs, "model": bundle.name}
    if bundle.sees:
        model = VisionLanguageModel.load(bundle, threads)
        decoder = model.decoder
        yield {"load_ms": _ms(start)}
        phase("questions")
        yield _questions(model, runs, progress)
    else:
        decoder = Decoder.load(bundle, threads)
        yield {"load_ms": _ms(start)}
        _Ours(decoder).read(range(DECODE_PROMPT))
    yield {"peak_rss_mb": peak_rss_mb(), "bundle_mb": round(bundle.size / 1e6, 1)}

    rivals: dict[str, LanguageModel] = {"": _Ours(decoder)}
    if gguf is not None and has_peer():
        phase("loading the peer")
        rivals["_peer"] = _LlamaCpp(gguf, threads)
    phase("speed")
    ids = np.random.default_rng(0).integers(0, bundle.decoder.vocabulary, LONG_PROMPT).tolist()
    yield _speeds(rivals, ids[:PREFILL_TOKENS], runs, progress)
    if bundle.decoder.max_tokens >= LONG_PROMPT + LONG_TOKENS:
        yield _long_speeds(rivals, ids, runs, progress)


def has_peer() -> bool:
    """Whether llama.cpp can be measured here."""
    return find_spec("llama_cpp") is not None


def _questions(model: VisionLanguageModel, runs: int, progress: Callable[[str], None]) -> dict[str, float]:
    picture = np.random.default_rng(0).integers(0, 256, _PICTURE, np.uint8)
    encode, first = [], []
    for run in range(runs + 1):  # the first is for warming up
        progress(f"picture and question, {run} of {runs}")
        view = model.look(picture)
        reply = Reply()
        for _ in model.ask(view, QUESTION, reply, max_tokens=1):
            pass
        encode.append(view.encode_ms)
        first.append(reply.first_token_ms)
    return {
        "image_encode_ms": round(median(encode[1:]), 1),
        "first_token_ms": round(median(first[1:]), 1),
        "question_tokens": len(model.tokenizer.encode(QUESTION, add_special_tokens=False).ids),
    }


def _speeds(
    rivals: dict[str, LanguageModel], ids: list[int], runs: int, progress: Callable[[str], None]
) -> dict[str, float]:
    """Times the rivals alternately, so that whatever else the machine does meets both alike."""
    seen: dict[str, list[float]] = {}
    for run in range(runs + 1):
        for suffix, rival in rivals.items():
            progress(f"{'llama.cpp' if suffix else 'ours'}, {run} of {runs}")
            start = time.perf_counter()
            rival.read(ids)
            middle = time.perf_counter()
            first = rival.read(ids[:DECODE_PROMPT])
            ready = time.perf_counter()
            rival.decode(first, DECODE_TOKENS)
            end = time.perf_counter()
            if run:
                seen.setdefault(f"prefill_tokens_per_s{suffix}", []).append(len(ids) / (middle - start))
                seen.setdefault(f"decode_tokens_per_s{suffix}", []).append(DECODE_TOKENS / (end - ready))
    return _medians(seen, "decode_tokens_per_s", "prefill_tokens_per_s")


def _long_speeds(
    rivals: dict[str, LanguageModel], ids: list[int], runs: int, progress: Callable[[str], None]
) -> dict[str, float]:
    """Decoding after a long prompt, which each of the rivals reads but once; alternately too."""
    name = "decode_tokens_per_s_ctx2000"
    seen: dict[str, list[float]] = {}
    firsts = {}
    for suffix, rival in rivals.items():
        progress(f"{'llama.cpp' if suffix else 'ours'}, a prompt of {len(ids)} tokens")
        firsts[suffix] = rival.read(ids)
    for run in range(runs + 1):
        for suffix, rival in rivals.items():
            progress(f"{'llama.cpp' if suffix else 'ours'} after {len(ids)} tokens, {run} of {runs}")
            start = time.perf_counter()
            rival.decode(firsts[suffix], LONG_TOKENS)
            if run:
                seen.setdefault(name + suffix, []).append(LONG_TOKENS / (time.perf_counter() - start))
    return _medians(seen, name)


def _medians(seen: dict[str, list[float]], *names: str) -> dict[str, float]:
    speeds = {name: round(median(values), 1) for name, values in sorted(seen.items())}
    for name in names:
        if f"{name}_peer" in seen:
            # The median of the quotients of neighbours in time, which a machine growing slower does not distort.
            pairs = zip(seen[name], seen[f"{name}_peer"], strict=True)
            speeds[f"{name}_ratio"] = round(median(ours / theirs for ours, theirs in pairs), 2)
    return speeds


def _ms(start: float) -> float:
    return round(1e3 * (time.perf_counter() - start), 1)
