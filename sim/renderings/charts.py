"""Draws bar and line charts and photographs them; each comes with questions and the answers that were drawn.

Most are matplotlib's in several of its styles; one in five is drawn by hand (`_Card`), as newspapers and dashboards do:
no axis line, tick labels on the right or none at all, rounded bars. matplotlib is in the extra `report`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.errors import GlintError
from sim.renderings.distort import photograph

TOLERANCE = 0.025  # of the value axis' range; within it a value counts as read
DISTORTIONS = ("flat", "perspective", "blur", "glare", "dim")
STYLES = ("default", "ggplot", "seaborn-v0_8-whitegrid", "dark_background", "bmh", "fivethirtyeight", "Solarize_Light2")
FONTS = ("DejaVu Sans", "DejaVu Sans", "DejaVu Serif", "STIXGeneral")
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#e07b00", "#7b4ea3", "#008080", "#c2185b")

# what is counted, what it is called on its axis, by what, the names, the largest value
_SUBJECTS: Sequence[tuple[str, str, str, Sequence[str], float]] = (
    ("Coffee sold", "Cups sold", "Weekday", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), 240),
    ("Rainfall", "Rain in mm", "Month", ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug"), 120),
    ("Forest area", "Share of land in %", "Country", ("Finland", "Sweden", "Spain", "Poland", "Ireland", "Italy"), 80),
    ("Passengers", "Million passengers", "Year", ("2017", "2018", "2019", "2020", "2021", "2022", "2023"), 9),
    ("Harvest", "Tonnes", "Crop", ("Wheat", "Barley", "Maize", "Oats", "Rye", "Peas"), 4200),
    ("Visitors", "Visitors", "Museum", ("Harbour", "Science", "Railway", "Toy", "Castle"), 18000),
    ("Energy use", "kWh", "Room", ("Kitchen", "Office", "Garage", "Bedroom", "Bath"), 35),
    ("Test scores", "Points", "Class", ("1A", "1B", "2A", "2B", "3A", "3B"), 100),
    ("Sales", "Thousand dollars", "Quarter", ("Q1", "Q2", "Q3", "Q4"), 560),
    ("Temperature", "Degrees", "Hour", ("06:00", "09:00", "12:00", "15:00", "18:00", "21:00"), 30),
    ("Books lent", "Books", "Branch", ("North", "South", "East", "West", "Central"), 950),
    ("Speed", "km per hour", "Animal", ("Horse", "Hare", "Fox", "Cat", "Lion", "Deer"), 85),
)
_TITLES = ("{what} by {by}", "{what} per {by}", "Our {what}", "{what} in the valley", "{What} report", "{what}")
_SERIES = (("Plan", "Actual"), ("Men", "Women"), ("Before", "After"), ("North", "South"))


@dataclass
class Facts:
    """What a chart shows. values: by series ("" where there is one), one for each category, as written or drawn."""

    kind: str  # "bar chart", "horizontal bar chart" or "line chart"
    title: str
    category_label: str
    value_label: str
    categories: list[str]
    values: dict[str, list[float]]
    printed: bool
    span: float = 0.0  # of the value axis, once it is drawn


def render(out: Path, seed: int, count: int) -> None:
    """Writes `count` JPEG files and data.jsonl: rows with file, question, answer, kind, and tolerance for a number.

    Raises GlintError where matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise GlintError('Charts are drawn with matplotlib; install it with: pip install "glint[report]"') from None
    matplotlib.use("Agg")
    rows: list[dict[str, Any]] = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        facts = _facts(rng)
        card = _Card(facts, rng).draw() if number % 5 == 4 else _plot(facts, rng)
        distortion = DISTORTIONS[int(rng.integers(len(DISTORTIONS)))]
        file = f"chart-{number:03d}-{distortion}.jpg"
        Image.fromarray(photograph(card, distortion, rng)).save(out / file, quality=95)
        style = {"drawn": "by hand" if number % 5 == 4 else "matplotlib", "distortion": distortion}
        rows += [{"file": file} | row | style for row in _questions(facts, rng)]
    (out / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _pick(rng: np.random.Generator, choices: Sequence[Any]) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _facts(rng: np.random.Generator) -> Facts:
    what, value_label, by, names, largest = _pick(rng, _SUBJECTS)
    kind = _pick(rng, ("bar chart", "bar chart", "horizontal bar chart", "line chart", "line chart"))
    ordered = by in ("Weekday", "Month", "Year", "Quarter", "Hour")
    count = int(rng.integers(min(4, len(names)), len(names) + 1))
    start = int(rng.integers(len(names) - count + 1))
    categories = list(names[start : start + count] if ordered else rng.permutation(names)[:count])
    series = _pick(rng, _SERIES) if rng.random() < 0.25 else ("",)
    digits = 0 if largest >= 60 else 1
    values = {name: _values(rng, count, largest * rng.uniform(0.6, 1), digits) for name in series}
    title = _pick(rng, _TITLES).format(what=what, What=what.capitalize(), by=by.lower())
    printed = len(series) == 1 and kind != "line chart" and rng.random() < 0.35
    return Facts(kind, title[0].upper() + title[1:], by, value_label, categories, values, bool(printed))


def _values(rng: np.random.Generator, count: int, largest: float, digits: int) -> list[float]:
    """The largest and the smallest stand out by 6 % of the largest, so that they can be named without doubt."""
    while True:
        values = np.round(rng.uniform(0.15, 1, count) * largest, digits)
        low, high = np.sort(values)[:2], np.sort(values)[-2:]
        if min(low[1] - low[0], high[1] - high[0]) > 0.06 * largest:
            return [float(value) for value in values]


def _written(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:g}"


def _questions(facts: Facts, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"question": "What is the title of this chart?", "answer": facts.title, "kind": "title"},
        {"question": "What kind of chart is this?", "answer": facts.kind, "kind": "chart"},
    ]
    across, up = facts.category_label, facts.value_label
    if facts.kind == "horizontal bar chart":
        across, up = up, across
    if across:
        rows.append({"question": "What does the x axis show?", "answer": across, "kind": "axis"})
    if up:
        rows.append({"question": "What does the y axis show?", "answer": up, "kind": "axis"})
    close = {"tolerance": round(TOLERANCE * facts.span, 6)}
    everything = [value for values in facts.values.values() for value in values]
    rows.append(
        {"question": "What is the highest value?", "answer": _written(max(everything)), "kind": "highest value"} | close
    )
    for series, values in facts.values.items():
        of = f" for {series}" if series else ""
        largest, smallest = facts.categories[int(np.argmax(values))], facts.categories[int(np.argmin(values))]
        rows.append({"question": f"Which is the highest{of}?", "answer": largest, "kind": "largest"})
        rows.append({"question": f"Which is the lowest{of}?", "answer": smallest, "kind": "smallest"})
        for at in rng.permutation(len(values))[: 1 if series else 2]:
            named = f"{series} in {facts.categories[at]}" if series else facts.categories[at]
            row = {"question": f"What is the value for {named}?", "answer": _written(values[at]), "kind": "value"}
            rows.append(row | close)
    return rows


def _plot(facts: Facts, rng: np.random.Generator) -> np.ndarray:
    """The chart by matplotlib: uint8 RGB."""
    from matplotlib import pyplot, rc_context, style

    sheet = _pick(rng, STYLES)
    size = float(rng.uniform(13, 18))
    settings: Any = {"font.family": _pick(rng, FONTS)} | dict.fromkeys(
        ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"), size
    )
    with rc_context(), style.context(sheet):
        pyplot.rcParams.update(settings | {"axes.titlesize": size * rng.uniform(1.1, 1.5)})
        figure, axes = pyplot.subplots(figsize=(rng.uniform(8.5, 11), rng.uniform(5.2, 6.5)), dpi=110)
        _marks(axes, facts, rng)
        if rng.random() < 0.25:
            facts.category_label = ""
        if rng.random() < 0.2:
            facts.value_label = ""
        across = facts.kind == "horizontal bar chart"
        axes.set_xlabel(facts.value_label if across else facts.category_label)
        axes.set_ylabel(facts.category_label if across else facts.value_label)
        axes.set_title(facts.title, loc=_pick(rng, ("center", "center", "left")))
        if rng.random() < 0.4:
            axes.grid(axis="x" if across else "y", alpha=0.6)
        if rng.random() < 0.4:
            axes.spines[["top", "right"]].set_visible(False)
        if len(facts.values) > 1:
            axes.legend(loc="best")
        low, high = axes.get_xlim() if across else axes.get_ylim()
        facts.span = float(high - low)
        figure.tight_layout()
        figure.canvas.draw()
        picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()  # type: ignore[attr-defined]
        pyplot.close(figure)
    return picture


def _marks(axes: Any, facts: Facts, rng: np.random.Generator) -> None:
    places = np.arange(len(facts.categories))
    colours = [str(colour) for colour in rng.permutation(COLOURS)]
    thick = rng.uniform(0.5, 0.85) / len(facts.values)
    for number, (series, values) in enumerate(facts.values.items()):
        shift = (number - (len(facts.values) - 1) / 2) * thick
        if facts.kind == "line chart":
            marker = _pick(rng, ("o", "s", "", "D"))
            axes.plot(places, values, marker=marker, color=colours[number], lw=rng.uniform(2, 3.5), ms=9, label=series)
            continue
        draw = axes.barh if facts.kind == "horizontal bar chart" else axes.bar
        one = colours[number] if len(facts.values) > 1 or rng.random() < 0.7 else colours[: len(values)]
        bars = draw(places + shift, values, thick, color=one, label=series or None)
        if facts.printed:
            axes.bar_label(bars, labels=[_written(value) for value in values], padding=3)
            axes.margins(**{"x" if facts.kind == "horizontal bar chart" else "y": 0.15})
    if facts.kind == "horizontal bar chart":
        axes.set_yticks(places, facts.categories)
        if rng.random() < 0.5:
            axes.invert_yaxis()
    else:
        axes.set_xticks(places, facts.categories)
    if facts.kind == "line chart" and rng.random() < 0.5:
        axes.set_ylim(bottom=0)


class _Card:
    """A chart as a newspaper draws it, with Pillow alone."""

    size = (1040, 620)
    inside = (150, 150, 900, 520)  # left, top, right, bottom of where marks are

    def __init__(self, facts: Facts, rng: np.random.Generator) -> None:
        facts.category_label = facts.value_label = ""
        self._facts = facts
        self._rng = rng
        self._paper, self._ink = _pick(rng, (("#fff6ee", "#33302e"), ("#ffffff", "#202020"), ("#1d2733", "#e8edf2")))
        self._image = Image.new("RGB", self.size, self._paper)
        self._pen = ImageDraw.Draw(self._image)
        self._font = ImageFont.load_default(25)
        largest = max(max(values) for values in facts.values.values())
        step = next(s for s in _steps() if largest / s <= 5)
        self._ticks = [step * number for number in range(int(np.ceil(largest / step - 1e-9)) + 1)]
        facts.span = self._ticks[-1]
        self._colours = [str(colour) for colour in rng.permutation(COLOURS)]

    def draw(self) -> np.ndarray:
        """uint8 RGB of `size`."""
        facts = self._facts
        self._pen.rectangle((40, 28, 110, 36), fill="#d62728")
        self._pen.text((40, 46), facts.title, font=ImageFont.load_default(40), fill=self._ink)
        across = facts.kind == "horizontal bar chart"
        if not facts.printed:
            self._scale(across)
        if facts.kind == "line chart":
            self._lines()
        else:
            self._bars(across)
        if "" not in facts.values:
            self._legend()
        return np.asarray(self._image)

    def _along(self, value: float, across: bool) -> float:
        left, top, right, bottom = self.inside
        share = value / self._ticks[-1]
        return left + share * (right - left) if across else bottom - share * (bottom - top)

    def _scale(self, across: bool) -> None:
        left, top, right, bottom = self.inside
        line = "#c9c0b8" if self._paper != "#1d2733" else "#46525f"
        for tick in self._ticks:
            at, text = self._along(tick, across), f"{tick:,g}"
            if across:
                self._pen.line((at, top, at, bottom), fill=line, width=2)
                self._pen.text((at, bottom + 8), text, font=self._font, fill=self._ink, anchor="mt")
            else:
                self._pen.line((left, at, right, at), fill=line, width=2)
                self._pen.text((right + 12, at), text, font=self._font, fill=self._ink, anchor="lm")

    def _places(self, across: bool) -> np.ndarray:
        left, top, right, bottom = self.inside
        edges = np.linspace(top, bottom, len(self._facts.categories) + 1)
        if not across:
            edges = np.linspace(left, right, len(self._facts.categories) + 1)
        return (edges[1:] + edges[:-1]) / 2

    def _bars(self, across: bool) -> None:
        left, _, _, bottom = self.inside
        places = self._places(across)
        thick = 0.62 * (places[1] - places[0]) / len(self._facts.values)
        for number, values in enumerate(self._facts.values.values()):
            for place, value in zip(places, values, strict=True):
                start = place + (number - len(self._facts.values) / 2) * thick
                end = self._along(value, across)
                box = (left, start, end, start + thick) if across else (start, end, start + thick, bottom)
                corners = (False, True, True, False) if across else (True, True, False, False)
                self._pen.rounded_rectangle(box, 6, fill=self._colours[number], corners=corners)
                if self._facts.printed:
                    at, anchor = ((end + 8, place), "lm") if across else ((place, end - 6), "mb")
                    self._pen.text(at, _written(value), font=self._font, fill=self._ink, anchor=anchor)
        for place, name in zip(places, self._facts.categories, strict=True):
            at, anchor = ((left - 12, place), "rm") if across else ((place, bottom + 12), "mt")
            self._pen.text(at, name, font=self._font, fill=self._ink, anchor=anchor)

    def _lines(self) -> None:
        places, bottom = self._places(False), self.inside[3]
        for number, values in enumerate(self._facts.values.values()):
            points = [(x, self._along(value, False)) for x, value in zip(places, values, strict=True)]
            self._pen.line(points, fill=self._colours[number], width=5, joint="curve")
            for x, y in points:
                self._pen.ellipse(
                    (x - 8, y - 8, x + 8, y + 8), fill=self._paper, outline=self._colours[number], width=4
                )
        for place, name in zip(places, self._facts.categories, strict=True):
            self._pen.text((place, bottom + 12), name, font=self._font, fill=self._ink, anchor="mt")

    def _legend(self) -> None:
        at = 150
        for number, series in enumerate(self._facts.values):
            self._pen.rectangle((at, 106, at + 24, 130), fill=self._colours[number])
            self._pen.text((at + 34, 118), series, font=self._font, fill=self._ink, anchor="lm")
            at += 200


def _steps() -> list[float]:
    return [head * 10.0**power for power in range(-1, 6) for head in (1, 2, 2.5, 5)]
