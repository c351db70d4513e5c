"""What each bar and each point of a line is worth, by the axis or by what is printed at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from device.evidence import Box
from device.experts.charts.bar_chart import printed_at
from device.experts.charts.bars import Bar
from device.experts.charts.items import Item
from device.experts.charts.surface import Rectangle
from device.experts.charts.view import Reading
from models.reading import Line

STANDING = 0.03  # of the axis, at most, between its zero and where bars that begin at zero stand
CONTRADICTION = 0.08  # of the axis, between a printed value and the length of its bar


@dataclass(frozen=True)
class Label:
    """Text of the chart, verbatim, with its place in the photo."""

    text: str
    confidence: float
    box: Box
    line: str


@dataclass(frozen=True)
class Point:
    """A bar or a corner of a line. value: None where its axis cannot be read; size still orders the points.

    printed: the value as it stands there, None where it was measured.
    """

    category: Label | None
    series: str
    value: float | None
    size: float
    printed: Label | None
    confidence: float
    box: Box


@dataclass(frozen=True)
class Placing:
    """How to get from straightened pixels to boxes and lines of the photo."""

    matrix: np.ndarray
    size: tuple[float, float]
    lines: Sequence[Line]

    def box(self, rectangle: Rectangle, width: float) -> Box:
        left, top, right, bottom = rectangle
        corners = np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], np.float64)
        if width:
            corners = np.stack([width - corners[..., 1], corners[..., 0]], axis=-1)
        there = cv2.perspectiveTransform(corners, np.linalg.inv(self.matrix))[0]
        low, high = there.min(axis=0) / self.size, there.max(axis=0) / self.size
        sides = np.clip([*low, *high], 0.0, 1.0)
        return float(sides[0]), float(sides[1]), float(sides[2]), float(sides[3])

    def label(self, items: Sequence[Item], width: float) -> Label:
        text = " ".join(item.text for item in items)
        around = (
            min(item.left for item in items),
            min(item.top for item in items),
            max(item.right for item in items),
            max(item.bottom for item in items),
        )
        line = " ".join(self.lines[item.index].text for item in items)
        return Label(text, min(item.confidence for item in items), self.box(around, width), line)


def bar_points(reading: Reading, placing: Placing) -> list[Point]:
    view, axis = reading.view, reading.axis
    printed = printed_at(view, reading.bars, axis)
    measured = _by_length(reading, printed)
    points = []
    for at, row in enumerate(reading.bars):
        item = reading.categories[at]
        category = placing.label([item], view.width) if item else None
        for which, bar in enumerate(row):
            if bar is None:
                continue
            number = printed[at][which]
            length = measured(bar) if measured else None
            label, value, confidence = None, length, _trust(reading, 1.0)
            if number is not None and number.number is not None:
                span = axis.span if axis else max((i.number or 0.0) for r in printed for i in r if i)
                agrees = length is None or abs(length - number.number) <= CONTRADICTION * max(span, 1e-9)
                if agrees:
                    label, value = placing.label([number], view.width), number.number
                    confidence = number.confidence
                else:
                    confidence *= 0.6
            size = abs(bar.end - reading.base) * (-1.0 if _negative(bar, reading) else 1.0)
            box = placing.box(bar.box, view.width)
            points.append(Point(category, reading.names[which], value, size, label, confidence, box))
    return points


def _negative(bar: Bar, reading: Reading) -> bool:
    return bar.end > reading.base


def _by_length(reading: Reading, printed: Sequence[tuple[Item | None, ...]]):
    """Value of a bar from where it ends: by the axis, else by three or more printed values that agree."""
    axis = reading.axis
    if axis is not None:
        if axis.logarithmic:
            return None
        # Where bars stand is zero more exactly than the middle of the figure beside it, unless they stand elsewhere.
        off = axis.value(reading.base)
        zero = off if abs(off) < STANDING * axis.span else 0.0
        return lambda bar: axis.value(bar.end) - zero
    pairs = [
        (abs(bar.end - reading.base), number.number)
        for bars, numbers in zip(reading.bars, printed, strict=True)
        for bar, number in zip(bars, numbers, strict=True)
        if bar is not None and number is not None and number.number
    ]
    if len(pairs) < 3:
        return None
    scales = np.array([value / max(length, 1.0) for length, value in pairs])
    scale = float(np.median(scales))
    if np.mean(np.abs(scales / scale - 1) < 0.15) < 0.6:  # the bars do not begin at zero
        return None
    return lambda bar: scale * abs(bar.end - reading.base)


def curve_points(reading: Reading, placing: Placing) -> list[Point]:
    axis = reading.axis
    assert axis is not None
    points = []
    for name, curve in zip(reading.names, reading.curves, strict=True):
        for item, place, height in zip(reading.categories, reading.places, curve.heights, strict=True):
            if not np.isfinite(height) or item is None:
                continue
            value = None if axis.logarithmic else axis.value(float(height))
            box = placing.box((place - 12, height - 12, place + 12, height + 12), 0.0)
            trust = _trust(reading, float(np.exp(-curve.spread / 8)))
            points.append(Point(placing.label([item], 0.0), name, value, -float(height), None, trust, box))
    return points


def _trust(reading: Reading, marks: float) -> float:
    return round(0.95 * marks * (reading.axis.confidence if reading.axis else 0.8), 3)
