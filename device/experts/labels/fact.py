"""One thing read from a label: a value with its unit, the line it stands in and how sure the reading is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from device.evidence import Basis, Box, Claim
from device.experts.labels.quantity import shown
from models.reading import Line

SPOKEN = {
    "mg": "milligrams",
    "kcal": "kilocalories",
    "kJ": "kilojoules",
    "fl_oz": "fluid ounces",
    "oz": "ounces",
    "lb": "pounds",
}


@dataclass(frozen=True)
class Fact:
    """value: a number, or text such as an ISO date. below: "less than" stands before it. lines: what was read.

    also: other lines that it was computed with. printed: value and unit as they stand there, where they were converted.
    note: what else there is to know, by name, for the JSON record.
    """

    value: Any
    unit: str
    lines: tuple[Line, ...]
    confidence: float
    basis: Basis = Basis.VERBATIM
    below: bool = False
    also: tuple[Line, ...] = ()
    printed: tuple[float, str] | None = None
    note: dict[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str:
        return " ".join(line.text for line in distinct(self.lines, self.also))

    def doubted(self, by: float) -> Fact:
        """The same, less sure."""
        return replace(self, confidence=self.confidence * by)

    def spoken(self) -> str:
        """The value as it is said: "6.2 g", "less than 0.5 g", "250 kilocalories"."""
        value, unit = self.printed or (self.value, self.unit)
        if unit == "g" and 0 < value < 0.1:
            value, unit = value * 1000, "milligrams"
        return f"{'less than ' * self.below}{shown(value)} {SPOKEN.get(unit, unit)}".strip()

    def record(self) -> dict[str, Any]:
        """For JSON."""
        made = {"value": self.value, "unit": self.unit, "line": self.line, "confidence": round(self.confidence, 3)}
        made["basis"] = self.basis.value
        return made | ({"below": True} if self.below else {}) | self.note

    def claim(self, finding: str, size: tuple[int, int]) -> Claim:
        """What supports a spoken sentence. size: of the picture, width and height in pixels."""
        return Claim("labels", finding, self.confidence, self.basis, box_of(self.lines, size), self.line)


def box_of(lines: tuple[Line, ...], size: tuple[int, int]) -> Box | None:
    """The upright box around all lines, in 0..1 of the picture."""
    if not lines:
        return None
    corners = np.concatenate([np.asarray(line.quad, float).reshape(-1, 2) for line in lines]) / size
    (left, top), (right, bottom) = corners.min(0).clip(0, 1), corners.max(0).clip(0, 1)
    return float(left), float(top), float(right), float(bottom)


def distinct(*groups: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines of all groups, each once, in their order."""
    return tuple({id(line): line for group in groups for line in group}.values())
