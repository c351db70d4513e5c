"""Fonts and colours of a small display, and text that fits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FONTS = Path(__file__).parent / "fonts"
BLACK, WHITE, QUIET = "#000000", "#ffffff", "#a9b8bd"
MINT, AMBER, TRACK, SKY = "#7fe0c3", "#ffb84d", "#2b3438", "#69b7ff"
Font = ImageFont.FreeTypeFont


@lru_cache(32)
def font_of(size: int, bold: bool = False) -> Font:
    """A narrow one, so that much fits; it knows Latin, Greek and Cyrillic."""
    return ImageFont.truetype(FONTS / f"DejaVuSansCondensed{'-Bold' if bold else ''}.ttf", size)


def clipped(text: str, font: Font, width: int) -> str:
    """With "…" where it does not fit."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrapped(text: str, font: Font, width: int) -> list[str]:
    """Lines that fit, broken between words, and within a word that alone is too wide."""
    lines: list[str] = []
    for word in text.split(" ") if text else []:
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        while len(word) > 1 and font.getlength(word) > width:
            fits = max(1, next(n for n in range(len(word), 0, -1) if n == 1 or font.getlength(word[:n]) <= width))
            lines.append(word[:fits])
            word = word[fits:]
        lines.append(word)
    return lines


def largest(text: str, sizes: Sequence[int], width: int, most_lines: int, room: int) -> tuple[Font, list[str]]:
    """The largest of the sizes, largest first, in which the text fits without breaking a word; else the smallest."""
    for size in sizes:
        font = font_of(size, bold=True)
        lines = wrapped(text, font, width)
        whole = all(font.getlength(word) <= width for word in text.split(" "))
        if whole and len(lines) <= most_lines and len(lines) * line_height(font) <= room:
            return font, lines
    return font, lines


def line_height(font: Font) -> int:
    return round(font.size * 1.25)
