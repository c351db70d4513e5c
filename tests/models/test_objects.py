"""What is made of the object head's raw numbers."""

import numpy as np
import pytest

from models.errors import GlintError
from models.objects import Detections, ObjectRule, read_objects

RULE = {
    "names": ["cat", "dog"],
    "likely": [0.4, 0.5],
    "possible": [0.1, 0.2],
    "box_slope": 1.0,
    "presence_slope": 0.0,
    "box_shift": 0.0,
    "box_least": 0.1,
    "overlap": 0.5,
    "number_from": [1.6, 2.4],
}


def detections(cells, presence=(0.9, 0.1), amounts=(1.0, 1.0), **changes):
    """cells: (cat's score, dog's score, box) of each."""
    scores = np.array([cell[:2] for cell in cells], np.float32)
    boxes = np.array([cell[2] for cell in cells], np.float32)
    rule = ObjectRule.read(RULE | changes)
    return read_objects(rule, np.array(presence, np.float32), scores, boxes, np.array(amounts, np.float32))


def test_boxes_come_best_first_and_without_overlaps():
    found = detections(
        [
            (0.6, 0, (0.1, 0.1, 0.5, 0.5)),
            (0.9, 0, (0.1, 0.1, 0.55, 0.5)),
            (0.7, 0, (0.6, 0.6, 0.9, 0.9)),
            (0, 0.5, (0.1, 0.1, 0.5, 0.5)),
        ]
    )
    assert [(d.name, round(d.score, 2)) for d in found.boxes] == [("cat", 0.9), ("cat", 0.7), ("dog", 0.5)]
    assert [d.name for d in found.of("cat")] == ["cat", "cat"]


def test_faint_boxes_are_dropped_and_none_leaves_the_picture():
    found = detections([(0.05, 0, (0, 0, 1, 1)), (0.5, 0, (-0.2, 0.5, 0.4, 1.3)), (0.5, 0, (1.1, 0.2, 1.4, 0.4))])
    assert [d.box for d in found.boxes] == [pytest.approx((0, 0.5, 0.4, 1))]


def test_presence_has_its_share_in_the_score_of_a_box():
    cell = [(0.5, 0.5, (0.1, 0.1, 0.5, 0.5))]
    scores = {d.name: d.score for d in detections(cell, presence_slope=0.5).boxes}
    assert scores["cat"] > 0.5 > scores["dog"]


def test_each_name_has_its_own_thresholds():
    found = detections([(0, 0, (0, 0, 1, 1))], presence=(0.45, 0.45))
    assert found.sees("cat")
    assert not found.sees("dog")
    assert not found.rules_out("dog")
    assert detections([(0, 0, (0, 0, 1, 1))], presence=(0.05, 0.15)).rules_out("dog")


def test_a_number_follows_from_the_amounts_of_all_names_together():
    found = detections([(0, 0, (0, 0, 1, 1))], amounts=(1.7, 1.2))
    assert found.number(["cat"]) == 2
    assert found.number(["dog"]) == 1
    assert found.number(["cat", "dog"]) == 3


def test_nothing_is_known_without_a_head():
    nothing = Detections({}, ())
    assert not nothing.sees("cat")
    assert nothing.of("cat") == ()


@pytest.mark.parametrize("change", [{"likely": [0.5]}, {"names": None}, {"colour": 3}])
def test_a_damaged_description_is_refused(change):
    with pytest.raises(GlintError, match="description of its object head is damaged"):
        ObjectRule.read(RULE | change)
