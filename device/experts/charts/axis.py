"""Finds the axis that values are read from: tick labels in a column, evenly spaced by what they say.

Looks for upright axes with the larger values above; for level ones the items are turned first (Item.turned).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from device.experts.charts.items import Item

FEWEST = 3  # tick labels
OFF = 0.4  # of a label's height, at most, between a label and where the axis has its value


@dataclass(frozen=True)
class Axis:
    """value = slope * position + intercept (of its logarithm to base 10 where `logarithmic`), positions in pixels.

    ticks: the labels that agree, by position; off: their root mean square distance from the fit, in pixels.
    """

    slope: float
    intercept: float
    ticks: tuple[Item, ...]
    off: float
    logarithmic: bool = False

    def value(self, position: float) -> float:
        return self.slope * position + self.intercept

    def position(self, value: float) -> float:
        return (value - self.intercept) / self.slope

    @property
    def span(self) -> float:
        """Between the smallest and the largest label."""
        numbers = [tick.number or 0.0 for tick in self.ticks]
        return max(numbers) - min(numbers)

    @property
    def whole(self) -> bool:
        """Whether no label is missing between the first and the last."""
        steps = np.abs(np.diff([tick.y for tick in self.ticks]))
        return bool(steps.max() < 1.5 * steps.min())

    @property
    def confidence(self) -> float:
        """Falls with labels that were read poorly or stand off their place; few labels say less than many."""
        read = min(tick.confidence for tick in self.ticks)
        return float(read * np.exp(-self.off / 6) * (1 - 0.5 ** (len(self.ticks) - 1)))


def find_axis(items: Sequence[Item]) -> Axis | None:
    """The one that most labels agree on. A logarithmic one needs more labels than a linear one to be believed."""
    labels = [item for item in items if item.number is not None]
    best: Axis | None = None
    for logarithmic in (False, True):
        usable = [item for item in labels if not logarithmic or (item.number or 0) > 0]
        for one, other in combinations(usable, 2):
            axis = _through(one, other, usable, logarithmic)
            if axis is not None and (
                best is None or (len(axis.ticks), -axis.off) > (len(best.ticks) + logarithmic, -best.off)
            ):
                best = axis
    return best


def _through(one: Item, other: Item, labels: Sequence[Item], logarithmic: bool) -> Axis | None:
    if not _in_column(one, other) or abs(one.y - other.y) < 0.8 * one.height:
        return None
    first, second = (_scaled(item, logarithmic) for item in (one, other))
    slope = (second - first) / (other.y - one.y)
    if slope >= 0:
        return None
    ticks: dict[float, Item] = {}
    for item in labels:
        if _in_column(item, one) or _in_column(item, other):
            off = abs(first + slope * (item.y - one.y) - _scaled(item, logarithmic)) / abs(slope)
            if off < OFF * item.height:
                ticks[item.number or 0.0] = item
    if len(ticks) < FEWEST or not _even([_scaled(item, logarithmic) for item in ticks.values()]):
        return None
    kept = sorted(ticks.values(), key=lambda item: item.y)
    places = np.array([item.y for item in kept])
    values = np.array([_scaled(item, logarithmic) for item in kept])
    slope, intercept = np.polyfit(places, values, 1)
    off = float(np.sqrt(np.mean((places - (values - intercept) / slope) ** 2)))
    return Axis(float(slope), float(intercept), tuple(kept), off, logarithmic)


def _in_column(one: Item, other: Item) -> bool:
    """Whether they share an edge or the middle, as tick labels of an axis do."""
    near = 0.7 * min(one.height, other.height)
    return min(abs(one.left - other.left), abs(one.right - other.right), abs(one.x - other.x)) < max(near, 4.0)


def _scaled(item: Item, logarithmic: bool) -> float:
    value = item.number or 0.0
    return float(np.log10(value)) if logarithmic else value


def _even(values: Sequence[float]) -> bool:
    """Whether the steps between them are multiples of the smallest, where a label or two were not read."""
    steps = np.diff(np.sort(values))
    counts = steps / steps.min()
    return bool(np.all(np.abs(counts - np.rint(counts)) < 0.05) and counts.max() < 5)
