"""`glint bench vision`: what it measures, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sim.benchmark.benches.options import OFFLINE, THREADS
from sim.benchmark.registry import LATENCY, LESS, NEITHER, TEXT, Benchmark, Figure, Run

_EXPERTS = {
    "text": "Reading a page of text aloud",
    "codes": "Scanning a QR code",
    "colour": "The colour of a sign",
    "labels": "A nutrient from a nutrition table",
    "finder": "Whether there is a dog",
    "charts": "The highest bar of a chart",
    "coach": "Whether the picture is any good",
}
_READING = ("text", "labels", "charts")

FIGURES = (
    Figure("processor", TEXT, NEITHER, "The processor, and which of the instructions that count here it has."),
    Figure("threads", "", NEITHER, "Threads of each network."),
    Figure("runs", "", NEITHER, "How many runs the medians are of; one more, the first, is for warming up."),
    Figure("reader_load_ms", "ms", LESS, "Loading the text reader.", plot=LATENCY),
    Figure("encoder_load_ms", "ms", LESS, "Loading the vision encoder with the object head.", plot=LATENCY),
    Figure("read_page_ms", "ms", LESS, "Reading a page of 20 lines, 1280 x 720.", part="times", plot=LATENCY),
    Figure("read_sign_ms", "ms", LESS, "Reading a sign of two words, 1280 x 720.", part="times", plot=LATENCY),
    *(
        Figure(f"{name}_ms", "ms", LESS, f"{what}: from the question to the answer.", part="times", plot=LATENCY)
        for name, what in _EXPERTS.items()
    ),
    *(
        Figure(
            f"{name}_text_read_ms",
            "ms",
            LESS,
            f"{_EXPERTS[name]}, with the text already read.",
            part="times",
            plot=LATENCY,
        )
        for name in _READING
    ),
    Figure("encoder_ms", "ms", LESS, "The encoder without the object head.", part="times", plot=LATENCY),
    Figure("object_head_added_ms", "ms", LESS, "What the object head adds to the encoder.", part="times", plot=LATENCY),
    *(
        figure
        for name in _EXPERTS
        for figure in (
            Figure(f"{name}_loaded_mb", "MB", LESS, f"Memory that the networks for {name} take.", part="memory"),
            Figure(
                f"{name}_peak_mb", "MB", LESS, f"The most memory that {name} adds, networks included.", part="memory"
            ),
        )
    ),
)


def measure(run: Run, image: Path | None, threads: int, runs: int, offline: bool) -> Iterator[dict[str, Any]]:
    """As registry.Measure. Raises GlintError for a photo that cannot be read and for a network that is missing."""
    from sim.benchmark.vision import benchmark_vision

    yield from benchmark_vision(image, threads, runs, offline, run.tell, run.phase)


BENCH = Benchmark(
    name="vision",
    purpose="Time each expert that answers about pictures, and what memory it adds.",
    figures=FIGURES,
    measure=measure,
    options=(
        click.Option(
            ["--image"],
            type=click.Path(path_type=Path),
            help="A photo that all are asked about, instead of what is drawn for each.",
        ),
        THREADS,
        click.Option(["--runs"], type=click.IntRange(1, 100), default=5, show_default=True, help="Runs, for medians."),
        OFFLINE,
    ),
    details="""
Text, codes, colour, labels, finder, charts and coach are each asked one question about a drawn picture of 1280 x 720.
Memory is that of a fresh process for each.
""",
    quick={"runs": 2},
)
