"""Reads a picture as a bar chart: bars, the category and the series of each, and the values printed at them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device.experts.charts.axis import Axis
from device.experts.charts.bars import Bar, Bars, find_bars
from device.experts.charts.items import Item
from device.experts.charts.legend import names_of
from device.experts.charts.view import Reading, View, inside, rows_of


def read_bars(view: View, axis: Axis | None) -> Reading | None:
    """None where there are fewer than two bars with names. Without an axis, printed values are all it has."""
    where = inside(view, axis)
    zero = axis.position(0.0) if axis is not None and not axis.logarithmic else None
    negative = axis is not None and any((tick.number or 0.0) < 0 for tick in axis.ticks)
    found = find_bars(view.surface, where, zero, negative)
    if found is None:
        return None
    categories = _categories_of_bars(view, found, axis)
    if sum(item is not None for item in categories[0]) < 2:
        return None
    labels, groups = categories
    slots = _slots(labels, groups)
    printed = printed_at(view, slots, axis)
    used = {id(item) for item in labels if item} | {id(item) for row in printed for item in row if item}
    used |= {id(tick) for tick in axis.ticks} if axis else set()
    colours = [np.array([row[at].colour for row in slots if row[at]]) for at in range(len(slots[0]))]  # type: ignore
    boxes = [bar.box for row in slots for bar in row if bar]
    count = sum(item is not None for row in printed for item in row)
    names = names_of(view, colours, used, boxes) if len(colours) > 1 else ("",)
    return Reading(view, axis, found.base, tuple(labels), names, slots, (), (), found.stacked, count, frozenset(used))


def _categories_of_bars(view: View, found: Bars, axis: Axis | None) -> tuple[list[Item | None], list[list[Bar]]]:
    """The label of each group of bars, and the groups; labels stand in a row beyond the base."""
    taken = {id(tick) for tick in axis.ticks} if axis else set()
    left, right = found.bars[0].left, found.bars[-1].right
    wide = (right - left) / len(found.bars)
    candidates = []
    for item in view.items:
        if id(item) in taken or not left - wide < item.x < right + wide:
            continue
        beyond = item.top - found.base
        if -0.5 * item.height < beyond < 9 * item.height:
            candidates.append((beyond, item))
    row = max(rows_of(candidates), key=len, default=[])
    if not row:
        return [None] * len(found.bars), [[bar] for bar in found.bars]
    places = [item.x for item in row]
    spacing = float(np.median(np.diff(places))) if len(places) > 1 else wide
    groups: dict[float, list[Bar]] = {place: [] for place in places}
    for bar in found.bars:
        nearest = min(groups, key=lambda place: abs(bar.x - place))
        if abs(bar.x - nearest) > 0.55 * spacing:  # its label was not read; it is where one would be
            nearest += spacing * round((bar.x - nearest) / spacing)
        groups.setdefault(nearest, []).append(bar)
    names = dict(zip(places, row, strict=True))
    labelled = [(names.get(place), groups[place]) for place in sorted(groups) if groups[place]]
    return [item for item, _ in labelled], [group for _, group in labelled]


def _slots(labels: Sequence[Item | None], groups: Sequence[Sequence[Bar]]) -> tuple[tuple[Bar | None, ...], ...]:
    """Each group's bars by series. The place in the group tells it: colours change under a lamp, places do not."""
    count = max(map(len, groups))
    if count == 1:
        return tuple((group[0],) for group in groups)
    full = [sorted(group, key=lambda bar: bar.x) for group in groups if len(group) == count]
    offsets = np.median([[bar.x - np.mean([one.x for one in group]) for bar in group] for group in full], axis=0)
    result = []
    for item, group in zip(labels, groups, strict=True):
        middle = item.x if item is not None and len(group) < count else float(np.mean([bar.x for bar in group]))
        row: list[Bar | None] = [None] * count
        for bar in group:
            row[int(np.argmin(np.abs(offsets - (bar.x - middle))))] = bar
        result.append(tuple(row))
    return tuple(result)


def printed_at(view: View, slots: Sequence[tuple[Bar | None, ...]], axis: Axis | None) -> list[tuple[Item | None, ...]]:
    """The number at the end of each bar, where there is one."""
    ticks = {id(tick) for tick in axis.ticks} if axis else set()
    numbers = [item for item in view.items if item.number is not None and id(item) not in ticks]
    return [tuple(_number_at(bar, numbers) for bar in row) for row in slots]


def _number_at(bar: Bar | None, numbers: Sequence[Item]) -> Item | None:
    if bar is None:
        return None
    best: tuple[float, Item] | None = None
    for item in numbers:
        if abs(item.x - bar.x) > max(0.4 * (bar.right - bar.left), 0.5 * item.height):
            continue
        beyond, within = bar.end - item.bottom, item.top - bar.end
        if -0.6 * item.height < beyond < 1.5 * item.height or 0 <= within < 1.0 * item.height:
            off = min(abs(beyond), abs(within))
            if best is None or off < best[0]:
                best = off, item
    return best[1] if best else None
