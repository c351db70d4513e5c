"""Puts recognised lines into the rows that they were printed in, though the picture is askew or bent.

A table's cells come from the reader as separate lines. Rows are found by a model of how the baseline's slope changes
over the picture (linear in x and y), which covers perspective and a bottle's curl. Knows nothing of what is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from models.reading import Line

SAME_ROW = 0.55  # of the smaller text height: how far apart the middles of two cells of one row may be


@dataclass(frozen=True, eq=False)
class Cell:
    """A recognised line in upright coordinates: x from left to right along the text, y down, in pixels."""

    line: Line
    left: float
    right: float
    y: float
    height: float

    @property
    def text(self) -> str:
        return self.line.text

    def x_at(self, offset: int) -> float:
        """About where the character at `offset` stands; characters are taken as equally wide."""
        return self.left + (self.right - self.left) * offset / max(1, len(self.text))


@dataclass(frozen=True, eq=False)
class Row:
    """Cells that stand beside each other, from left to right."""

    cells: tuple[Cell, ...]

    @cached_property
    def text(self) -> str:
        return " ".join(cell.text for cell in self.cells)

    @property
    def y(self) -> float:
        return float(np.mean([cell.y for cell in self.cells]))

    @property
    def height(self) -> float:
        return float(np.median([cell.height for cell in self.cells]))

    @property
    def confidence(self) -> float:
        return min(cell.line.confidence for cell in self.cells)


def cells_of(lines: Iterable[Line]) -> list[Cell]:
    """The lines in upright, unbent coordinates. Empty lines are left out."""
    kept = [line for line in lines if line.text.strip()]
    if not kept:
        return []
    quads = np.array([line.quad for line in kept], float)  # [n, 4, 2]
    along = (quads[:, 1] + quads[:, 2] - quads[:, 0] - quads[:, 3]) / 2
    length = np.linalg.norm(along, axis=1)
    height = np.linalg.norm(quads[:, 3] + quads[:, 2] - quads[:, 0] - quads[:, 1], axis=1) / 2
    direction = (along * length[:, None]).sum(0)
    angle = np.arctan2(direction[1], direction[0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    starts = (quads[:, 0] + quads[:, 3]) / 2 @ turn
    ends = (quads[:, 1] + quads[:, 2]) / 2 @ turn
    height = np.maximum(height, 1)
    unbent = _unbent(starts, ends, height)
    return [
        Cell(line, float(start[0]), float(end[0]), float(y), float(high))
        for line, start, end, y, high in zip(kept, starts, ends, unbent, height, strict=True)
    ]


def _unbent(starts: np.ndarray, ends: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The y [n] of the middles of lines, with the slope of the baselines taken out.

    dy/dx = a + b x + c y is fitted to the slopes of long lines, then, as in iterative closest points, to pairs of cells
    that seem to stand in one row. Short lines' quads are often upright boxes whatever the slope, so they only pair.
    """
    middle = (starts + ends) / 2
    scale = max(1.0, float(np.ptp(np.concatenate([starts, ends]))))
    x, y = ((middle - middle.mean(0)) / scale).T
    long = ends[:, 0] - starts[:, 0] > 3 * height
    if long.sum() < 2:
        return middle[:, 1]
    span = (ends - starts)[long] / scale
    slopes = np.column_stack([np.ones_like(x), x, y])[long] * span[:, :1]
    known = span[:, 1]
    # A little pull towards straight, so that a few lines do not bend the whole page.
    pull = np.diag([1e-4, 1e-3, 1e-3]) * (span[:, 0] ** 2).sum()
    bend = np.column_stack([x, x**2 / 2, x * y])  # what each coefficient adds to y
    fit = np.linalg.solve(slopes.T @ slopes + pull, slopes.T @ known)
    beside = np.maximum(starts[:, None, 0], starts[None, :, 0]) > np.minimum(ends[:, None, 0], ends[None, :, 0])
    room = np.minimum(height[:, None], height[None]) / scale
    for share in (0.6, 0.45, 0.35, 0.35):
        flat = y - bend @ fit
        one, other = np.nonzero(np.triu(beside & (np.abs(flat[:, None] - flat[None]) < share * room)))
        terms, apart = bend[one] - bend[other], y[one] - y[other]
        fit = np.linalg.solve(slopes.T @ slopes + terms.T @ terms + pull, slopes.T @ known + terms.T @ apart)
    return (y - bend @ fit) * scale


def rows_of(cells: Sequence[Cell]) -> list[Row]:
    """From top to bottom."""
    rows: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda cell: cell.y):
        best, nearest = None, SAME_ROW
        for row in rows[-4:]:
            last = np.mean([c.y for c in row])
            apart = abs(cell.y - last) / min(cell.height, float(np.median([c.height for c in row])))
            overlaps = any(min(cell.right, c.right) - max(cell.left, c.left) > 0.5 * cell.height for c in row)
            if apart < nearest and not overlaps:
                best, nearest = row, apart
        if best is None:
            rows.append([cell])
        else:
            best.append(cell)
    made = [Row(tuple(sorted(row, key=lambda cell: cell.left))) for row in rows]
    return sorted(made, key=lambda row: row.y)


def below(start: Cell, cells: Sequence[Cell]) -> list[Cell]:
    """The lines of the paragraph that `start` begins: each close under the one before, and over the same columns."""
    paragraph = [start]
    left, right = start.left, start.right
    for cell in sorted(cells, key=lambda cell: cell.y):
        last = paragraph[-1]
        if cell is start or cell.y <= last.y - 0.3 * last.height:
            continue
        shared = min(cell.right, right) - max(cell.left, left)
        if shared < 0.5 * min(cell.right - cell.left, right - left):
            continue
        if cell.y - last.y > 2.2 * max(last.height, cell.height) or not 0.55 < cell.height / start.height < 1.8:
            break
        paragraph.append(cell)
        left, right = min(left, cell.left), max(right, cell.right)
    return paragraph


def gaps(cells: Sequence[Cell]) -> list[float]:
    """x where no cell stands, widest gap first: where the picture may be cut into a left and a right part."""
    found = []
    reached = None
    for cell in sorted(cells, key=lambda cell: cell.left):
        if reached is not None and cell.left - reached > 0.5 * cell.height:
            found.append((cell.left - reached, (cell.left + reached) / 2))
        reached = cell.right if reached is None else max(reached, cell.right)
    return [x for _, x in sorted(found, reverse=True)]


def drops(cells: Sequence[Cell]) -> list[float]:
    """y where no cell stands, widest gap first: where the picture may be cut into an upper and a lower part."""
    ordered = sorted(cells, key=lambda cell: cell.y)
    found = [
        (under.y - over.y, (over.y + under.y) / 2)
        for over, under in pairwise(ordered)
        if under.y - over.y > 1.2 * max(over.height, under.height)
    ]
    return [y for _, y in sorted(found, reverse=True)]
