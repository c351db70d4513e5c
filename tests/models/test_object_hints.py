"""What the object head found, as the language model reads it."""

import pytest

from models.object_hints import ObjectHints
from models.objects import Detection, Detections

LEFT, MIDDLE, RIGHT = (0.0, 0.2, 0.3, 0.9), (0.35, 0.2, 0.65, 0.9), (0.7, 0.2, 1.0, 0.9)


def found(presence, *boxes):
    return Detections(presence, tuple(Detection(name, box, score) for name, box, score in boxes))


def test_names_are_offered_best_first_and_not_too_many():
    rule = ObjectHints("objects", threshold=0.3, top=2, counted=0.5)
    seen = found({"cat": 0.4, "dog": 0.9, "cup": 0.35, "bus": 0.1})
    assert rule.names(seen) == [("dog", 0.9), ("cat", 0.4)]
    assert rule.words(seen) == ["dog", "cat"]
    assert rule.words(found({"bus": 0.1})) == []


def test_a_number_is_told_where_more_than_one_box_is_sure_enough():
    rule = ObjectHints("objects", threshold=0.3, top=4, counted=0.5)
    boxes = [("dog", LEFT, 0.9), ("dog", RIGHT, 0.6), ("dog", MIDDLE, 0.4), ("cat", LEFT, 0.9)]
    assert rule.words(found({"dog": 0.9, "cat": 0.8}, *boxes)) == ["2 dog", "cat"]


@pytest.mark.parametrize(("box", "said"), [(LEFT, "cup left"), (MIDDLE, "cup"), (RIGHT, "cup right")])
def test_the_side_is_that_of_the_best_box(box, said):
    rule = ObjectHints("objects", threshold=0.3, top=4, counted=0.5, places=True)
    assert rule.words(found({"cup": 0.9}, ("cup", box, 0.9), ("cup", MIDDLE, 0.3))) == [said]
    assert rule.words(found({"cup": 0.9})) == ["cup"]
