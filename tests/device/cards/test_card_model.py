import json

import pytest

from device.cards.card import (
    Card,
    Picture,
    Reading,
    Row,
    Rows,
    Shape,
    Text,
    Timer,
    card_from,
    clock,
    number_of,
    shown,
    text_card,
)
from device.evidence import Basis
from models.errors import GlintError

LEFT, RIGHT = (0.1, 0.2, 0.4, 0.9), (0.6, 0.2, 0.9, 0.9)
EVERYTHING = Card(
    "Comparison",
    (
        Reading(Basis.VERBATIM, 0.9, LEFT, "0", "g", "sugar"),
        Rows(
            (
                Row(Basis.MEASURED, 0.4, LEFT, "this", "0 g", 0.0, True, "#12ab9f"),
                Row(Basis.INFERRED, 0.9, RIGHT, "that", "4 g", 4.0),
            ),
            Shape.BARS,
            "per 100 g",
        ),
        Text(Basis.VERBATIM, text="<b>&"),
        Picture(crop=(0.0, 0.1, 1.0, 1.0)),
        Timer("tea", 1_800_000_000.5, 300.0),
    ),
    "read on the left",
    "Which?",
    "This one.",
)


def test_a_card_goes_through_json_and_comes_back_the_same():
    assert card_from(json.loads(json.dumps(EVERYTHING.as_dict()))) == EVERYTHING
    assert text_card("Glint", "Hello").as_dict() == {"title": "Glint", "parts": [{"part": "text", "text": "Hello"}]}


@pytest.mark.parametrize(
    "record",
    [
        None,
        3,
        "card",
        {},
        {"title": "No parts"},
        {"parts": []},
        {"title": 1, "parts": []},
        {"title": "x", "parts": [], "more": "y"},
        {"title": "x", "parts": [None]},
        {"title": "x", "parts": [{"part": "dance"}]},
        {"title": "x", "parts": [{"part": "rows", "rows": [{"box": [0, 0, 1]}]}]},
        {"title": "x", "parts": [{"part": "rows", "rows": [{"amount": float("nan")}]}]},
        {"title": "x", "parts": [{"part": "text", "text": "x", "box": [0, 0, float("inf"), 1]}]},
        {"title": "x", "parts": [{"part": "timer", "label": "x", "ends_at": float("inf"), "seconds": 1}]},
        {"title": "x", "parts": [{"part": "rows", "rows": [{"colour": "red;}"}]}]},
        {"title": "x", "parts": [{"part": "text", "basis": "rumour"}]},
    ],
)
def test_what_is_no_card_is_refused_in_words(record):
    with pytest.raises(GlintError, match="That is no card"):
        card_from(record)


def test_what_is_inferred_or_unclear_is_a_guess_and_own_words_are_none():
    assert Text(Basis.INFERRED, 0.99, text="dog").is_guess
    assert Text(Basis.VERBATIM, 0.6, text="dog").is_guess
    assert Text(Basis.MEASURED, 0.4, text="dog").is_guess
    assert not Text(Basis.VERBATIM, 0.8, text="dog").is_guess
    assert not Text(text="I cannot see anything.").is_guess


def test_a_place_has_one_number_however_often_it_is_spoken_of():
    assert EVERYTHING.boxes == (LEFT, RIGHT)
    reading, rows = EVERYTHING.parts[:2]
    assert [EVERYTHING.number(known) for known in (reading, *rows.rows)] == [1, 1, 2]


def test_a_list_is_numbered_as_its_boxes_are():
    placed = Rows((Row(name="a"), Row(name="b", box=LEFT), Row(name="c", box=RIGHT)), Shape.LIST)
    assert [number_of(placed, Card("", (placed,)), row) for row in placed.rows] == ["-", "1", "2"]
    one = Rows((Row(name="a", box=LEFT), Row(name="b", box=LEFT)), Shape.LIST)
    assert [number_of(one, Card("", (one,)), row) for row in one.rows] == ["", ""]
    unplaced = Rows((Row(name="a"), Row(name="b")), Shape.LIST)
    assert [number_of(unplaced, Card("", (unplaced,)), row) for row in unplaced.rows] == ["1", "2"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0:00"), (0.2, "0:01"), (59, "0:59"), (60, "1:00"), (245, "4:05"), (3661, "1:01:01")]
)
def test_the_time_that_is_left(seconds, said):
    assert clock(seconds) == said


def test_a_timer_that_is_over_has_nothing_left():
    assert Timer("tea", 100.0, 60.0).left_s(70.0) == 30.0
    assert Timer("tea", 100.0, 60.0).left_s(130.0) == 0.0


def test_nothing_is_shown_that_a_terminal_obeys_or_that_turns_text_round():
    assert shown("a\x1b[2Jb\u202egnp\u2066\nc\td\u200b") == "a [2Jbgnp c d"
