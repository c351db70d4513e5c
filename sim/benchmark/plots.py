"""Plots as SVG that stands in a page: small, of one width that a phone can show, in the page's own colours and letters.

Knows how to draw, not what figures mean. matplotlib is optional (the extra `report`) and imported when it is needed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.benchmark.memory_trace import Memory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 5.2  # on a phone a point is then about a pixel, on a laptop one and a half
INK, GRID = "#010203", "#040506"  # stand for colours of the page, which are light or dark
SERIES = tuple(f"#0a0b0{n}" for n in range(6))
_COLOURS = {INK: "var(--ink)", GRID: "var(--grid)"} | {colour: f"var(--series-{n})" for n, colour in enumerate(SERIES)}
_BAR_IN, _LABEL_IN, _EDGE_IN = 0.2, 0.34, 0.8
_SECONDS_AT_MOST = 180  # on the axis; more are shown as minutes
_APART = 0.045  # of the axis' length, between two names of phases


@dataclass(frozen=True)
class Row:
    """A label and its values by series."""

    label: str
    values: Mapping[str, float]


def bars(name: str, title: str, rows: Sequence[Row], unit: str, most: float | None = None) -> str:
    """One group of bars a row, each with its value: an SVG element. most: where the axis ends, else by the values."""
    series = list(dict.fromkeys(key for row in rows for key in row.values))
    heights = [_LABEL_IN + _BAR_IN * len(row.values) for row in rows]
    figure, axes = _blank(sum(heights) + _EDGE_IN)
    longest = most or max((value for row in rows for value in row.values.values()), default=0) or 1.0
    top, shown = 0.0, set()
    for row, height in zip(rows, heights, strict=True):
        axes.text(0, top + 0.26, row.label, color=INK, va="bottom", ha="left", fontsize=10.5)
        at = top + 0.29
        for key, value in row.values.items():
            colour = SERIES[series.index(key) % len(SERIES)]
            label = key if key not in shown else None
            shown.add(key)
            axes.barh(at + _BAR_IN / 2, value, height=_BAR_IN * 0.8, color=colour, label=label)
            end = (min(value, longest), at + _BAR_IN / 2)
            axes.annotate(
                f"{value:.4g}", end, xytext=(3, 0), textcoords="offset points", color=INK, va="center", fontsize=9.5
            )
            at += _BAR_IN
        top += height
    axes.set_ylim(top, 0)
    axes.set_xlim(0, longest * 1.16)  # room for the last value
    axes.set_yticks([])
    axes.set_xlabel(unit, color=INK, fontsize=10.5)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    if len(series) > 1:
        _legend(axes)
    return _svg(figure, name, title)


def memory_over_time(name: str, title: str, memory: Memory) -> str:
    """A line, and where each phase began: an SVG element."""
    figure, axes = _blank(2.9)
    last = max(memory.seconds, default=0.0)
    scale, unit = (1.0, "seconds") if last <= _SECONDS_AT_MOST else (1 / 60, "minutes")
    times, end = [second * scale for second in memory.seconds], max(last * scale, 1e-3)
    axes.fill_between(times, memory.mb, color=SERIES[0], alpha=0.18, linewidth=0)
    axes.plot(times, memory.mb, color=SERIES[0], linewidth=1.4)
    highest = max(memory.mb, default=0.0) or 1.0
    free = 0.0
    for at_s, phase in memory.phases:
        at = at_s * scale
        axes.axvline(at, color=INK, linewidth=0.7, linestyle=(0, (3, 3)))
        free = max(free, at + 0.012 * end)
        axes.text(free, highest * 1.5, phase, rotation=90, color=INK, va="top", ha="left", fontsize=9.5)
        free += _APART * end
    axes.set_xlim(0, max(end, free))
    axes.set_ylim(0, highest * 1.53)  # the names stand above the line
    axes.set_xlabel(unit, color=INK, fontsize=10.5)
    axes.set_ylabel("MB", color=INK, fontsize=10.5)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    return _svg(figure, name, title)


def _blank(height_in: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=9.5, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)
    return figure, axes


def _legend(axes: Axes) -> None:
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, labelcolor=INK, fontsize=9.5, borderaxespad=0.2
    )


def _svg(figure: Figure, name: str, title: str) -> str:
    import matplotlib

    drawn = io.StringIO()
    # Letters stay letters: a tenth of the size, and read aloud by a screen reader.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return _embedded(drawn.getvalue(), name, title)


def _shorter(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}"


def _embedded(svg: str, name: str, title: str) -> str:
    """Of a file, the element alone: no addresses, names that no other plot of the page has, the page's colours."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None
    svg = re.sub(r"<svg[^>]*>", f'<svg {box[0]} role="img" aria-label="{title}">', svg, count=1)
    svg = svg.replace("xlink:href", "href")
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    for pattern in (r"(url\(#)", r'(href="#)'):
        svg = re.sub(pattern, rf"\g<1>{name}-", svg)
    svg = re.sub(r"font(-size)?: ([\d.]+)px[^;\"]*", r"font-size: \2px", svg)
    svg = re.sub(r" font-family: [^;\"]*;", "", svg)
    svg = re.sub(r'"[^"]*"', lambda found: re.sub(r"\d+\.\d{3,}", _shorter, found[0]), svg)
    svg = re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><")
    for colour, ours in _COLOURS.items():
        svg = svg.replace(colour, ours)
    return svg
