from pathlib import Path

import pytest

from models.errors import GlintError
from models.evaluation.colours import evaluate_colours, is_right, mentioned


@pytest.mark.parametrize(
    ("said", "accepted", "right"),
    [
        ("It is red.", ["red"], True),
        ("dark red", ["red"], True),
        ("navy", ["blue"], True),
        ("light blue", ["dark blue"], False),
        ("The cup is gray.", ["grey"], True),
        ("red and white", ["red"], True),
        ("white and red", ["red"], False),
        ("either blue or green", ["blue"], False),
        ("either blue or green", ["blue", "green"], True),
        ("a cup", ["red"], False),
        ("tan", ["beige"], True),
        ("a bored reader", ["red"], False),
    ],
)
def test_when_a_name_is_right(said, accepted, right):
    assert is_right(said, accepted) == right


def test_names_in_a_sentence():
    assert mentioned("A pale-green cup on dark blue cloth") == [("light", "green"), ("dark", "blue")]


def test_figures_of_the_expert_and_of_the_model_alone():
    rows = [
        {"file": "a.png", "path": Path("a.png"), "colour": "red"},
        {"file": "b.png", "path": Path("b.png"), "colour": "purple", "accept": ["blue"], "region": [0, 0, 0.5, 1]},
    ]
    asked = []

    def expert(picture, region, question):
        asked.append((picture.name, region, question))
        return {"a.png": "either red or pink", "b.png": "blue"}[picture.name]

    figures = evaluate_colours(rows, expert, lambda picture, region, question: "It's red").figures
    assert figures["exact"] == 0.5
    assert figures["exact_model_alone"] == 0.5
    assert figures["unsure"] == 0.5
    assert asked[1] == ("b.png", (0.0, 0.0, 0.5, 1.0), "What colour is this?")


def test_a_bad_region_is_explained():
    row = {"file": "a.png", "path": Path("a.png"), "colour": "red", "region": [1, 2]}
    with pytest.raises(GlintError, match="four numbers"):
        evaluate_colours([row], lambda picture, region, question: "red")
