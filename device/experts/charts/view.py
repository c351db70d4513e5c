"""Ways of looking at a straightened chart, and what one of them has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from device.experts.charts.axis import Axis
from device.experts.charts.bars import Bar
from device.experts.charts.curves import Curve
from device.experts.charts.items import Item
from device.experts.charts.surface import Rectangle, Surface


@dataclass(frozen=True)
class View:
    """One way of looking. upright: by id of an item, the same where the picture is not turned.

    width: of the picture that was turned, 0 where it was not.
    """

    items: tuple[Item, ...]
    surface: Surface
    upright: dict[int, Item]
    level: Surface
    width: float = 0.0

    @classmethod
    def of(cls, items: tuple[Item, ...], surface: Surface) -> View:
        return cls(items, surface, {id(item): item for item in items}, surface)

    def turned(self) -> View:
        """For level bars, which stand upright then."""
        width = float(self.surface.size[0])
        items = tuple(item.turned(width) for item in self.items)
        upright = {id(item): before for item, before in zip(items, self.items, strict=True)}
        return View(items, self.surface.turned(), upright, self.surface, width)

    def straight(self, box: Rectangle) -> Rectangle:
        """A box of this view in the picture that is not turned."""
        left, top, right, bottom = box
        return (self.width - bottom, left, self.width - top, right) if self.width else box


@dataclass(frozen=True)
class Reading:
    """What one way of looking has found. marks: for each category (None: not read) its bars or points by series."""

    view: View
    axis: Axis | None
    base: float
    categories: tuple[Item | None, ...]
    names: tuple[str, ...]
    bars: tuple[tuple[Bar | None, ...], ...]  # by category, then by series
    curves: tuple[Curve, ...]
    places: tuple[float, ...]
    stacked: bool
    printed: int  # values at bars
    used: frozenset[int]  # ids of items that are ticks, categories, printed values, names of series

    @property
    def found(self) -> float:
        """How much it explains: marks with a category count most."""
        if self.curves:
            return 0.9 * len(self.places)
        return sum((1.0 if self.categories[at] else 0.4) for at, bars in enumerate(self.bars) if any(bars))

    @property
    def valued(self) -> bool:
        """Whether values can be told: by the axis, or because some are printed."""
        return self.axis is not None or self.printed > 1


def inside(view: View, axis: Axis | None) -> Rectangle:
    """Where marks may be: beside the tick labels, as far as they go and a step beyond."""
    width, height = view.surface.size
    if axis is None:
        return 0.0, 0.0, float(width), float(height)
    first, last = axis.ticks[0].y, axis.ticks[-1].y
    beyond = 1.2 * (last - first) / (len(axis.ticks) - 1)
    low, high = min(first, last) - beyond, max(first, last) + beyond
    left, right = min(tick.left for tick in axis.ticks), max(tick.right for tick in axis.ticks)
    others = [item.x for item in view.items if item not in axis.ticks]
    after = sum(x > right for x in others) >= sum(x < left for x in others)
    span = (right + 3, float(width)) if after else (0.0, left - 3)
    return span[0], max(0.0, low), span[1], min(float(height), high)


def rows_of(candidates: Sequence[tuple[float, Item]]) -> list[list[Item]]:
    """Items that are about as far as each, from left to right; the nearest row first."""
    rows = []
    for beyond, item in sorted(candidates, key=lambda pair: pair[0]):
        row = [other for far, other in candidates if abs(far - beyond) < 0.6 * item.height]
        rows.append(sorted(row, key=lambda item: item.x))
    return rows
