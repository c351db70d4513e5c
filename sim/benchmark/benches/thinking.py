"""`glint bench thinking`: what it measures, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sim.benchmark.benches.options import OFFLINE, THREADS
from sim.benchmark.registry import ACCURACY, LATENCY, LESS, MORE, NEITHER, ROWS, Benchmark, Figure, Run, Way

COUNTS = (1, 2, 4, 8, 16)  # paths
_FILE = click.Path(path_type=Path)

FIGURES = (
    Figure("threads", "", NEITHER, "Threads of the model."),
    Figure("questions", "", NEITHER, "Questions that were asked."),
    Figure("rows", ROWS, NEITHER, "The figures below, an object for each number of paths; in the JSON alone."),
    Figure("accuracy", "share", MORE, "Answers that equal an accepted one, without case and articles.", plot=ACCURACY),
    Figure("vqa_accuracy", "share", MORE, "Agreement with the voters, where there are votes.", plot=ACCURACY),
    Figure("won", "", MORE, "Questions that are answered rightly and by one path wrongly."),
    Figure("lost", "", LESS, "Questions that are answered wrongly and by one path rightly."),
    Figure("seconds", "s", LESS, "From the question to the whole answer, mean; the photo has been read.", plot=LATENCY),
    Figure("cpu_seconds", "s", LESS, "Processor time of that, all threads, mean.", plot=LATENCY),
    Figure("tokens", "", LESS, "Tokens that all paths write, mean."),
    Figure("tokens_per_correct", "", LESS, "Tokens written for each right answer."),
    Figure("steps", "", LESS, "Steps of the decoder, all rows at once, mean."),
    Figure("read", "", NEITHER, "Paths that were read, mean; fewer where the first two settle it."),
)


def measure(
    run: Run,
    data: tuple[Path, ...],
    limit: int | None,
    dev: bool,
    all_paths: bool,
    answers: Path | None,
    model: Path | None,
    threads: int,
    offline: bool,
) -> Iterator[dict[str, Any]]:
    """As registry.Measure. Raises GlintError for data that is missing or cannot be read, and for a missing model."""
    from device.assistant import load_model
    from device.thinking.contemplate import SETTLED
    from sim.benchmark.thinking import benchmark_thinking, read_questions

    questions = read_questions(data, limit, dev)
    run.tell("loading the model")
    run.phase("loading")
    loaded = load_model(model, threads, offline)
    yield {"threads": threads}
    run.phase("asking")
    yield from benchmark_thinking(loaded, questions, COUNTS, None if all_paths else SETTLED, answers, run.tell)


BENCH = Benchmark(
    name="thinking",
    purpose="Ask questions about photos by one to sixteen paths: what more paths gain, and what they cost.",
    figures=FIGURES,
    measure=measure,
    ways=tuple(
        Way(f"_{count}", f"{count} path{'s' * (count > 1)}", f"With {count} path{'s' * (count > 1)}.")
        for count in COUNTS
    ),
    options=(
        click.Option(
            ["--data"],
            type=_FILE,
            multiple=True,
            help="JSON lines as for `glint evaluate questions`, or with statement and true; may be given repeatedly.",
        ),
        click.Option(["--limit"], type=click.IntRange(1), help="Only N questions of each file, evenly spread."),
        click.Option(
            ["--dev"], is_flag=True, help="Only photos held out from training: crc32 of the file name % 5 = 0."
        ),
        click.Option(["--all-paths"], is_flag=True, help="Read all paths, also where the first two settle it."),
        click.Option(
            ["--answers"], type=_FILE, help="Add every answer to this file; questions it has are not asked again."
        ),
        click.Option(["--model"], type=_FILE, help="Folder of another bundle than the default."),
        THREADS,
        OFFLINE,
    ),
    details="""
A path is a way to look and to ask: the whole photo, a part of it, without hints, worded otherwise
(docs/contemplating.md lists them). Needs questions of yours (--data); `glint bench all` leaves it out.
""",
    needs="questions about photos (--data)",
)
