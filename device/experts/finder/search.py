"""Looks for a named thing in a scene: with the object head, by what else the encoder knows, or in the text there.

The object head alone can say that something is not there: it was taught with photos of which all of its names are
known. The encoder's other names compete with each other, and text may be hidden, so these only ever find.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

import numpy as np

from device.evidence import Basis, Box
from device.experts.finder.words import Thing, bare, look_up, singular
from device.experts.scene import Scene
from models.objects import Detection, Detections

_OWN = re.compile(r"(?:my|our|his|her|their|your)\b")
NAMED = 0.15  # from this probability on, a name that the object head does not know counts as seen
DOUBTFUL_BOX = 0.25  # a box of a lower score is not pointed at with certainty
SURE = 0.5  # boxes of this score are surely there: on training photos nine of ten "at least two" were right


class Verdict(Enum):
    """Whether something is there."""

    YES, UNSURE, NO = "yes", "unsure", "no"


@dataclass(frozen=True)
class Sighting:
    """What a search came to. name: what was found or looked for. boxes: (name, box, score), best first.

    number: the likeliest, where there is one. word: what was asked for, where that says more or less than the name.
    basis and line: as in a claim.
    """

    verdict: Verdict
    name: str
    chance: float
    boxes: tuple[tuple[str, Box, float], ...] = ()
    number: int = 1
    word: str | None = None
    basis: Basis = Basis.INFERRED
    line: str | None = None


def is_own(words: str) -> bool:
    """Whether it is somebody's own, and so written nowhere."""
    return _OWN.match(words) is not None


def find(scene: Scene, words: str) -> Sighting | None:
    """The thing that is called so; None when nothing here knows the word and no text says it."""
    return look(scene, words) or _by_name(scene, words) or _by_text(scene, words)


def look(scene: Scene, words: str) -> Sighting | None:
    """By the object head alone; None for a word that it does not know."""
    thing = look_up(words, scene.objects.presence)
    return None if thing is None or not thing.names else _sighting(scene, thing)


def placed(found: Detections, names: Collection[str]) -> list[Detection]:
    """The boxes of these names, best first: of each its best, however doubtful, and what is not doubtful besides."""
    boxes = [box for box in found.boxes if box.name in names]
    best = {name: next((box for box in boxes if box.name == name), None) for name in names}
    return [box for box in boxes if box is best[box.name] or box.score >= DOUBTFUL_BOX]


def _sighting(scene: Scene, thing: Thing) -> Sighting:
    found = scene.objects
    seen = [name for name in thing.names if found.sees(name)]
    names = seen or [name for name in thing.names if not found.rules_out(name)]
    best = max(names or thing.names, key=lambda name: found.presence[name])
    verdict = Verdict.YES if seen else Verdict.UNSURE if names else Verdict.NO
    boxes = tuple((d.name, d.box, d.score) for d in placed(found, names))
    word = thing.word if not thing.exact or (verdict is Verdict.NO and len(thing.names) > 1) else None
    return Sighting(verdict, best, found.presence[best], boxes, found.number(names), word)


def _by_name(scene: Scene, words: str) -> Sighting | None:
    """By the class activation map of a name that the encoder has a score for."""
    for word in dict.fromkeys((bare(words), singular(bare(words)))):
        attention = scene.instruments.encoder().attention(scene.pixels, word)
        if attention is not None and attention.probability >= NAMED:
            box = peak_box(attention.cells)
            return Sighting(
                Verdict.YES if attention.probability >= 0.5 else Verdict.UNSURE,
                word,
                attention.probability,
                ((word, box, attention.probability),),
            )
    return None


def peak_box(cells: np.ndarray) -> Box:
    """The box around the cells that are joined to the highest by cells at least half as high above the mean.

    cells: float32 [side, side], logits by place.
    """
    side = len(cells)
    above = cells - cells.mean()
    strong = above >= above.max() / 2
    reached = np.zeros_like(strong)
    reached[np.unravel_index(above.argmax(), above.shape)] = True
    for _ in range(2 * side):
        padded = np.pad(reached, 1)
        spread = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
        reached = spread & strong | reached
    rows, columns = np.nonzero(reached)
    return (
        float(columns.min() / side),
        float(rows.min() / side),
        float((columns.max() + 1) / side),
        float((rows.max() + 1) / side),
    )


def _by_text(scene: Scene, words: str) -> Sighting | None:
    """By a recognised line in which the words stand, as on a sign; what is somebody's own stands on none."""
    if is_own(words):
        return None
    asked = bare(words)
    if len(asked) < 3 or not asked.replace(" ", "").replace("'", "").isalnum():
        return None
    width, height = scene.size
    for line in scene.lines:
        if f" {asked} " in f" {' '.join(''.join(c if c.isalnum() else ' ' for c in line.text.lower()).split())} ":
            (left, top), (right, bottom) = line.quad.min(0), line.quad.max(0)
            box = (float(left / width), float(top / height), float(right / width), float(bottom / height))
            found = ((asked, box, line.confidence),)
            return Sighting(Verdict.YES, asked, line.confidence, found, basis=Basis.VERBATIM, line=line.text)
    return None


@dataclass(frozen=True)
class Count:
    """number: the best guess. least: so many are surely there."""

    number: int
    least: int


def count(sighting: Sighting) -> Count:
    """How many there are of what was found. Boxes say how many at least; one when there is no box but it is there."""
    if sighting.verdict is Verdict.NO:
        return Count(0, 0)
    sure = sum(score >= SURE for _, _, score in sighting.boxes)
    return Count(sighting.number, max(int(sighting.verdict is Verdict.YES), sure))
