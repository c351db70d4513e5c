"""In which order the lines of a picture are read: rows from the top, columns of running text one after the other.

Works on places alone. Knows nothing of what the lines say, except how long they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SAME_ROW = 0.5  # of the lower one's height must overlap
COLUMN_ROWS = 3  # rows with text on both sides of a gap, at least, make columns of it
COLUMN_GAP = 0.8  # of a line's height, at least
COLUMN_LETTERS = 12  # a line, in the mean, on either side; shorter ones are a table's, which is read row by row


@dataclass(frozen=True)
class _Place:
    index: int
    left: float
    right: float
    top: float
    bottom: float
    letters: int

    @property
    def height(self) -> float:
        return self.bottom - self.top


_Row = list[_Place]


def reading_order(quads: Sequence[np.ndarray], letters: Sequence[int]) -> list[list[int]]:
    """quads: float32 [4, 2] of the lines, from the text's own top left on. letters: how many each has.

    Returns the indices row by row in reading order; what stands beside each other in a row is one list. The slant that
    most of the text has is taken out first.
    """
    if not quads:
        return []
    rows = _rows(_places(quads, letters))
    ordered: list[_Row] = []
    while rows:
        count, gap = _columns(rows)
        if gap is None:
            ordered.append(rows.pop(0))
            continue
        middle = sum(gap) / 2
        for left in (True, False):
            side = [[place for place in row if (place.left < middle) == left] for row in rows[:count]]
            ordered += [row for row in side if row]
        del rows[:count]
    return [[place.index for place in row] for row in ordered]


def _places(quads: Sequence[np.ndarray], letters: Sequence[int]) -> list[_Place]:
    along = np.array([quad[1] - quad[0] + quad[2] - quad[3] for quad in quads], np.float64)
    lengths = np.linalg.norm(along, axis=1)
    slants = np.arctan2(along[:, 1], along[:, 0])
    order = np.argsort(slants)
    middle = order[np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)]  # the median by length
    cosine, sine = np.cos(slants[middle]), np.sin(slants[middle])
    turned = [quad.astype(np.float64) @ np.array([[cosine, -sine], [sine, cosine]]) for quad in quads]
    return [
        _Place(index, quad[:, 0].min(), quad[:, 0].max(), quad[:2, 1].mean(), quad[2:, 1].mean(), count)
        if quad[:2, 1].mean() < quad[2:, 1].mean()
        else _Place(index, quad[:, 0].min(), quad[:, 0].max(), quad[:, 1].min(), quad[:, 1].max(), count)
        for index, (quad, count) in enumerate(zip(turned, letters, strict=True))
    ]


def _rows(places: Sequence[_Place]) -> list[_Row]:
    """Places beside each other in a row, left to right; rows from the top."""
    rows: list[_Row] = []
    for place in sorted(places, key=lambda place: place.top + place.bottom):
        for row in rows[-3:]:
            last = min(row, key=lambda other: abs(other.left + other.right - place.left - place.right))
            shared = min(last.bottom, place.bottom) - max(last.top, place.top)
            apart = place.left >= last.right - last.height or place.right <= last.left + last.height
            if apart and shared > SAME_ROW * min(last.height, place.height):
                row.append(place)
                break
        else:
            rows.append([place])
    for row in rows:
        row.sort(key=lambda place: place.left)
    return rows


def _columns(rows: Sequence[_Row]) -> tuple[int, tuple[float, float] | None]:
    """How many of the first rows a gap from top to bottom parts into two columns of running text, and the gap."""
    best: tuple[int, tuple[float, float] | None] = 0, None
    if len(rows[0]) < 2:
        return best
    height = float(np.median([place.height for row in rows for place in row]))
    for one, other in zip(rows[0], rows[0][1:], strict=False):
        gap = one.right, other.left
        for count, row in enumerate(rows, 1):
            gap = _narrowed(gap, row)
            if gap[1] - gap[0] < COLUMN_GAP * height:
                break
            if count > best[0] and _is_running_text(rows[:count], sum(gap) / 2):
                best = count, gap
    return best


def _narrowed(gap: tuple[float, float], row: _Row) -> tuple[float, float]:
    """What a row leaves of a gap; a place on either side of its middle pushes that side."""
    left, right = gap
    for place in row:
        if place.left < left < place.right or place.left < right < place.right or left <= place.left < right:
            if (place.left + place.right) / 2 < (left + right) / 2:
                left = max(left, place.right)
            else:
                right = min(right, place.left)
    return left, right


def _is_running_text(rows: Sequence[_Row], middle: float) -> bool:
    for left in (True, False):
        side = [sum(place.letters for place in row if (place.left < middle) == left) for row in rows]
        filled = [letters for letters in side if letters]
        if len(filled) < COLUMN_ROWS or sum(filled) / len(filled) < COLUMN_LETTERS:
            return False
    return True
