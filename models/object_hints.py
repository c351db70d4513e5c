"""What the object head found, in the words in which it is offered to the language model as hints.

The words stand in the prompt where the encoder's own opinion on the same names stood when the model was trained. The
model has not been trained on them, and by default they are not offered (README of the recipe: what they did).
"""

from __future__ import annotations

from dataclasses import dataclass

from models.objects import Detection, Detections

LEFT, RIGHT = 0.36, 0.64  # of the picture's width


@dataclass(frozen=True)
class ObjectHints:
    """label: of the block of hints that is replaced. threshold: chance from which on a name is offered; `top` at most.

    counted: score from which on a box counts; more than one such box is told as a number. places: whether the side on
    which the best box stands is told too.
    """

    label: str
    threshold: float
    top: int
    counted: float
    places: bool = False

    def names(self, found: Detections) -> list[tuple[str, float]]:
        """(name, chance) of what is offered, best first."""
        best = sorted(found.presence.items(), key=lambda item: -item[1])[: self.top]
        return [(name, chance) for name, chance in best if chance >= self.threshold]

    def words(self, found: Detections) -> list[str]:
        """What the model reads of each: "2 dog left"."""
        return [self._words(name, found.of(name)) for name, _ in self.names(found)]

    def _words(self, name: str, boxes: tuple[Detection, ...]) -> str:
        count = sum(box.score >= self.counted for box in boxes)
        parts = [str(count) if count > 1 else "", name, _side(boxes[0]) if self.places and boxes else ""]
        return " ".join(filter(None, parts))


def _side(box: Detection) -> str:
    middle = (box.box[0] + box.box[2]) / 2
    return "left" if middle < LEFT else "right" if middle > RIGHT else ""


OBJECT_HINTS = ObjectHints("objects", threshold=0.35, top=4, counted=0.3)
