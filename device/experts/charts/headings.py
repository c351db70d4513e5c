"""Tells the title and the labels of the axes from the other text of a chart, by size and place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device.experts.charts.items import Item
from device.experts.charts.view import Reading


def headings(reading: Reading) -> tuple[list[Item], list[Item], list[Item]]:
    """Items of the title, the label of the categories' axis, and the label of the values' axis."""
    view = reading.view
    back = lambda item: view.upright[id(item)]  # noqa: E731
    free = [back(item) for item in view.items if id(item) not in reading.used]
    ticks = [back(tick) for tick in reading.axis.ticks] if reading.axis else []
    categories = [back(item) for item in reading.categories if item]
    marks = [bar.box for row in reading.bars for bar in row if bar]
    boxes = [view.straight(mark) for mark in marks]
    boxes += [(item.left, item.top, item.right, item.bottom) for item in (*ticks, *categories)]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    high = float(np.median([item.height for item in (*ticks, *categories)]))
    words = [item for item in free if item.upright and any(letter.isalpha() for letter in item.text)]
    above = [
        item
        for item in words
        if item.bottom < top + 0.7 * high
        and item.top > top - max(8 * high, 0.35 * (bottom - top))
        and left - 6 * high < item.x < right + 2 * high
    ]
    title = _largest(above)
    below = [item for item in words if item.top > bottom - 0.6 * high and item.top < bottom + 3.5 * high]
    below = [item for item in below if left < item.x < right]
    lower = sorted(below, key=lambda item: item.top)[:1]
    beside = [
        item
        for item in free
        if not item.upright and item.x < left + 0.5 * high and top - 2 * high < item.y < bottom + 2 * high
    ]
    outer = sorted(beside, key=lambda item: -item.x)[:1]
    return (title, outer, lower) if view.width else (title, lower, outer)


def _largest(items: Sequence[Item]) -> list[Item]:
    """The lines in the largest letters, those of one heading, in reading order."""
    if not items:
        return []
    tallest = max(item.height for item in items)
    large = sorted((item for item in items if item.height > 0.8 * tallest), key=lambda item: (item.y, item.left))
    first = max(large, key=lambda item: (item.right - item.left) * item.height)
    return [item for item in large if abs(item.y - first.y) < 1.8 * tallest]
