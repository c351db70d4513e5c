"""Undoes the perspective of a photographed page: what was level and upright on it is so again.

Vanishing points of the two families of straight edges (grid lines, axes, sides of bars), by RANSAC over line segments;
the line through both goes back to infinity (Hartley and Zisserman, Multiple View Geometry, 2.7). Knows nothing of
charts. Pages turned by more than MOST_TILT are left as they are.
"""

from __future__ import annotations

import cv2
import numpy as np

MOST_TILT = 14.0  # degrees
SHORTEST = 30.0  # pixels; shorter edges say little about a direction
AGREEING = 0.7  # degrees between an edge and the direction to the vanishing point
SPREAD = 0.1  # of half the picture, between the outermost of edges whose vanishing point means something
_TRIES = 300


def straightening(grey: np.ndarray, level_edges: np.ndarray | None = None) -> np.ndarray:
    """uint8 [height, width] -> float64 [3, 3], from picture pixels to straightened ones; keeps the middle.

    level_edges: float [n, 2, 2], ends of more edges that are level on the page: lines of text.
    """
    height, width = grey.shape
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    stretched = cv2.normalize(smooth, np.empty_like(smooth), 0, 255, cv2.NORM_MINMAX)
    found = cv2.createLineSegmentDetector(0).detect(stretched)[0]
    edges = np.zeros((0, 2, 2)) if found is None else found.reshape(-1, 2, 2).astype(np.float64)
    if level_edges is not None:
        edges = np.concatenate([edges, level_edges])
    if not len(edges):
        return np.eye(3)
    middle, scale = np.array([width, height]) / 2, max(width, height) / 2
    ends = (edges - middle) / scale
    steps = ends[:, 1] - ends[:, 0]
    lengths = np.hypot(*steps.T)
    angles = np.rad2deg(np.arctan2(steps[:, 1], steps[:, 0]))
    long = lengths * scale >= SHORTEST
    level = long & (np.abs((angles + 90) % 180 - 90) < MOST_TILT)
    upright = long & (np.abs(angles % 180 - 90) < MOST_TILT)
    across = _vanishing(ends[level], lengths[level], np.array([1.0, 0.0, 0.0]))
    down = _vanishing(ends[upright], lengths[upright], np.array([0.0, 1.0, 0.0]))
    infinity = np.cross(across, down)
    if abs(infinity[2]) < 1e-9 or np.abs(infinity[:2] / infinity[2]).max() > 0.6:  # beyond what a page in hand shows
        return np.eye(3)
    parallel = np.eye(3)
    parallel[2] = infinity / infinity[2]
    directions = np.stack([(parallel @ point)[:2] for point in (across, down)], axis=1)
    directions /= np.linalg.norm(directions, axis=0)
    directions *= np.sign(np.diag(directions))
    if abs(np.linalg.det(directions)) < 0.5:
        return np.eye(3)
    square = np.eye(3)
    square[:2, :2] = np.linalg.inv(directions)
    normal = np.array([[1 / scale, 0, -middle[0] / scale], [0, 1 / scale, -middle[1] / scale], [0, 0, 1]])
    return np.linalg.inv(normal) @ square @ parallel @ normal


def _vanishing(ends: np.ndarray, lengths: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Where edges [n, 2, 2] meet, homogeneous; `otherwise` where they are too few to say."""
    if len(ends) < 2:
        return otherwise
    ones = np.ones((len(ends), 1))
    lines = np.cross(np.hstack([ends[:, 0], ones]), np.hstack([ends[:, 1], ones]))
    lines /= np.linalg.norm(lines[:, :2], axis=1, keepdims=True)
    pick = np.random.default_rng(0).choice(len(ends), (_TRIES, 2), p=lengths / lengths.sum())
    points = np.cross(lines[pick[:, 0]], lines[pick[:, 1]])
    size = np.linalg.norm(points, axis=1)
    points = points[size > 1e-9] / size[size > 1e-9, None]
    if not len(points):
        return otherwise
    agreeing = _agree(points, ends)
    best = agreeing[np.argmax(agreeing @ lengths)]
    if best.sum() < 2:
        return otherwise
    normal = _normal(ends[best])
    if np.ptp(ends[best].mean(axis=1) @ normal) < SPREAD:  # the sides of one stroke meet nowhere in particular
        return np.array([normal[1], -normal[0], 0.0])
    _, _, rows = np.linalg.svd(lines[best] * lengths[best, None])
    best = _agree(rows[-1:], ends)[0]
    if best.sum() >= 2:
        _, _, rows = np.linalg.svd(lines[best] * lengths[best, None])
    return rows[-1]


def _normal(ends: np.ndarray) -> np.ndarray:
    """[2], the direction across nearly parallel edges."""
    steps = ends[:, 1] - ends[:, 0]
    steps *= np.sign(steps[:, np.abs(steps).sum(axis=0).argmax()])[:, None]
    along = steps.sum(axis=0)
    return np.array([-along[1], along[0]]) / np.linalg.norm(along)


def _agree(points: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """bool [points, edges]: whether the edge points at the point."""
    middles = ends.mean(axis=1)
    steps = ends[:, 1] - ends[:, 0]
    towards = points[:, None, :2] - middles[None] * points[:, None, 2:]
    cross = towards[..., 0] * steps[:, 1] - towards[..., 1] * steps[:, 0]
    size = np.linalg.norm(towards, axis=-1) * np.linalg.norm(steps, axis=-1)
    return np.abs(cross) < np.sin(np.deg2rad(AGREEING)) * np.maximum(size, 1e-12)


def straightened(pixels: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture uint8 RGB straightened, and the matrix with the shift that keeps all of it in view."""
    height, width = pixels.shape[:2]
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    moved = cv2.perspectiveTransform(corners, matrix)[0]
    size = np.ptp(moved, axis=0)
    fit = min(1.0, *(1.4 * np.array([width, height]) / size))
    shift = np.array([[fit, 0, -fit * moved[:, 0].min()], [0, fit, -fit * moved[:, 1].min()], [0, 0, 1]])
    matrix = shift @ matrix
    target = (max(1, int(fit * size[0])), max(1, int(fit * size[1])))
    return cv2.warpPerspective(pixels, matrix, target, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), matrix
