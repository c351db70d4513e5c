"""A card to draw words on: fonts, colours, tables and paragraphs. Knows nothing of what the words mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INKS = (((255, 255, 255), (15, 15, 15)), ((250, 245, 228), (45, 30, 20)), ((20, 50, 90), (245, 245, 245)))
"""(paper, ink)"""
DEJAVU = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf")
MARGIN = 26


@lru_cache(256)
def font_of(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """name: "" for Pillow's own (a grotesque), else one of DEJAVU, which matplotlib carries where it is installed."""
    if name:
        try:
            import matplotlib

            return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
        except (ImportError, OSError):
            pass
    return ImageFont.load_default(size)


class Card:
    """Grows downwards as things are put on it; `pixels` cuts it to what was used."""

    def __init__(self, rng: np.random.Generator, width: int, size: int):
        self.size = size
        self._name = str(rng.choice(["", *DEJAVU]))
        self.paper, self.ink = INKS[int(rng.choice(len(INKS), p=[0.6, 0.25, 0.15]))]
        self._image = Image.new("RGB", (width, 2000), self.paper)
        self._pen = ImageDraw.Draw(self._image)
        self.width, self.y, self._used = width, MARGIN, 0

    def font(self, scale: float = 1.0):
        return font_of(self._name, round(self.size * scale))

    def wide(self, text: str, scale: float = 1.0) -> float:
        """Pixels that a text takes."""
        return self._pen.textlength(text, font=self.font(scale))

    def put(self, text: str, x: float, scale: float = 1.0, anchor: str = "ls", y: float | None = None) -> None:
        """Words with their baseline at y, one line below `self.y` where none is given."""
        at = self.y + self.size * scale if y is None else y
        self._pen.text((x, at), text, font=self.font(scale), fill=self.ink, anchor=anchor)
        wide = self.wide(text, scale)
        self._used = max(self._used, round(x + {"l": wide, "m": wide / 2, "r": 0}[anchor[0]]))

    def line(self, text: str, scale: float = 1.0, space: float = 1.4) -> None:
        """One line from the left margin."""
        self.put(text, MARGIN, scale)
        self.y += round(self.size * scale * space)

    def paragraph(self, text: str, scale: float = 1.0) -> None:
        """Words wrapped at the card's width."""
        words: list[str] = []
        for word in text.split():
            if words and self.wide(" ".join([*words, word]), scale) > self.width - 2 * MARGIN:
                self.line(" ".join(words), scale, 1.3)
                words = []
            words.append(word)
        self.line(" ".join(words), scale, 1.3)

    def table(self, rows: Sequence[Sequence[str]], rules: bool, space: float = 1.45) -> None:
        """The first column flush left, the others flush right; as wide as its contents need."""
        count = max(map(len, rows))
        widths = [max(self.wide(row[i]) for row in rows if i < len(row)) for i in range(count)]
        gap = 1.3 * self.size
        for row in rows:
            baseline = self.y + self.size
            x: float = MARGIN
            for index, text in enumerate(row):
                x += widths[index] + (gap if index else 0)
                self.put(text, MARGIN if index == 0 else x, 1.0, "ls" if index == 0 else "rs", baseline)
            self.y += round(self.size * space)
            if rules:
                self._rule(x)
        self._used = max(self._used, round(x))

    def _rule(self, x: float) -> None:
        y = self.y - round(self.size * 0.08)
        self._pen.line((MARGIN, y, x, y), fill=self.ink, width=1)

    @property
    def pixels(self) -> np.ndarray:
        """uint8 RGB [height, width, 3]."""
        right = min(self._image.width, self._used + MARGIN)
        return np.asarray(self._image.crop((0, 0, right, min(self._image.height, round(self.y) + MARGIN))))
