"""`glint bench model`: what it measures, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sim.benchmark.benches.options import NO_PEER, OFFLINE, THREADS
from sim.benchmark.registry import LATENCY, LESS, MORE, NEITHER, PEER_RATIO, TEXT, Benchmark, Figure, Run, Way

PEER_MODEL = "smollm2-135m-instruct-q4_1"  # the base of the default model, in the catalogue

FIGURES = (
    Figure("processor", TEXT, NEITHER, "The processor, and which of the instructions that count here it has."),
    Figure("threads", "", NEITHER, "Threads, of the peer too."),
    Figure("runs", "", NEITHER, "How many runs the medians are of; one more, the first, is for warming up."),
    Figure("model", TEXT, NEITHER, "The bundle."),
    Figure("load_ms", "ms", LESS, "From nothing to a model that can be asked, its files read from disk.", plot=LATENCY),
    Figure("image_encode_ms", "ms", LESS, "Reading a photo of 640 x 480.", plot=LATENCY),
    Figure(
        "first_token_ms", "ms", LESS, "From the question to the answer's first token, photo already read.", plot=LATENCY
    ),
    Figure("question_tokens", "", NEITHER, "Tokens of that question."),
    Figure("peak_rss_mb", "MB", LESS, "Memory after loading and one question."),
    Figure("bundle_mb", "MB", LESS, "Size on disk."),
    Figure(
        "decode_tokens_per_s", "tokens/s", MORE, "128 greedy tokens over the whole vocabulary, after a prompt of 128."
    ),
    Figure("decode_tokens_per_s_ctx2000", "tokens/s", MORE, "64 tokens around the 2,000th."),
    Figure("prefill_tokens_per_s", "tokens/s", MORE, "A prompt of 512 tokens."),
)


def measure(
    run: Run, model: Path | None, threads: int, runs: int, no_peer: bool, offline: bool
) -> Iterator[dict[str, Any]]:
    """As registry.Measure. Raises GlintError where the model cannot be had."""
    from device.assistant import DEFAULT_MODEL
    from models import fetch
    from models.bundle import Bundle
    from sim.benchmark.model import benchmark_model, has_peer

    bundle = Bundle.open(model or fetch.ensure(DEFAULT_MODEL, offline=offline))
    gguf = None if no_peer or not has_peer() else _peer_weights(offline)
    yield from benchmark_model(bundle, threads, runs, gguf, run.tell, run.phase)


def _peer_weights(offline: bool) -> Path | None:
    from models import fetch
    from models.errors import GlintError

    try:
        return next(fetch.ensure(PEER_MODEL, offline=offline).glob("*.gguf"))
    except GlintError as error:
        click.echo(f"glint: llama.cpp is left out: {error}", err=True)
        return None


BENCH = Benchmark(
    name="model",
    purpose="Time the vision-language model, beside llama.cpp where that is installed.",
    figures=FIGURES,
    measure=measure,
    ways=(
        Way("_peer", "llama.cpp", "Of llama.cpp with the same base model, alternately with ours.", judged=False),
        PEER_RATIO,
    ),
    options=(
        click.Option(["--model"], type=click.Path(path_type=Path), help="Folder of another bundle than the default."),
        THREADS,
        click.Option(
            ["--runs"],
            type=click.IntRange(1, 100),
            default=5,
            show_default=True,
            help="Runs; figures are medians.",
        ),
        NO_PEER,
        OFFLINE,
    ),
    details="""
llama.cpp runs the same base model (without our updates) with as many threads, alternately with ours; its figures end in
_peer and the quotients in _ratio. Install it with `pip install "glint[peers]"`.
""",
    quick={"runs": 2},
)
