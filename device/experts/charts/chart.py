"""Understands a bar or line chart: which text is what, and what each bar or point is worth.

Both ways of looking at it (upright, and turned for level bars) are tried; the one that explains more marks is kept.
Values printed at a bar win over its length unless the others contradict them. Knows no pie charts, no stacked bars, no
slanted labels, no second value axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from device.experts.charts.axis import Axis, find_axis
from device.experts.charts.bar_chart import read_bars
from device.experts.charts.headings import headings
from device.experts.charts.items import Item, baselines, items_of, merged
from device.experts.charts.line_chart import read_lines
from device.experts.charts.straighten import straightened, straightening
from device.experts.charts.surface import Surface, brightened
from device.experts.charts.values import Label, Placing, Point, bar_points, curve_points
from device.experts.charts.view import Reading, View
from models.reading import Line

VERTICAL, HORIZONTAL, LINES = "bar chart", "horizontal bar chart", "line chart"
PARTIAL = "It goes on where I cannot read the names below it."
ENOUGH = 3  # bars with names and without values; then values may not have been read
LARGEST = 1600  # pixels of the longer side; larger pictures are shrunk


@dataclass(frozen=True)
class Chart:
    """kind: VERTICAL, HORIZONTAL or LINES, "" where no marks were made out. step: values are rounded to it.

    category_label, value_label: of the axes. ends: lowest and highest tick label. unit: "%" or a currency sign.
    trouble: why values cannot be told, a whole sentence.
    """

    kind: str
    title: Label | None
    category_label: Label | None
    value_label: Label | None
    points: tuple[Point, ...]
    series: tuple[str, ...]
    ends: tuple[Label, Label] | None
    span: float
    step: float
    unit: str
    trouble: str = ""


def read_chart(pixels: np.ndarray, lines: Sequence[Line], read: Callable[[np.ndarray], Sequence[Line]]) -> Chart | None:
    """pixels: uint8 RGB [height, width, 3]; lines: the text in it. None where it does not look like such a chart.

    read: reads text again, called once and only where labels of an axis seem to be missing: more are found when the
    page is straightened, brightened and smoothed.
    """
    if min(pixels.shape[:2]) < 100 or len(lines) < 3:
        return None
    shrink = min(1.0, LARGEST / max(pixels.shape[:2]))
    size = (float(pixels.shape[1]), float(pixels.shape[0]))
    if shrink < 1:
        pixels = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    picture, matrix = straightened(pixels, straightening(grey, baselines(lines) * shrink))
    matrix = matrix @ np.diag([shrink, shrink, 1.0])
    surface = Surface.of(picture)
    look = _Look(View.of(tuple(items_of(lines, matrix)), surface), Placing(matrix, size, lines))
    if not look.whole and look.promising:
        page = _page(look.upright.items, picture.shape)
        seen = read(cv2.bilateralFilter(brightened(picture[page]), 7, 40, 3))
        back = np.array([[1, 0, page[1].start], [0, 1, page[0].start], [0, 0, 1]], np.float64)
        items = merged(items_of(seen, back), look.upright.items, len(seen))
        again = _Look(View.of(items, surface), Placing(matrix, size, (*seen, *lines)))
        look = max(again, look, key=lambda each: each.found)
    if look.best is not None:
        return _chart(look.best, look.placing)
    return _bare(look.upright, look.placing)


class _Look:
    """The picture with one reading of its text: the best way of looking at it, if any explains something."""

    def __init__(self, upright: View, placing: Placing) -> None:
        self.upright = upright
        self.placing = placing
        views = (upright, upright.turned())
        readings = [reading for view in views for reading in _readings(view)]
        valued = [reading for reading in readings if reading.valued]
        self.best = max(valued, key=lambda reading: reading.found, default=None)
        axes = any(find_axis(view.items) is not None for view in views)
        self.promising = axes or any(reading.found >= ENOUGH for reading in readings)

    @property
    def found(self) -> float:
        return self.best.found if self.best else 0.0

    @property
    def whole(self) -> bool:
        """Whether no label seems to be missing."""
        best = self.best
        if best is None or None in best.categories or any(curve.beyond for curve in best.curves):
            return False
        return best.axis is None or best.axis.whole


def _page(items: Sequence[Item], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns that hold all text, with a margin for what was not read."""
    margin = 4 * float(np.median([item.height for item in items]))
    top, bottom = min(item.top for item in items) - margin, max(item.bottom for item in items) + margin
    left, right = min(item.left for item in items) - margin, max(item.right for item in items) + margin
    return (
        slice(max(0, int(top)), max(1, min(int(bottom), shape[0]))),
        slice(max(0, int(left)), max(1, min(int(right), shape[1]))),
    )


def _readings(view: View) -> list[Reading]:
    """Upright bars or lines with an axis; bars without one where values are printed on them."""
    axis = find_axis(view.items)
    found = [read_bars(view, axis)]
    if axis is not None and not view.width:
        found.append(read_lines(view, axis))
    return [reading for reading in found if reading is not None]


def _chart(reading: Reading, placing: Placing) -> Chart:
    view, axis = reading.view, reading.axis
    kind = LINES if reading.curves else HORIZONTAL if view.width else VERTICAL
    points = curve_points(reading, placing) if reading.curves else bar_points(reading, placing)
    trouble = ""
    if reading.stacked:
        trouble = "Its bars are stacked, and I cannot take stacked bars apart."
        points = [replace(point, value=None, printed=None) for point in points]
    elif axis is not None and axis.logarithmic:
        trouble = "Its axis is logarithmic, and I do not read values from such an axis."
    elif any(curve.beyond for curve in reading.curves):
        trouble = PARTIAL
    values = [point.value for point in points if point.value is not None]
    span = axis.span if axis is not None else max(values, default=0.0)
    title, category_label, value_label = headings(reading)
    labelled = lambda items: placing.label(items, 0.0) if items else None  # noqa: E731
    return Chart(
        kind,
        labelled(title),
        labelled(category_label),
        labelled(value_label),
        tuple(points),
        reading.names,
        _ends(axis, placing, view.width),
        span,
        _step(span),
        _unit(axis, points),
        trouble,
    )


def _bare(view: View, placing: Placing) -> Chart | None:
    """A chart whose marks cannot be made out: at least four labels of an upright axis and a title or an axis label."""
    axis = find_axis(view.items)
    if axis is None or len(axis.ticks) < 4 or axis.off > 2.5:
        return None
    nothing = Reading(
        view, axis, axis.ticks[-1].bottom, (), ("",), (), (), (), False, 0, frozenset(map(id, axis.ticks))
    )
    title, category_label, value_label = headings(nothing)
    if not title or not value_label:
        return None
    trouble = "I can make out its axis, but neither bars nor lines."
    named = [placing.label(each, 0.0) if each else None for each in (title, category_label, value_label)]
    return Chart(
        "", named[0], named[1], named[2], (), (), _ends(axis, placing, 0.0), axis.span, _step(axis.span), "", trouble
    )


def _ends(axis: Axis | None, placing: Placing, width: float) -> tuple[Label, Label] | None:
    if axis is None:
        return None
    ordered = sorted(axis.ticks, key=lambda tick: tick.number or 0.0)
    return placing.label([ordered[0]], width), placing.label([ordered[-1]], width)


def _step(span: float) -> float:
    """1, 2 or 5 times a power of ten, about a hundredth of the axis: finer than that is not known."""
    if span <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(span / 100))
    return float(max(head * power for head in (1, 2, 5) if head * power <= span / 100 * 1.0001))


def _unit(axis: Axis | None, points: Sequence[Point]) -> str:
    texts = [tick.text for tick in axis.ticks] if axis else [point.printed.text for point in points if point.printed]
    for unit in ("%", "$", "€", "£", "¥"):
        if texts and sum(unit in text for text in texts) > len(texts) / 2:
            return unit
    return ""
