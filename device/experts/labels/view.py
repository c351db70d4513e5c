"""What the answers share: the labels in a scene, and how to speak of one among several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from device.evidence import Answer, Claim
from device.experts.labels.label import Label, read_labels
from device.experts.scene import Scene

UNSURE = 0.7
"""Below this confidence an answer says that it is not sure."""
WHERE = {
    "the left one": "on the left",
    "the right one": "on the right",
    "the upper one": "at the top",
    "the lower one": "at the bottom",
    "the one in the middle": "in the middle",
}
NOT_SURE = "I am not sure I read it right."


@dataclass(frozen=True)
class Named:
    """A label and how it is spoken of: "the left one", "the one before"; "" where it is the only one.

    elsewhere: it is on an earlier picture, so that boxes would point at nothing.
    """

    label: Label
    name: str
    size: tuple[int, int]
    elsewhere: bool = False

    @property
    def where(self) -> str:
        """To begin a sentence with: "on the left: ", "" for the only label."""
        return f"{WHERE[self.name]}: " if self.name in WHERE else ""

    def claim(self, claim: Claim) -> Claim:
        """Without a box where it is not on this picture."""
        return replace(claim, box=None) if self.elsewhere else claim


def labels_of(scene: Scene) -> list[Label]:
    """Those in view."""
    return read_labels(scene.lines, scene.today)


def in_view(labels: Sequence[Label], size: tuple[int, int]) -> list[Named]:
    """The labels with names: one without, two as left and right or upper and lower, of more the middle one alone."""
    if len(labels) < 2:
        return [Named(label, "", size) for label in labels]
    middles = [np.mean([np.mean(cell.line.quad, 0) for cell in label.cells], 0) for label in labels]
    if len(labels) == 2:
        apart = np.abs(middles[0] - middles[1]) / size
        axis, names = (0, ("left", "right")) if apart[0] >= apart[1] else (1, ("upper", "lower"))
        order = sorted(range(2), key=lambda i: middles[i][axis])
        return [Named(labels[i], f"the {name} one", size) for i, name in zip(order, names, strict=True)]
    nearest = int(np.argmin([np.linalg.norm(middle - np.array(size) / 2) for middle in middles]))
    return [Named(labels[nearest], "the one in the middle", size)]


def pair_of(scene: Scene) -> list[Named]:
    """The two things to compare: two labels in view, else this one and that of the picture before; one if no more."""
    seen = in_view(labels_of(scene), scene.size)
    if len(seen) == 2 or scene.before is None:
        return seen
    before = in_view(labels_of(scene.before), scene.before.size)
    return [
        *(replace(one, name="this one") for one in seen[:1]),
        *(replace(one, name="the one before", elsewhere=True) for one in before[:1]),
    ]


def upper_first(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def joined(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def told(sentences: Sequence[str], claims: Sequence[Claim]) -> Answer:
    """Sentences in a row; said to be unsure where a claim is."""
    unsure = [NOT_SURE] if any(claim.confidence < UNSURE for claim in claims) else []
    return Answer(" ".join([*sentences, *unsure]), tuple(claims))
