"""How fast variants run: all of them in turn, so that whatever else the machine does meets them alike.

Same lengths as `glint bench model`: 128 greedy tokens after 128, and a prompt of 512.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

import numpy as np

from models.decoder import Decoder
from models.vision import VisionEncoder

PROMPT, DECODED, PREFILLED = 128, 128, 512


def measure_speed(
    decoders: Mapping[str, Decoder], shipped: str, runs: int = 5, progress: Callable[[str], None] = lambda what: None
) -> dict[str, dict[str, float]]:
    """By name: prefill_tokens_per_s, decode_tokens_per_s, and both as multiples of those of `shipped` in the same run.

    Medians of `runs` runs; one more, the first, is for warming up.
    """
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in decoders}
    vocabulary = next(iter(decoders.values())).layout.vocabulary
    ids = np.random.default_rng(0).integers(0, vocabulary, PREFILLED).tolist()
    for run in range(runs + 1):
        for name, decoder in decoders.items():
            progress(f"{name}, run {run} of {runs}")
            speeds = _once(decoder, ids)
            if run:
                seen[name].append(speeds)
    figures: dict[str, dict[str, float]] = {}
    for name, own in seen.items():
        figures[name] = {}
        for place, what in enumerate(("prefill", "decode")):
            figures[name][f"{what}_tokens_per_s"] = round(median(speeds[place] for speeds in own), 1)
            pairs = zip(own, seen[shipped], strict=True)
            figures[name][f"{what}_speed_ratio"] = round(median(a[place] / b[place] for a, b in pairs), 3)
    return figures


def measure_encoders(encoders: Mapping[str, VisionEncoder], runs: int = 5) -> dict[str, float]:
    """By name: milliseconds to encode a picture of noise, 640 x 480; the median of `runs` rounds after a first one."""
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    seen: dict[str, list[float]] = {name: [] for name in encoders}
    for run in range(runs + 1):
        for name, encoder in encoders.items():
            start = perf_counter()
            encoder.encode(picture)
            if run:
                seen[name].append(1e3 * (perf_counter() - start))
    return {name: round(median(own), 1) for name, own in seen.items()}


def _once(decoder: Decoder, ids: list[int]) -> tuple[float, float]:
    """Tokens a second of prefill and of decoding."""
    start = perf_counter()
    decoder.prefill(decoder.new_cache(), decoder.embed(ids))
    middle = perf_counter()
    cache = decoder.new_cache()
    logits = decoder.prefill(cache, decoder.embed(ids[:PROMPT]))
    ready = perf_counter()
    for _ in decoder.generate(cache, logits, DECODED + 1):
        pass  # the first token comes with the prompt's logits
    end = perf_counter()
    return len(ids) / (middle - start), DECODED / (end - ready)
