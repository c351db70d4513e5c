"""Which benches there are and what each figure means: `glint bench`, the report and the comparison all read it here.

A new bench is a module with a `Benchmark` and one line in BENCHES. Its figures in JSON, its table, its page in the
report, its place in `glint bench all` and in a comparison follow from that. Such a module imports nothing heavy: it is
read whenever the help is.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import click

BENCHES = {  # name: module with BENCH, in the order of `glint bench all`
    "model": "sim.benchmark.benches.model",
    "loop": "sim.benchmark.benches.loop",
    "speech": "sim.benchmark.benches.speech",
    "vision": "sim.benchmark.benches.vision",
    "radio": "sim.benchmark.benches.radio",
    "thinking": "sim.benchmark.benches.thinking",
}
MORE: Literal["more"] = "more"
LESS: Literal["less"] = "less"
NEITHER: Literal[""] = ""
TEXT, ROWS = "text", "rows"
LATENCY, ACCURACY = "latency", "accuracy"
_TO_MS = {"ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Figure:
    """One figure, or a word or a list of words (unit TEXT), or a list of objects (unit ROWS) that is in the JSON alone.

    unit: "" where there is none. better: MORE, LESS, or NEITHER for an amount or a setting. meaning: one sentence.
    part: the part of the bench that it belongs to, "" for none. plot: LATENCY (its unit is ms or s), ACCURACY (a share,
    0 to 1), or "" for no plot.
    """

    name: str
    unit: str
    better: Literal["more", "less", ""]
    meaning: str
    part: str = ""
    plot: str = ""

    def __post_init__(self) -> None:
        if self.plot == LATENCY and self.unit not in _TO_MS:
            raise ValueError(f"{self.name} is to be plotted with the latencies; its unit must be ms or s")

    def plotted(self, value: float) -> float:
        """The value as a plot shows it: latencies in milliseconds."""
        return value * _TO_MS[self.unit] if self.plot == LATENCY else value


@dataclass(frozen=True)
class Way:
    """Another way to come to the same figure: by a peer, in noise. Its figures' names end in `suffix`.

    title: two words at the head of a column. judged: whether a change of it is better or worse; a peer's is neither.
    """

    suffix: str
    title: str
    meaning: str
    judged: bool = True


@dataclass(frozen=True)
class Run:
    """What a bench is told to run with. tell: how far it is, in a few words. phase: the part that now begins."""

    tell: Callable[[str], None] = lambda what: None
    phase: Callable[[str], None] = lambda part: None


Measure = Callable[..., Iterator[dict[str, Any]]]
"""Called with a Run and the options by name; yields figures by name, those of each part as soon as they are there."""


@dataclass(frozen=True)
class Benchmark:
    """One bench. purpose: one line. details: what its help says besides that and the figures.

    quick: options that make it short, for `glint bench all --quick`. options: beside those that all benches have.
    needs: what it cannot do without and must be given, so that `glint bench all` leaves it out.
    """

    name: str
    purpose: str
    figures: tuple[Figure, ...]
    measure: Measure
    ways: tuple[Way, ...] = ()
    options: tuple[click.Option, ...] = ()
    details: str = ""
    quick: Mapping[str, Any] = field(default_factory=dict)
    needs: str = ""

    def __post_init__(self) -> None:
        names = [figure.name for figure in self.figures]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"the bench {self.name} has two figures called {', '.join(sorted(twice))}")

    def find(self, name: str) -> tuple[Figure, Way | None] | None:
        """The figure of that name, or the one it is after a way's suffix is taken off; None for any other name."""
        known = {figure.name: figure for figure in self.figures}
        if name in known:
            return known[name], None
        for way in self.ways:
            base = name.removesuffix(way.suffix)
            if base != name and base in known:
                return known[base], way
        return None

    def better(self, name: str) -> str:
        """Whether more or less of it is better for Glint; "" where neither is or the name is not known."""
        found = self.find(name)
        if found is None:
            return ""
        figure, way = found
        return figure.better if way is None or way.judged else ""


PEER_RATIO = Way("_ratio", "ratio", "Glint's figure divided by the peer's, from runs next to each other.")


def bench_named(name: str) -> Benchmark:
    """Raises KeyError where there is none."""
    return importlib.import_module(BENCHES[name]).BENCH


def benches() -> list[Benchmark]:
    """All, in the order of BENCHES."""
    return [bench_named(name) for name in BENCHES]


def is_figure(value: Any) -> bool:
    """Whether it is a number that can be shown and compared: no truth value, no infinity, no text."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_rows(value: Any) -> bool:
    """Whether it is a list of objects, which only the JSON has."""
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)
