"""`glint bench radio`: what it measures, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from sim.benchmark.registry import LATENCY, LESS, MORE, NEITHER, ROWS, Benchmark, Figure, Run

FIGURES = (
    Figure("sequences", "", NEITHER, "Lives of a pair of glasses: put on, asked a few things, under random faults."),
    Figure("seed", "", NEITHER, "Of the first life; each of the others has the next number."),
    Figure("hangs", "", LESS, "Lives in which something made no progress past its deadline."),
    Figure("lost_turns", "", LESS, "Turns that the wearer began and never heard or saw a word of."),
    Figure("failures", ROWS, NEITHER, "The lives with hangs and lost turns: seed and faults; in the JSON alone."),
    Figure("turns", "", NEITHER, "Turns that the wearer began."),
    Figure("answered_turns", "", MORE, "Turns whose answer was heard in the speaker or seen in the display."),
    Figure("told_turns", "", NEITHER, "Turns that failed, and of which the wearer heard or saw that."),
    Figure("faults", "", NEITHER, "Faults that struck: drops, reboots, crashes, spoilt photos, storms of packets."),
    Figure("packets", "", NEITHER, "Packets that were sent, both ways."),
    Figure("packets_spoilt", "", NEITHER, "Packets that were dropped, doubled, merged or swapped."),
    Figure("reconnects", "", NEITHER, "Connections after the first of a life."),
    Figure("restarts", "", NEITHER, "Times our app on the glasses was started again, as it did not answer."),
    Figure("photos", "", NEITHER, "Photos that the glasses took."),
    Figure("photos_retried", "", NEITHER, "Photos that did not arrive whole, so that another one was needed."),
    Figure("back_median_s", "s", LESS, "From a link or an app that is lost until the glasses run again.", plot=LATENCY),
    Figure("back_p95_s", "s", LESS, "The same for all but one in twenty.", plot=LATENCY),
    Figure("answer_median_s", "s", LESS, "From the press of the button to the answer; the question takes 1.5 s."),
    Figure("answer_p95_s", "s", LESS, "The same for all but one in twenty."),
    Figure("word_median_s", "s", LESS, "From the press to the word that it failed.", plot=LATENCY),
    Figure("word_p95_s", "s", LESS, "The same for all but one in twenty.", plot=LATENCY),
    Figure("microphone_alone_s", "s", LESS, "The longest that a microphone was on without a word from the host."),
    Figure("simulated_s", "s", NEITHER, "Time that went by for the glasses, all lives together."),
    Figure("cpu_s_per_sequence", "s", LESS, "Processor time of a life."),
)


def measure(run: Run, sequences: int, seed: int) -> Iterator[dict[str, Any]]:
    """As registry.Measure. Raises GlintError where the vendor's packages are missing."""
    from sim.benchmark.radio import benchmark_radio

    run.phase("living")
    yield from benchmark_radio(sequences, seed, run.tell)


BENCH = Benchmark(
    name="radio",
    purpose="Glasses over Bluetooth under random faults: what hangs, and which turns are lost without a word.",
    figures=FIGURES,
    measure=measure,
    options=(
        click.Option(["--sequences"], type=click.IntRange(1), default=100, show_default=True, help="Lives."),
        click.Option(["--seed"], type=click.IntRange(0), default=0, show_default=True, help="Of the first life."),
    ),
    details="""
The bridge, the vendor's library and our app run as they are, on emulated glasses, on a clock that runs fast
(sim/radio/README.md says what that can tell). A life that failed is repeated by its seed:

\b
  glint bench radio --sequences 1 --seed SEED
""",
    quick={"sequences": 10},
)
