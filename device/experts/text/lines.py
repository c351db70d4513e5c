"""The lines of a picture as they are talked about: in rows, with the words that are unsure, each with its claim."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from device.evidence import Basis, Box, Claim
from device.experts.scene import Scene
from models.reading import Line
from models.reading_order import reading_order

# Confidence of a word below which it is said to be unsure: about half of those are misread, of the others one in seven.
SURE = 0.98
NOTHING = "I can't read any text here."
FOREIGN = "There is text here, but in a script that I can't read aloud."


@dataclass(frozen=True)
class Row:
    """What stands beside each other, left to right: what people call a line."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    @property
    def unsure(self) -> tuple[str, ...]:
        """The words that may well be misread."""
        return tuple(
            word.text
            for line in self.lines
            for word in line.words
            if word.confidence < SURE and any(map(str.isalnum, word.text))
        )

    @property
    def is_sure(self) -> bool:
        return not self.unsure


def rows(scene: Scene) -> list[Row]:
    """The rows of text that can be read aloud, in reading order."""
    lines = [line for line in scene.lines if is_speakable(line.text)]
    order = reading_order([line.quad for line in lines], [len(line.text) for line in lines])
    return [Row(tuple(lines[index] for index in row)) for row in order]


def is_speakable(text: str) -> bool:
    """Whether it has letters or digits, and most letters are of the Latin script."""
    letters = [character for character in text if character.isalpha()]
    latin = sum(unicodedata.name(character, "").startswith("LATIN") for character in letters)
    return (2 * latin > len(letters)) if letters else any(character.isdigit() for character in text)


def nothing_to_read(scene: Scene) -> str:
    """The sentence for a picture without a row."""
    return FOREIGN if scene.lines else NOTHING


def box(quad: np.ndarray, scene: Scene) -> Box:
    """The upright box around a quad."""
    left, top, right, bottom = (
        float(np.clip(value / side, 0, 1))
        for value, side in zip((*quad.min(0), *quad.max(0)), (*scene.size, *scene.size), strict=True)
    )
    return left, top, right, bottom


def claims(rows: Sequence[Row], scene: Scene) -> tuple[Claim, ...]:
    """One of each line."""
    return tuple(
        Claim("text", line.text, line.confidence, Basis.VERBATIM, box(line.quad, scene), line.text)
        for row in rows
        for line in row.lines
    )


def spoken(rows: Sequence[Row]) -> str:
    """Rows as one piece of speech, with a stop wherever nothing says that the sentence goes on."""
    text = ""
    for row in rows:
        stop = text and text[-1] not in ".,:;!?-/" and not row.text[:1].islower()
        text += (". " if stop else " " if text else "") + row.text
    return text if text[-1:] in ".!?" else f"{text}."
