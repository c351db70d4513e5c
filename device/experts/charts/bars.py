"""Finds upright bars: rectangles of one colour that stand on a common base. Level bars are turned first.

Regions without inner edges (connected components), so that a lamp's gradient does not split a bar; what a grid line
splits is joined again. Bars on top of bars (stacked) are told, because their ends mean something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from device.experts.charts.surface import Rectangle, Surface, difference

CONTRAST = 9.0  # CIE76, of a bar and what is beside it
NARROWEST = 8.0  # pixels
RULE = 9.0  # pixels, at most, that a grid line cuts out of a bar


@dataclass(frozen=True)
class Bar:
    """end: where it ends opposite its base, to a fraction of a pixel."""

    left: float
    top: float
    right: float
    bottom: float
    colour: np.ndarray
    end: float = 0.0

    @property
    def x(self) -> float:
        return (self.left + self.right) / 2

    @property
    def box(self) -> Rectangle:
        return self.left, self.top, self.right, self.bottom


@dataclass(frozen=True)
class Bars:
    """Bars from left to right, the position of their base, and whether others stand on them."""

    bars: tuple[Bar, ...]
    base: float
    stacked: bool = False


def find_bars(surface: Surface, inside: Rectangle, zero: float | None, negative: bool) -> Bars | None:
    """inside: where marks may be. zero: where the axis says 0 is, if it is known. negative: bars may hang from it."""
    pieces = [bar for bar in _join_beside(_join_above(_rectangles(surface, inside))) if _stands_out(surface, bar)]
    base = _base(pieces, zero, inside, negative)
    if base is None:
        return None
    near = max(5.0, 0.015 * (inside[3] - inside[1]))
    bars = []
    for bar in pieces:
        if abs(bar.bottom - base) < near:
            bars.append(_ended(surface, bar, below=False))
        elif negative and abs(bar.top - base) < near:
            bars.append(_ended(surface, bar, below=True))
    bars = _alike(bars)
    stacked = sum(any(_upon(piece, bar, near) for piece in pieces) for bar in bars) > len(bars) / 3
    return Bars(tuple(sorted(bars, key=lambda bar: bar.x)), base, stacked) if len(bars) >= 2 else None


def _rectangles(surface: Surface, inside: Rectangle) -> list[Bar]:
    left, top, right, bottom = (round(max(0.0, side)) for side in inside)
    steps = surface.steps[top:bottom, left:right]
    if not steps.size:
        return []
    calm = (steps < max(1.8, 3.0 * surface.noise)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(calm, connectivity=4)
    found = []
    grow = 1.5  # an edge is about three pixels wide, and belongs half to either side
    for number in range(1, count):
        x, y, width, height, area = stats[number]
        if width < NARROWEST / 2 or height < 3 or area < 40 or width > 0.45 * (right - left):
            continue
        part = (labels[y : y + height, x : x + width] == number).astype(np.uint8)
        outline, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        filled = cv2.drawContours(part.copy(), outline, -1, 1, cv2.FILLED)
        if filled.sum() < 0.8 * width * height:
            continue
        colours = surface.colours[top + y : top + y + height, left + x : left + x + width]
        colour = np.median(colours[part > 0], axis=0)
        box = (left + x - grow, top + y - grow, left + x + width + grow, top + y + height + grow)
        found.append(Bar(*box, colour))
    return found


def _join_above(pieces: list[Bar]) -> list[Bar]:
    """Pieces of one colour above each other, as level grid lines leave them."""
    joined: list[Bar] = []
    for piece in sorted(pieces, key=lambda bar: bar.top):
        for at, above in enumerate(joined):
            aligned = abs(piece.left - above.left) < 4 and abs(piece.right - above.right) < 4
            if aligned and -3 < piece.top - above.bottom < RULE and difference(piece.colour, above.colour) < CONTRAST:
                joined[at] = replace(above, bottom=piece.bottom)
                break
        else:
            joined.append(piece)
    return joined


def _join_beside(pieces: list[Bar]) -> list[Bar]:
    """Likewise side by side, as a grid line along the bar leaves them."""
    joined: list[Bar] = []
    for piece in sorted(pieces, key=lambda bar: bar.left):
        for at, before in enumerate(joined):
            aligned = abs(piece.top - before.top) < 4 and abs(piece.bottom - before.bottom) < 4
            if aligned and -3 < piece.left - before.right < RULE and difference(piece.colour, before.colour) < CONTRAST:
                joined[at] = replace(before, right=piece.right)
                break
        else:
            joined.append(piece)
    return joined


def _stands_out(surface: Surface, bar: Bar) -> bool:
    """Whether there is another colour beyond both of its sides and at least one of its ends."""
    if bar.right - bar.left < NARROWEST:
        return False
    inner, outer = 3.0, 8.0
    middle = (bar.top + bar.bottom) / 2
    span = (max(bar.top, middle - 20), min(bar.bottom, middle + 20))
    sides = (
        surface.colour(bar.left - outer, span[0], bar.left - inner, span[1]),
        surface.colour(bar.right + inner, span[0], bar.right + outer, span[1]),
    )
    own = surface.colour(bar.left + inner, span[0], bar.right - inner, span[1])
    ends = (
        surface.colour(bar.left, bar.top - outer, bar.right, bar.top - inner),
        surface.colour(bar.left, bar.bottom + inner, bar.right, bar.bottom + outer),
    )
    beside = min(difference(own, side) for side in sides)
    return beside > CONTRAST and max(difference(bar.colour, end) for end in ends) > CONTRAST


def _base(pieces: Sequence[Bar], zero: float | None, inside: Rectangle, negative: bool) -> float | None:
    """Where most of them stand (the widest count most), preferably at zero."""
    if len(pieces) < 2:
        return None
    near = max(5.0, 0.015 * (inside[3] - inside[1]))
    edges = [edge for bar in pieces for edge in ((bar.bottom, bar.top) if negative else (bar.bottom,))]

    def support(at: float) -> float:
        standing = sum(abs(bar.bottom - at) < near for bar in pieces)
        hanging = sum(abs(bar.top - at) < near for bar in pieces) if negative else 0
        bonus = 0.5 if zero is not None and abs(at - zero) < 2 * near else 0.0
        return standing + 0.8 * hanging + bonus

    best = max(edges, key=support)
    return float(np.median([edge for edge in edges if abs(edge - best) < near])) if support(best) >= 2 else None


def _ended(surface: Surface, bar: Bar, below: bool) -> Bar:
    """With its end where the colour is halfway to what is beyond."""
    edge, outwards = (bar.bottom, 1) if below else (bar.top, -1)
    inset = 0.25 * (bar.right - bar.left)
    columns = slice(max(0, round(bar.left + inset)), max(1, round(bar.right - inset)))
    edge = _goes_on(np.median(surface.colours[:, columns], axis=1), bar.colour, edge, outwards)
    places = np.clip(np.rint(edge + outwards * np.arange(-7, 9)).astype(int), 0, surface.size[1] - 1)
    profile = np.median(surface.colours[places, columns], axis=1)
    start, change = profile[:3].mean(axis=0), profile[-3:].mean(axis=0) - profile[:3].mean(axis=0)
    size = float(change @ change)
    if size < CONTRAST**2 / 4:
        return replace(bar, end=edge)
    share = (profile - start) @ change / size
    over = int(np.argmax(share > 0.5))
    if over == 0:
        return replace(bar, end=edge)
    fraction = (0.5 - share[over - 1]) / (share[over] - share[over - 1])
    return replace(bar, end=float(places[over - 1] + outwards * fraction))


def _goes_on(colours: np.ndarray, own: np.ndarray, edge: float, outwards: int) -> float:
    """Where it really ends, if it goes on beyond a grid line. colours: [height, 3], along its middle."""
    same = np.linalg.norm(colours - own, axis=1) < CONTRAST
    at, gap = round(edge), 0
    while 0 <= at < len(same) and gap <= RULE:
        gap = 0 if same[at] else gap + 1
        at += outwards
    end = at - outwards * (gap + 1)  # the last of its colour
    return float(end + outwards) if (end - edge) * outwards > RULE else edge


def _alike(bars: list[Bar]) -> list[Bar]:
    """Those about as wide as the middle one."""
    if not bars:
        return []
    width = float(np.median([bar.right - bar.left for bar in bars]))
    return [bar for bar in bars if 0.7 < (bar.right - bar.left) / width < 1.4]


def _upon(piece: Bar, bar: Bar, near: float) -> bool:
    return (
        abs(piece.bottom - bar.top) < near
        and abs(piece.x - bar.x) < 4
        and abs((piece.right - piece.left) - (bar.right - bar.left)) < 6
        and difference(piece.colour, bar.colour) > CONTRAST
    )
