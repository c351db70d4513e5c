"""Finds the lines of a line chart: one colour that runs from the first category to the last.

Each stretch between two categories is fitted as a straight line, and values are read where neighbours meet, so that
markers, crossings and the rounding of corners do not move them. Lines that are drawn as curves are read where they
pass the category.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from device.experts.charts.items import Item
from device.experts.charts.surface import Rectangle, Surface

COVERED = 0.6  # of the columns must show the line
ALIGNED = 0.92  # cosine between the directions in which two colours leave the background
MOST_LINES = 4
SAME = 14.0  # pixels; two lines that are nowhere further apart are one
FLAT = 0.03  # of the height; a line that changes less is taken for a grid line or an edge of the page
_ZERO = np.array([0, 128, 128], np.float32)  # of L*a*b* in bytes
_CELL = 8  # pixels; the background is looked at in cells


@dataclass(frozen=True)
class Curve:
    """heights: position at each category, NaN where it does not show. colour: L*a*b*. spread: of the fit, pixels.

    beyond: whether it goes on before the first category or after the last.
    """

    heights: np.ndarray
    colour: np.ndarray
    spread: float
    beyond: bool


def find_curves(surface: Surface, inside: Rectangle, places: Sequence[float], texts: Sequence[Item]) -> list[Curve]:
    """inside: where marks may be. places: x of each category, evenly spaced. texts: what is not a line."""
    left, top, right, bottom = (round(max(0.0, side)) for side in inside)
    part = surface.colours[top:bottom, left:right]
    if min(part.shape[:2]) < 4 * _CELL or len(places) < 2:
        return []
    away = part - _background(part)
    size = np.linalg.norm(away, axis=2)
    size[_covered(size.shape, texts, left, top)] = 0
    shown = size > max(9.0, 6.0 * surface.noise)
    gap = (places[-1] - places[0]) / (len(places) - 1)
    found: list[Curve] = []
    free = shown & ~_ruled(shown)
    for _ in range(MOST_LINES + 2):
        direction, strength = _strongest(away, size, free)
        if direction is None:
            break
        alike = (away @ direction) > ALIGNED * np.maximum(size, 1e-6)
        mask = shown & alike & (size > 0.3 * strength)
        free &= ~alike
        curve = _follow(mask, np.asarray(places) - left, gap, size)
        if curve is not None and len(found) < MOST_LINES:
            heights, spread, beyond = curve
            if any(np.nanmax(np.abs(heights + top - other.heights), initial=0) < SAME for other in found):
                continue  # the brighter rim of a line that has been found
            colour = np.median(part[mask & (size > 0.6 * strength)], axis=0)
            found.append(Curve(heights + top, colour, spread, beyond))
    return found


def _background(part: np.ndarray) -> np.ndarray:
    """What is behind the lines: the median of wide surroundings, at each pixel."""
    height, width = part.shape[:2]
    small = cv2.resize(part, (width // _CELL * 2, height // _CELL * 2), interpolation=cv2.INTER_AREA)
    levels = np.rint(np.clip(small + _ZERO, 0, 255)).astype(np.uint8)
    wide = cv2.medianBlur(levels, 31)
    return cv2.resize(wide.astype(np.float32) - _ZERO, (width, height))


def _covered(shape: tuple[int, ...], texts: Sequence[Item], left: int, top: int) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for item in texts:
        rows = slice(max(0, int(item.top - top - 2)), max(0, int(item.bottom - top + 3)))
        mask[rows, max(0, int(item.left - left - 2)) : max(0, int(item.right - left + 3))] = True
    return mask


def _ruled(shown: np.ndarray) -> np.ndarray:
    """Rows and columns that are shown nearly from end to end: grid lines and axes."""
    rows, columns = shown.mean(axis=1) > 0.5, shown.mean(axis=0) > 0.6
    wide = np.ones(3, np.uint8)
    rows = cv2.dilate(rows.astype(np.uint8)[:, None], wide[:, None])[:, 0] > 0
    columns = cv2.dilate(columns.astype(np.uint8)[None], wide[None])[0] > 0
    return rows[:, None] | columns[None]


def _strongest(away: np.ndarray, size: np.ndarray, free: np.ndarray) -> tuple[np.ndarray | None, float]:
    """The direction in which most of the free pixels leave the background, and how far they typically do."""
    if free.sum() < 60:
        return None, 0.0
    units = away[free] / size[free][:, None]
    weights = np.minimum(size[free], 60.0)
    pick = np.random.default_rng(0).choice(len(units), min(len(units), 60), replace=False)
    votes = ((units @ units[pick].T) > ALIGNED).T @ weights
    best = units[pick[int(np.argmax(votes))]]
    alike = (units @ best) > ALIGNED
    direction = (units[alike] * weights[alike, None]).sum(axis=0)
    return direction / np.linalg.norm(direction), float(np.percentile(size[free][alike], 80))


def _follow(
    mask: np.ndarray, places: np.ndarray, gap: float, size: np.ndarray
) -> tuple[np.ndarray, float, bool] | None:
    """Position at each place, how far the line strays from straight stretches in pixels, whether it goes on."""
    middles = _middles(mask, size)
    first, last = max(0, round(places[0])), min(len(middles), round(places[-1]) + 1)
    if last - first < 20 or np.isfinite(middles[first:last]).mean() < COVERED:
        return None
    stretches = [_stretch(middles, place + 0.12 * gap, place + 0.88 * gap) for place in places[:-1]]
    if sum(stretch is not None for stretch in stretches) < COVERED * len(stretches):
        return None
    if np.ptp(np.nanpercentile(middles[first:last], (20, 80))) < FLAT * len(mask):
        return None
    places = places + _shift(stretches, places, gap)
    heights = np.array([_height(stretches, at, place, gap, middles) for at, place in enumerate(places)])
    sides = (middles[: max(0, round(places[0] - 0.2 * gap))], middles[round(places[-1] + 0.2 * gap) :])
    beyond = any(len(side) > 0.15 * gap and np.isfinite(side).mean() > 0.5 for side in sides)
    return heights, float(np.median([stretch[2] for stretch in stretches if stretch])), beyond


def _middles(mask: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The middle of the longest run of each column, weighted by how strongly it shows; NaN where there is none."""
    result = np.full(mask.shape[1], np.nan)
    for column in range(mask.shape[1]):
        rows = np.flatnonzero(mask[:, column])
        if not len(rows):
            continue
        runs = np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1)
        run = max(runs, key=lambda each: size[each, column].sum())
        if len(run) > 1:
            result[column] = np.average(run, weights=size[run, column])
    return result


Stretch = tuple[float, float, float]
"""Slope, intercept, root mean square distance."""


def _stretch(middles: np.ndarray, start: float, end: float) -> Stretch | None:
    columns = np.arange(max(0, round(start)), min(len(middles), round(end) + 1))
    columns = columns[np.isfinite(middles[columns])]
    if len(columns) < max(6, 0.35 * (end - start)):
        return None
    for _ in range(4):
        slope, intercept = np.polyfit(columns, middles[columns], 1)
        off = np.abs(middles[columns] - slope * columns - intercept)
        keep = off <= max(1.0, 2.5 * float(np.median(off)))
        if keep.all() or keep.sum() < 6:
            break
        columns = columns[keep]
    return float(slope), float(intercept), float(np.sqrt(np.mean(off[keep] ** 2))) if keep.any() else 99.0


def _meeting(before: Stretch | None, after: Stretch | None) -> float | None:
    """Where two stretches cross, if they differ enough for that to be sharp."""
    if before is None or after is None or abs(before[0] - after[0]) < 0.35:
        return None
    return (after[1] - before[1]) / (before[0] - after[0])


def _shift(stretches: Sequence[Stretch | None], places: np.ndarray, gap: float) -> float:
    """How far the corners are from the middles of the labels."""
    corners = [_meeting(stretches[at - 1], stretches[at]) for at in range(1, len(stretches))]
    off = [corner - places[at + 1] for at, corner in enumerate(corners) if corner is not None]
    off = [each for each in off if abs(each) < 0.2 * gap]
    return float(np.median(off)) if off else 0.0


def _height(stretches: Sequence[Stretch | None], at: int, place: float, gap: float, middles: np.ndarray) -> float:
    before = stretches[at - 1] if at else None
    after = stretches[at] if at < len(stretches) else None
    corner = _meeting(before, after)
    if corner is not None and before is not None and abs(corner - place) < 0.15 * gap:
        return before[0] * corner + before[1]
    straight = [side[0] * place + side[1] for side in (before, after) if side is not None and side[2] < 4]
    if straight:
        return float(np.mean(straight))
    around = middles[max(0, round(place) - 2) : round(place) + 3]
    return float(np.nanmedian(around)) if np.isfinite(around).any() else float("nan")
