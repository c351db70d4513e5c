"""Draws on a picture what an answer rests on: the claims where they stand, or the steps that led to it, numbered.

Below the picture the steps are listed in their order, those that have no place in it too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from device.evidence import Box, Claim
from device.steps import Step
from models.errors import GlintError

COLOURS = ("#ffb000", "#648fff", "#dc267f", "#fe6100", "#785ef0")  # told apart by colour-blind people too (IBM's)
INKS = ("black", "black", "white", "black", "white")  # to be read on them
SMALLEST = 640  # pixels; a smaller picture is enlarged so that the words can be read
LARGEST = 2048
LONGEST_CAPTION, LONGEST_ROW = 28, 90  # characters
MOST_ROWS = 12
CROWDED = 0.1  # part of another box; a caption that hides more is left out, since the strip has it too
_STRIP, _WORDS, _QUIET = "#16181d", "#f2f2f2", "#9aa0aa"

Span = tuple[float, float, float, float]
"""left, top, right, bottom in pixels."""


@dataclass
class Sheet:
    """A picture that is drawn on; labels keep out of each other's way, where there is room."""

    image: Image.Image
    labels: list[Span] = field(default_factory=list)
    frames: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.image)
        self.size = max(13, min(self.image.size) // 40)
        self.font = ImageFont.load_default(size=self.size)
        self.line = max(2, min(self.image.size) // 250)

    def frame(self, box: Box, number: int) -> Span:
        """Draws a box, and returns where it came to be."""
        x = sorted(v * self.image.width for v in box[::2])
        y = sorted(v * self.image.height for v in box[1::2])
        span = (x[0], y[0], x[1], y[1])
        self.frames.append(span)
        dark = tuple(v + d for v, d in zip(span, (-1, -1, 1, 1), strict=True))
        self.pen.rectangle(dark, outline="black", width=self.line + 2)  # seen on a ground of its own colour too
        self.pen.rectangle(span, outline=COLOURS[number % len(COLOURS)], width=self.line)
        return span

    def label(self, text: str, span: Span, number: int, shorter: str | None = None) -> None:
        """Writes beside a box, or inside it: wherever it hides least; the shorter text where that is too much."""
        colour, ink = COLOURS[number % len(COLOURS)], INKS[number % len(INKS)]
        pad = self.size // 4
        text = self.fitted(text, self.image.width - 2 * pad)
        wide, high = self.font.getlength(text) + 2 * pad, self.size * 1.25 + pad
        left, top, right, bottom = span
        corners = [
            (left, top - high),
            (left, bottom),
            (right - wide, top - high),
            (right - wide, bottom),
            (right, top),
            (left - wide, top),
            (left, top),
            (left, bottom - high),
        ]
        if shorter is None:  # what must be said is said further down
            corners += [(left, top + step * high) for step in range(1, 8)]
        places = [self._inside((x, y, x + wide, y + high)) for x, y in corners]
        place = min(places, key=self._hidden)
        if shorter is not None and self._hidden(place) > CROWDED:
            self.label(shorter, span, number)
            return
        self.labels.append(place)
        self.pen.rectangle(place, fill=colour)
        self.pen.text((place[0] + pad, (place[1] + place[3]) / 2), text, font=self.font, fill=ink, anchor="lm")

    def fitted(self, text: str, width: float) -> str:
        """The text, cut where it would be wider than so many pixels."""
        if self.font.getlength(text) <= width:
            return text
        while text and self.font.getlength(text + "…") > width:
            text = text[:-1]
        return text.rstrip() + "…"

    def _hidden(self, place: Span) -> float:
        """How much a label there would hide: of other labels, and less badly of what is small and framed."""
        framed = sum(_common(place, other) / max(1.0, _area(other)) for other in self.frames)
        return 10 * sum(_common(place, other) / _area(other) for other in self.labels) + framed

    def _inside(self, place: Span) -> Span:
        left, top, right, bottom = place
        aside = max(0.0, -left) - max(0.0, right - self.image.width + 1)
        down = max(0.0, -top) - max(0.0, bottom - self.image.height + 1)
        return left + aside, top + down, right + aside, bottom + down


def draw(pixels: np.ndarray, claims: Sequence[Claim]) -> np.ndarray:
    """uint8 RGB [height, width, 3] -> a copy, at most LARGEST on its longer side, with the claims' boxes."""
    sheet = Sheet(_enlarged(pixels))
    placed = [(number, claim.finding, claim.box) for number, claim in enumerate(claims) if claim.box is not None]
    spans = [sheet.frame(box, number) for number, _, box in placed]
    for (number, finding, _), span in zip(placed, spans, strict=True):
        sheet.label(_cut(finding, 40), span, number)
    return np.asarray(sheet.image)


def draw_steps(pixels: np.ndarray, steps: Sequence[Step]) -> np.ndarray:
    """The same with the steps' boxes, numbered from 1, and a strip below that lists all steps."""
    sheet = Sheet(_enlarged(pixels))
    boxes: dict[Box, list[int]] = {}
    for number, step in enumerate(steps[:MOST_ROWS]):
        if step.box is not None:
            boxes.setdefault(step.box, []).append(number)
    spans = [sheet.frame(box, numbers[0]) for box, numbers in boxes.items()]
    for numbers, span in zip(boxes.values(), spans, strict=True):
        numbered = ", ".join(str(number + 1) for number in numbers)
        _, what = steps[numbers[-1]].words.split(" ", 1)
        sheet.label(f"{numbered}  {_cut(what, LONGEST_CAPTION)}", span, numbers[0], shorter=numbered)
    return np.vstack([np.asarray(sheet.image), _strip(sheet, steps)]) if steps else np.asarray(sheet.image)


def write_drawing(path: Path, pixels: np.ndarray, claims: Sequence[Claim]) -> None:
    """Draws into a file, whose ending says which format. Raises GlintError for one that cannot be written."""
    _write(path, lambda: draw(pixels, claims))


def write_steps(path: Path, pixels: np.ndarray, steps: Sequence[Step]) -> None:
    """The same with the steps."""
    _write(path, lambda: draw_steps(pixels, steps))


def _write(path: Path, drawn: Callable[[], np.ndarray]) -> None:
    try:
        Image.fromarray(drawn()).save(path)
    except (OSError, ValueError) as error:
        raise GlintError(f"{path} cannot be written ({error}); give a name that ends in .png or .jpg.") from error


def _enlarged(pixels: np.ndarray) -> Image.Image:
    height, width = pixels.shape[:2]
    scale = min(LARGEST / max(height, width), max(1.0, SMALLEST / max(height, width)))
    if scale != 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return Image.fromarray(pixels).convert("RGB")


def _strip(above: Sheet, steps: Sequence[Step]) -> np.ndarray:
    """uint8 RGB [height, width of the picture, 3]: a row for each step, what it was and how long it took."""
    rows = [(_cut(step.words, LONGEST_ROW), _spent(step)) for step in steps[:MOST_ROWS]]
    more = len(steps) - len(rows)
    size = max(14, round(1.1 * above.size))
    high, pad = round(1.9 * size), round(0.7 * size)
    strip = Sheet(Image.new("RGB", (above.image.width, high * (len(rows) + (more > 0)) + pad), _STRIP))
    strip.size, strip.font = size, ImageFont.load_default(size=size)
    aside = pad + 2 * size
    for number, (words, spent) in enumerate(rows):
        middle = pad / 2 + high * (number + 0.5)
        reach, x = 0.72 * size, pad + 0.72 * size
        colour, ink = COLOURS[number % len(COLOURS)], INKS[number % len(INKS)]
        strip.pen.ellipse((x - reach, middle - reach, x + reach, middle + reach), fill=colour)
        small = ImageFont.load_default(size=0.8 * size)
        strip.pen.text((x, middle), str(number + 1), font=small, fill=ink, anchor="mm")
        room = strip.image.width - aside - 2 * pad - strip.font.getlength(spent)
        strip.pen.text((aside, middle), strip.fitted(words, room), font=strip.font, fill=_WORDS, anchor="lm")
        right = strip.image.width - pad
        strip.pen.text((right, middle), spent, font=strip.font, fill=_QUIET, anchor="rm")
    if more > 0:
        middle = pad / 2 + high * (len(rows) + 0.5)
        strip.pen.text((aside, middle), f"and {more} more", font=strip.font, fill=_QUIET, anchor="lm")
    return np.asarray(strip.image)


def _spent(step: Step) -> str:
    tokens = "" if step.tokens is None else f"{step.tokens} token{'s' if step.tokens != 1 else ''}"
    return ", ".join(filter(None, (tokens, "" if step.ms is None else f"{step.ms:.0f} ms")))


def _cut(text: str, longest: int) -> str:
    text = " ".join(unicodedata.normalize("NFKC", text).split())  # the font has no wide brackets and the like
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _area(span: Span) -> float:
    return (span[2] - span[0]) * (span[3] - span[1])


def _common(one: Span, other: Span) -> float:
    """Area of the overlap, in pixels."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0
