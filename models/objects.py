"""What the object head says of a picture: which of its names are there, where, and how many.

The head runs inside the encoder's graph (vision.onnx) and gives raw numbers on a grid; here they become chances and
boxes, by the settings that ship beside it (`objects` in config.json). Knows nothing of pictures or networks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.errors import GlintError

Box = tuple[float, float, float, float]
LEAST_CELL = 0.01  # a cell that says less of a name is not looked at


@dataclass(frozen=True)
class Detection:
    """box: left, top, right, bottom in 0..1 of the picture. score: 0..1, calibrated: the chance that it is there."""

    name: str
    box: Box
    score: float


@dataclass(frozen=True)
class Detections:
    """presence: the chance that there is at least one, by name, for every name. boxes: best first, overlaps removed.

    likely and possible: from which chance on a name is taken to be there, and from which it is not ruled out. amounts:
    how many there seem to be, if there is one, by name; number_from: from which amount on there are 2, 3 and so on.
    """

    presence: dict[str, float]
    boxes: tuple[Detection, ...]
    likely: Mapping[str, float] = field(default_factory=dict)
    possible: Mapping[str, float] = field(default_factory=dict)
    amounts: Mapping[str, float] = field(default_factory=dict)
    number_from: tuple[float, ...] = ()

    def of(self, name: str) -> tuple[Detection, ...]:
        """The boxes of one name, best first."""
        return tuple(box for box in self.boxes if box.name == name)

    def sees(self, name: str) -> bool:
        """Whether it is more sensible to say that there is one than that there is none."""
        return self.presence.get(name, 0.0) >= self.likely.get(name, 0.5)

    def rules_out(self, name: str) -> bool:
        """Whether there is so little sign of one that its absence can be said."""
        return self.presence.get(name, 0.0) < self.possible.get(name, 0.1)

    def number(self, names: Collection[str]) -> int:
        """The likeliest number of things of these names together, given that there is one."""
        amount = sum(self.amounts.get(name, 0.0) for name in names)
        return 1 + sum(amount >= least for least in self.number_from)


@dataclass(frozen=True)
class ObjectRule:
    """How the raw numbers become detections; `names[i]` is column i of them.

    likely and possible: a chance for each name (Detections). The score of a box is
    sigmoid(box_slope * logit(what its cell says) + presence_slope * logit(presence) + box_shift); boxes of a lower
    score than `box_least` are dropped, and of boxes of one name that overlap by more than `overlap` (intersection over
    union) the better one stays. number_from: as in Detections, ascending.
    """

    names: tuple[str, ...]
    likely: tuple[float, ...]
    possible: tuple[float, ...]
    box_slope: float
    presence_slope: float
    box_shift: float
    box_least: float
    overlap: float
    number_from: tuple[float, ...]

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> ObjectRule:
        """From `objects` in a bundle's config. Raises GlintError when that is not of this form."""
        try:
            values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
            rule = cls(**values)
            equal = len(rule.names) == len(rule.likely) == len(rule.possible)
        except (TypeError, AttributeError) as error:
            raise GlintError(f"The model's description of its object head is damaged ({error}).") from error
        if not equal:
            raise GlintError("The model's description of its object head is damaged (its lists differ in length).")
        return rule


def read_objects(
    rule: ObjectRule, presence: np.ndarray, scores: np.ndarray, boxes: np.ndarray, amounts: np.ndarray
) -> Detections:
    """presence: float32 [names], chances; scores: float32 [cells, names]; boxes: float32 [cells, 4] in 0..1; amounts:
    float32 [names], how many there are if there is one."""
    cells, columns = np.nonzero(scores >= LEAST_CELL)
    logits = rule.box_slope * _logit(scores[cells, columns]) + rule.presence_slope * _logit(presence[columns])
    chances = 1 / (1 + np.exp(-logits - rule.box_shift))
    order = np.argsort(-chances, kind="stable")
    order = order[chances[order] >= rule.box_least]
    clipped = np.clip(boxes, 0, 1)
    kept: dict[int, list[np.ndarray]] = {}
    found = []
    for i in order:
        box, others = clipped[cells[i]], kept.setdefault(int(columns[i]), [])
        if (box[2:] > box[:2]).all() and all(_overlap(box, other) <= rule.overlap for other in others):
            others.append(box)
            left, top, right, bottom = map(float, box)
            found.append(Detection(rule.names[columns[i]], (left, top, right, bottom), float(chances[i])))

    def by_name(values: Any) -> dict[str, float]:
        return {name: float(value) for name, value in zip(rule.names, values, strict=True)}

    return Detections(
        by_name(presence),
        tuple(found),
        by_name(rule.likely),
        by_name(rule.possible),
        by_name(amounts),
        rule.number_from,
    )


def _logit(chance: np.ndarray) -> np.ndarray:
    chance = np.clip(chance, 1e-6, 1 - 1e-6)
    return np.log(chance / (1 - chance))


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    inner = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return float(inner / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inner))
