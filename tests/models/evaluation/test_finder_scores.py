"""How finding is scored, on made-up finds."""

from pathlib import Path

import pytest

from models.errors import GlintError
from models.evaluation.finder import (
    evaluate_counts,
    evaluate_pointing,
    evaluate_presence,
    kind_of,
    number_in,
    said_presence,
)
from models.objects import Detections

ROWS = [
    {"file": "a.jpg", "path": Path("a.jpg"), "objects": ["cat", "dog"]},
    {"file": "b.jpg", "path": Path("b.jpg"), "objects": ["cat"]},
    {"file": "c.jpg", "path": Path("c.jpg"), "objects": []},
]


def seen(**presence):
    names = dict.fromkeys(presence, 0.5)
    return Detections(presence, (), names, dict.fromkeys(presence, 0.2))


def test_presence_over_all_pairs():
    finds = {
        "a.jpg": seen(cat=0.9, dog=0.3),  # the dog is missed, yet not ruled out
        "b.jpg": seen(cat=0.9, dog=0.6),  # a dog too many
        "c.jpg": seen(cat=0.1, dog=0.1),
    }
    figures = evaluate_presence(ROWS, lambda path: finds[path.name]).figures
    assert figures["presence_precision"] == figures["presence_recall"] == figures["presence_f1"] == 0.6667
    assert figures["presence_balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2, abs=1e-4)
    assert figures["presence_balanced_accuracy_by_name"] == pytest.approx((1 + (1 + 0.5) / 2) / 2)


def test_a_name_that_the_head_lacks_is_missed():
    assert evaluate_presence(ROWS, lambda path: Detections({}, ())).figures["presence_recall"] == 0


def test_the_model_is_asked_about_what_is_there_and_some_that_is_not():
    asked = []

    def say(path, question):
        asked.append((path.name, question))
        return "Yes, there is." if "cat" in question else "No."

    figures = said_presence(ROWS, say, ["cat", "dog", "emu", "fox", "owl", "pig", "rat"]).figures
    assert ("a.jpg", "Is there a dog in the picture?") in asked
    assert len(asked) == 3 + 3 * 3
    assert figures["presence_recall"] == 0.6667


@pytest.mark.parametrize(
    ("answer", "yes"),
    [
        ("Yes. I see a cat ahead.", True),
        ("There may be a cat, but I am not sure.", True),
        ("I think there is a cat, but I cannot tell where.", True),
        ("No, as far as I can tell. I don't see a cat here.", False),
        ("Hold still, it is blurred.", False),
    ],
)
def test_what_counts_as_yes(answer, yes):
    assert said_presence(ROWS[1:2], lambda *asked: answer, ["cat"]).figures["presence_recall"] == yes


def test_pointing_is_right_inside_a_box_of_that_name():
    rows = [
        {
            "file": "a.jpg",
            "path": Path("a.jpg"),
            "boxes_cxcywh": [["door", 0.2, 0.5, 0.2, 0.6], ["knob", 0.9, 0.5, 0.1, 0.1]],
        }
    ]
    figures = evaluate_pointing(rows, lambda path, name: (0.25, 0.4) if name == "door" else None).figures
    assert figures["pointing_accuracy"] == 0.5
    assert figures["pointing_accuracy_door"] == 1
    assert figures["pointing_answered"] == 0.5


def test_counts_against_the_most_frequent_answer():
    rows = [
        {"file": "a.jpg", "path": Path("a.jpg"), "question": "How many cats?", "answers": {"2": 6, "3": 4}},
        {"file": "a.jpg", "path": Path("a.jpg"), "question": "How many dogs?", "answer": "three"},
        {"file": "a.jpg", "path": Path("a.jpg"), "question": "What colour is it?", "answer": "red"},
    ]
    figures = evaluate_counts(
        rows, lambda path, question: (2, 2 if "cats" in question else 1) if "many" in question else None
    ).figures
    assert figures["count_exact"] == 0.5
    assert figures["count_within_one"] == 1
    assert figures["count_at_least_given"] == 0.5
    assert figures["count_at_least_right"] == 1
    with pytest.raises(GlintError, match="No line asks how many"):
        evaluate_counts(rows, lambda path, question: None)


@pytest.mark.parametrize(
    ("text", "number"), [("There are 12.", 12), ("Three dogs", 3), ("none, no", 0), ("many", None)]
)
def test_numbers_in_answers(text, number):
    assert number_in(text) == number


def test_the_kind_of_a_file():
    assert kind_of(ROWS) == "presence"
    with pytest.raises(GlintError, match="none of the fields"):
        kind_of([{"file": "a.jpg"}])
