"""Chooses what ships beside the object head: calibration and thresholds, from photos that its rehearsal never saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from export.recipe.object_graph import centres
from export.recipe.object_photos import Box

BALANCED_PRIOR = 40.0  # names with few photos keep close to the threshold of all
UNSEEN = 0.08  # score of a name for which the teacher has no box
GRID = np.linspace(-4.0, 2.5, 66)  # logits at which thresholds are tried


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def logistic(
    features: np.ndarray, labels: np.ndarray, weights: np.ndarray, steps: int = 50, prior: float = 1e-6
) -> np.ndarray:
    """Logistic regression by Newton's method: features [n, f] (with a column of ones) -> coefficients [f].

    prior: how strongly they are held near zero.
    """
    coefficients = np.zeros(features.shape[1])
    for _ in range(steps):
        chance = sigmoid(features @ coefficients)
        gradient = features.T @ (weights * (chance - labels)) + prior * coefficients
        curvature = (features * (weights * chance * (1 - chance))[:, None]).T @ features
        coefficients -= np.linalg.solve(curvature + prior * np.eye(len(coefficients)), gradient)
    return coefficients


def calibrate(logits: np.ndarray, present: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift of each column that make chances of logits [n, names]: one scale for all (Platt 1999)."""
    weight = known.ravel()
    ones = np.ones(logits.size)
    scale, shift = logistic(np.stack([logits.ravel(), ones], 1), present.ravel(), weight)
    return np.full(logits.shape[1], scale, np.float32), np.full(logits.shape[1], shift, np.float32)


def combine(logits: np.ndarray, scores: np.ndarray, present: np.ndarray) -> np.ndarray:
    """How far to trust the head and how far the teacher: coefficients of both, and a shift.

    logits [n, names] of the head; scores [n, names], the best score of the teacher's boxes; present bool [n, names].
    """
    return logistic(_both(logits, scores), present.ravel().astype(float), np.ones(logits.size))


def combined(logits: np.ndarray, scores: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Chances float [n, names] by the coefficients that `combine` found."""
    return sigmoid(_both(logits, scores) @ coefficients).reshape(logits.shape)


def _both(logits: np.ndarray, scores: np.ndarray) -> np.ndarray:
    clipped = np.clip(scores, UNSEEN, 0.99)
    return np.stack([logits.ravel(), np.log(clipped / (1 - clipped)).ravel(), np.ones(logits.size)], 1)


def best_for_f1(logits: np.ndarray, present: np.ndarray, pull: float) -> np.ndarray:
    """A threshold (logit) for each column: coordinate ascent on F1 over all pairs, each pulled to that of all.

    pull: how many pairs a threshold must gain for each unit that it leaves the common one.
    """

    def hits(column: int, threshold: float) -> tuple[int, int]:
        said = logits[:, column] >= threshold
        return int((said & present[:, column]).sum()), int(said.sum())

    there = present.sum()
    common = max(GRID, key=lambda t: 2 * ((logits >= t) & present).sum() / ((logits >= t).sum() + there))
    chosen = np.full(logits.shape[1], common)
    for _ in range(3):
        counts = np.array([hits(c, t) for c, t in enumerate(chosen)])
        for column in range(logits.shape[1]):
            right, said = counts.sum(0) - counts[column]

            def f1(threshold: float, column: int = column, right: int = right, said: int = said) -> float:
                more_right, more_said = hits(column, threshold)
                value = 2 * (right + more_right) / (said + more_said + there)
                return value - pull * abs(threshold - common) / there

            chosen[column] = max(GRID, key=f1)
            counts[column] = hits(column, chosen[column])
    return chosen


def best_for_balance(logits: np.ndarray, present: np.ndarray) -> np.ndarray:
    """A threshold (logit) for each column: the best balanced accuracy of the column, mixed with that of all columns."""
    grid = np.linspace(-7.0, 1.0, 81)
    there, absent = present.sum(0), (~present).sum(0)
    values = []
    for threshold in grid:
        said = logits >= threshold
        hit, rejected = (said & present).sum(0), (~said & ~present).sum(0)
        values.append((hit / np.maximum(there, 1) + rejected / np.maximum(absent, 1)) / 2)
    table = np.stack(values)  # [thresholds, names]
    share = there / (there + BALANCED_PRIOR)
    mixed = share * table + (1 - share) * table[:, there > 0].mean(1, keepdims=True)
    smooth = np.stack([np.convolve(column, np.ones(9) / 9, "same") for column in mixed.T], 1)
    return grid[smooth.argmax(0)]


def overlap(a: np.ndarray, b: Box) -> np.ndarray:
    """Intersection over union of boxes [n, 4] with one."""
    other = np.array(b)
    shared = np.clip(np.minimum(a[:, 2:], other[2:]) - np.maximum(a[:, :2], other[:2]), 0, None).prod(1)
    areas = np.clip(a[:, 2:] - a[:, :2], 0, None).prod(1)
    return shared / (areas + (other[2:] - other[:2]).prod() - shared + 1e-9)


def peaks(cells: np.ndarray, boxes: np.ndarray, most_overlap: float, least: float = -4.6) -> list[tuple[int, int]]:
    """(cell, name) of the boxes that stay when overlapping ones of a name are removed, best first in each name.

    cells [196, n] logits; boxes [196, 4].
    """
    out = []
    for name in np.nonzero((cells >= least).any(0))[0]:
        left = [c for c in np.argsort(-cells[:, name], kind="stable") if cells[c, name] >= least]
        while left:
            best, rest = left[0], left[1:]
            out.append((int(best), int(name)))
            near = overlap(boxes[rest], tuple(boxes[best])) if rest else np.zeros(0)
            left = [c for c, o in zip(rest, near, strict=True) if o <= most_overlap]
    return out


def decode(sides: np.ndarray, reach: float) -> np.ndarray:
    """Raw sides [..., 196, 4] -> boxes in 0..1."""
    signed = np.log1p(np.exp(sides)) * np.array([-reach, -reach, reach, reach], np.float32)
    return np.clip(np.tile(centres(), 2) + signed, 0, 1)


def calibrate_boxes(
    presence: np.ndarray,
    cells: np.ndarray,
    boxes: np.ndarray,
    truth: Sequence[Sequence[tuple[int, Box]]],
    searched: np.ndarray,
    most_overlap: float,
) -> np.ndarray:
    """How the score of a box follows from the logits of its cell and of presence: coefficients of both, and a shift.

    A box is right when it overlaps a true one of its name, not taken by a better box, by 0.4 or more. presence [v, n],
    cells [v, 196, n], boxes [v, 196, 4]; searched [v, n]: where 0, what has no box may still be there and is left out.
    """
    rows, right = [], []
    for view, true in enumerate(truth):
        open_boxes = list(true)
        for cell, name in peaks(cells[view], boxes[view], most_overlap):
            if searched[view, name] < 1:
                continue
            match = next(
                (t for t in open_boxes if t[0] == name and overlap(boxes[view, cell][None], t[1])[0] >= 0.4), None
            )
            if match:
                open_boxes.remove(match)
            rows.append((cells[view, cell, name], presence[view, name], 1.0))
            right.append(float(match is not None))
    return logistic(np.array(rows), np.array(right), np.ones(len(rows)))
