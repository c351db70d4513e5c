"""Reads a picture as a line chart: lines over evenly spaced categories, beside an upright axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device.experts.charts.axis import Axis
from device.experts.charts.curves import find_curves
from device.experts.charts.items import Item
from device.experts.charts.legend import names_of
from device.experts.charts.view import Reading, View, inside, rows_of


def read_lines(view: View, axis: Axis) -> Reading | None:
    """None where there is no line over three or more labels."""
    width, height = view.surface.size
    lowest = axis.ticks[-1]
    ticks = {id(tick) for tick in axis.ticks}
    candidates = [
        (item.top, item)
        for item in view.items
        if id(item) not in ticks and item.upright and item.y > lowest.y - 1.2 * item.height
    ]
    row = max((_evenly(row) for row in rows_of(candidates)), key=len, default=[])
    if len(row) < 3:
        return None
    places = [item.x for item in row]
    gap = (places[-1] - places[0]) / (len(places) - 1)
    left, top, _, _ = inside(view, axis)
    bottom = min(item.top for item in row) - 2
    where = (
        max(places[0] - 0.5 * gap, 0.0, left if left < places[0] else 0.0),
        top,
        min(places[-1] + 0.5 * gap, float(width)),
        min(bottom, float(height)),
    )
    if where[3] - where[1] < 40:
        return None
    used = {id(item) for item in row} | ticks
    curves = find_curves(view.surface, where, places, view.items)
    curves = [curve for curve in curves if np.isfinite(curve.heights).sum() >= 3]
    if not curves:
        return None
    names = names_of(view, [curve.colour[None] for curve in curves], used) if len(curves) > 1 else ("",)
    return Reading(view, axis, bottom, tuple(row), names, (), tuple(curves), tuple(places), False, 0, frozenset(used))


def _evenly(row: Sequence[Item]) -> list[Item]:
    """The longest run of items at even distances: labels of an axis, without what else stands in their row."""
    best: list[Item] = []
    for at, one in enumerate(row):
        for other in row[at + 1 :]:
            gap = other.x - one.x
            run = [one, other]
            for item in row:
                if item.x > run[-1].x and abs(item.x - run[-1].x - gap) < 0.12 * gap:
                    run.append(item)
            if len(run) > len(best):
                best = run
    return best
