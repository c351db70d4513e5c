"""Tells which series has which name: the text beside a patch or stroke of its colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device.experts.charts.items import Item
from device.experts.charts.surface import Rectangle
from device.experts.charts.view import View

LEGEND = 24.0  # CIE76, at most, between a series and its patch


def names_of(
    view: View, colours: Sequence[np.ndarray], used: set[int], marks: Sequence[Rectangle] = ()
) -> tuple[str, ...]:
    """Of each series, whose colours [n, 3] are given, from the legend: the text beside a patch of one of them.

    marks: bars, which are not patches of the legend.
    """
    pairs = []
    for item in view.items:
        if id(item) in used or item.number is not None or not item.upright:
            continue
        patch = _beside(view, item, marks)
        for at, colour in enumerate(colours):
            off = _apart(patch, colour)
            if off < min(LEGEND, 0.8 * min(_apart(colour, other) for other in colours if other is not colour)):
                pairs.append((off, at, item))
    names = [""] * len(colours)
    taken: set[int] = set()
    for _, at, item in sorted(pairs, key=lambda pair: pair[0]):
        if not names[at] and id(item) not in taken:
            names[at] = item.text
            taken.add(id(item))
    used |= taken
    return tuple(name or f"series {at + 1}" for at, name in enumerate(names))


def _apart(some: np.ndarray, others: np.ndarray) -> float:
    """The least distance between colours [n, 3] and colours [m, 3]."""
    return float(np.min(np.linalg.norm(some[:, None] - others[None], axis=2), initial=99.0))


def _beside(view: View, item: Item, marks: Sequence[Rectangle]) -> np.ndarray:
    """Colours [n, 3] left of a text, where a legend has its patch or stroke."""
    there, colours, high = view.upright[id(item)], view.level.colours, item.height
    middle = (there.top + there.bottom) / 2
    top, bottom = max(0, round(middle - 0.45 * high)), max(0, round(middle + 0.45 * high) + 1)
    left, right = max(0, round(there.left - 3.2 * high)), max(0, round(there.left - 0.25 * high))
    outside = np.ones((max(0, bottom - top), max(0, right - left)), bool)
    for mark in marks:
        box = view.straight(mark)
        rows = slice(max(0, int(box[1] - top) - 3), max(0, int(box[3] - top) + 4))
        outside[rows, max(0, int(box[0] - left) - 3) : max(0, int(box[2] - left) + 4)] = False
    part = colours[top:bottom, left:right]
    return part[outside[: part.shape[0], : part.shape[1]]]
