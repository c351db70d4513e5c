"""The text of a chart as pieces with places, numbers among them understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from models.reading import Line

_NUMBER = re.compile(
    r"(?P<sign>[-\u2212\u2013])?(?P<currency>[$€£¥])?(?P<digits>\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|\d+[.,]\d+|\.\d+|\d+)"
    r" ?(?P<scale>k|K|M|m|bn|B|million|billion)?(?P<percent> ?%)?"
)
_SCALES = {"k": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9}


@dataclass(frozen=True)
class Item:
    """Box: left, top, right, bottom in straightened pixels. number: what it says, if that is a number.

    upright: False where it runs up or down. height: of the letters, whichever way they run. index: of its line among
    the scene's.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    confidence: float
    number: float | None
    upright: bool
    height: float
    index: int

    @property
    def x(self) -> float:
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        return (self.top + self.bottom) / 2

    def turned(self, width: float) -> Item:
        """As it lies after the picture of that width is turned left, so that what points right points up."""
        return replace(self, left=self.top, top=width - self.right, right=self.bottom, bottom=width - self.left)


def number(text: str) -> float | None:
    """What a tick label or a printed value says: "1,200", "-3.5", "40%", "$2.5k"; None for anything else."""
    text = text.strip().strip("_|~").rstrip("-\u2212\u2013.").strip()
    found = _NUMBER.fullmatch({"O": "0", "o": "0"}.get(text, text))
    if found is None:
        return None
    digits = found["digits"].replace(" ", "")
    digits = digits.replace(",", "" if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits) else ".")
    value = float(digits) * _SCALES.get((found["scale"] or "").lower(), 1.0)
    return -value if found["sign"] else value


def items_of(lines: Sequence[Line], matrix: np.ndarray) -> list[Item]:
    """The lines, broken at wide gaps (tick labels that were read as one), where they are after straightening."""
    found = []
    for index, line in enumerate(lines):
        if not line.text.strip():
            continue
        found += [_item(text, quad, line.confidence, matrix, index) for text, quad in _pieces(line)]
    return found


def baselines(lines: Sequence[Line]) -> np.ndarray:
    """float64 [n, 2, 2]: the lower sides of lines that are long enough to have a direction, in picture pixels."""
    sides = []
    for line in lines:
        length, height = np.linalg.norm(line.quad[1] - line.quad[0]), np.linalg.norm(line.quad[3] - line.quad[0])
        if length > 4 * height:
            sides.append(line.quad[[3, 2]])
    return np.array(sides, np.float64).reshape(-1, 2, 2)


def merged(items: Sequence[Item], others: Sequence[Item], count: int) -> tuple[Item, ...]:
    """The items, and those of the others that stand where none of them does. count: of the items' lines."""

    def covered(other: Item) -> bool:
        return any(one.left < other.x < one.right and one.top < other.y < one.bottom for one in items)

    return (*items, *(replace(other, index=other.index + count) for other in others if not covered(other)))


def _pieces(line: Line) -> list[tuple[str, np.ndarray]]:
    """Words with gaps between them that are wider than the line is high are not one phrase."""
    if len(line.words) < 2 or "".join(word.text for word in line.words) != line.text.replace(" ", ""):
        return [(line.text, line.quad)]
    origin, step = line.quad[0], line.quad[1] - line.quad[0]
    length = float(np.hypot(*step))
    height = float(np.hypot(*(line.quad[3] - line.quad[0])))
    if length <= height:
        return [(line.text, line.quad)]
    along = step / length
    spans = [np.sort((word.quad - origin) @ along)[[0, -1]] for word in line.words]
    numeric = all(number(word.text) is not None for word in line.words)
    groups: list[list[int]] = [[0]]
    for at in range(1, len(spans)):
        gap = spans[at][0] - spans[at - 1][1]
        if gap > (0.5 if numeric else 1.0) * height:
            groups.append([])
        groups[-1].append(at)
    if len(groups) == 1:
        return [(line.text, line.quad)]
    quads = [np.concatenate([line.words[at].quad for at in group]) for group in groups]
    return [(" ".join(line.words[at].text for at in group), quad) for group, quad in zip(groups, quads, strict=True)]


def _item(text: str, quad: np.ndarray, confidence: float, matrix: np.ndarray, index: int) -> Item:
    places = cv2.perspectiveTransform(np.asarray(quad, np.float64)[None], matrix)[0]
    if len(places) == 4:  # a quad's sides may lean; halfway along them is the fairest box
        ordered_x, ordered_y = np.sort(places[:, 0]), np.sort(places[:, 1])
        left, right = ordered_x[:2].mean(), ordered_x[2:].mean()
        top, bottom = ordered_y[:2].mean(), ordered_y[2:].mean()
    else:
        (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
    upright = len(text.strip()) < 3 or bottom - top < 1.3 * (right - left)
    height = bottom - top if upright else right - left
    return Item(text.strip(), left, top, right, bottom, confidence, number(text), upright, height, index)
