"""Recognised lines as a reader would give them for a text typed in columns: two spaces or more part the cells."""

import re

import numpy as np

from models.reading import Line

CHARACTER, ROW, HEIGHT = 12, 40, 24  # pixels


def printed(text: str, x: float = 0, y: float = 0, confidence: float = 0.98) -> tuple[Line, ...]:
    """Left to right, then down; x and y move it over the picture."""
    found = []
    for number, row in enumerate(text.strip("\n").splitlines()):
        for cell in re.finditer(r"\S+(?: \S+)*", row):
            left, right = x + cell.start() * CHARACTER, x + cell.end() * CHARACTER
            top = y + number * ROW
            quad = np.array([[left, top], [right, top], [right, top + HEIGHT], [left, top + HEIGHT]], np.float32)
            found.append(Line(cell[0], quad, confidence))
    return tuple(found)
