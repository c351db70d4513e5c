"""The help of a bench, made of what the registry says about its figures."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.benchmark.registry import Benchmark, Figure

_COLUMNS = 106
_MEANING_AT = 38


def help_of(bench: Benchmark) -> str:
    """As click lays it out: purpose, details, and every figure in a line or two, by parts."""
    blocks = [bench.purpose, bench.details.strip(), "Figures (docs/benchmark.md says more):"]
    for part in dict.fromkeys(figure.part for figure in bench.figures):
        lines = [f"{part}:"] if part else []
        for figure in bench.figures:
            if figure.part == part:
                lines += _lines(figure)
        blocks.append("\n".join(["\b", *lines]))
    if bench.ways:
        ways = [line for way in bench.ways for line in _wrapped(f"...{way.suffix}", way.meaning)]
        blocks.append("\n".join(["\b", "The same in other ways:", *ways]))
    return "\n\n".join(filter(None, blocks))


def _lines(figure: Figure) -> list[str]:
    return _wrapped(figure.name, figure.meaning)


def _wrapped(name: str, meaning: str) -> list[str]:
    first = f"  {name}".ljust(_MEANING_AT - 1) + " "
    return textwrap.wrap(
        meaning, _COLUMNS, initial_indent=first, subsequent_indent=" " * _MEANING_AT, break_on_hyphens=False
    )
