"""What a transcript is taken for, and what becomes of it: patterns, the classifier, a question back."""

import json
from pathlib import Path

import numpy as np
import pytest

from device.assistant import load_model
from device.evidence import Basis, Claim
from device.experts.instruments import open_instruments
from device.experts.intent import plain
from device.experts.table import intents, matches
from device.routing.english import NOT_CAUGHT as SAID_NOT_CAUGHT
from device.routing.english import TOO_LONG, is_caught
from device.routing.router import _classifier, meant_command, route
from device.routing.slots import filled
from device.routing.table import NOT_CAUGHT, ROUTES, by_name, by_row
from device.seeing.photo import read_photo
from device.skills.commands import Command
from device.thinking.answerer import Answerer
from device.thinking.support import own_words
from device.turn import Turn

DATA = Path(__file__).parents[2] / "data"


def rows(name):
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def share_right(name):
    told = rows(name)
    return sum(route(row["text"]).intent == row["intent"] for row in told) / len(told)


def test_held_out_phrasings_are_taken_for_what_they_mean():
    assert len(rows("routing_heldout.jsonl")) >= 150
    assert share_right("routing_heldout.jsonl") >= 0.88


def test_so_are_most_of_them_as_the_recogniser_hears_them_in_noise():
    assert share_right("routing_heard.jsonl") >= 0.72


def test_every_intent_is_in_the_table_and_most_can_be_recognised():
    names = [route.name for route in ROUTES]
    assert len(names) == len(set(names)) >= 25
    assert set(_classifier().names) == set(names) - {NOT_CAUGHT, "refuse"}


def test_every_row_of_the_experts_has_its_intent():
    assert {row.name for row in intents()} <= set(by_row())


@pytest.mark.parametrize(
    "way", [way for way in ROUTES if way.picture and way.asks and way.rows], ids=lambda way: way.name
)
def test_what_is_asked_of_the_experts_in_its_place_is_taken_by_one_of_their_patterns(way):
    text = "which one has less sugar says exit the second line of my cup"
    asked = filled(way.asks, text)
    assert asked is not None
    assert {row.name for row, _ in matches(asked)} & set(way.rows), asked


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("could you have a look for my red umbrella", "where is my red umbrella"),
        ("i dropped my phone where is it", "where is my phone"),
        ("would you have a look", None),
    ],
)
def test_the_thing_is_found_in_the_phrasing(text, asks):
    assert filled("where is {thing}", plain(text)) == asks


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ...  ",
        "uh um",
        "Was ist das da drüben?",
        "Qu'est-ce qu'il y a sur la table ?",
        "¿Dónde están mis llaves?",
        "Hoeveel kost de melk",
        "Где мои ключи",
        "これは何ですか",
        "flurb snickle tando wem",
        "la la la la",
        "the the the the the the",
        "seven window cheese running but into whose",
        " ".join(["what is on the table and"] * 12),
    ],
)
def test_what_is_no_question_is_not_caught(text):
    assert route(text).intent == NOT_CAUGHT


@pytest.mark.parametrize(
    "text",
    [
        "What is Nutella?",
        "Is the train departing?",
        "Find the word Ausgang.",
        "Are these hippos?",
        "Banana?",
        "Why?",
    ],
)
def test_a_question_is(text):
    assert is_caught(text, patterned=bool(list(matches(text))))
    assert route(text).intent != NOT_CAUGHT


def test_what_is_said_back_states_no_fact():
    assert own_words(SAID_NOT_CAUGHT)
    assert own_words(TOO_LONG)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("Stop.", Command.STOP),
        ("Would you mind repeating that?", Command.REPEAT),
        ("I can barely hear you", Command.LOUDER),
        ("Is this a bus stop?", None),
        ("What did the man on the left stop doing?", None),
    ],
)
def test_commands_in_other_words(text, command):
    assert meant_command(text) is command


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture
def answerer(model):
    return Answerer(lambda: model, open_instruments(loaded=model))


def said(answerer, model, question, picture):
    view, turn = model.look(picture), Turn()
    return " ".join(answerer.answer(question, view, answerer.scene(view), turn, deadline_s=8.0)), turn


@pytest.mark.parametrize(
    ("question", "back"), [("Was ist das da drüben?", SAID_NOT_CAUGHT), ("what is it and " * 25, TOO_LONG)]
)
def test_the_model_never_guesses_at_what_was_not_caught(question, back, monkeypatch, model, answerer, demo_photo):
    monkeypatch.setattr(model, "ask", lambda *_, **__: pytest.fail("the model was asked"))
    answer, turn = said(answerer, model, question, read_photo(demo_photo))
    assert answer == turn.answer == back
    assert turn.answered_by == NOT_CAUGHT


def test_an_expert_is_found_for_a_phrasing_that_no_pattern_takes(model, answerer):
    red = np.zeros((300, 400, 3), np.uint8)
    red[:] = (190, 20, 30)
    red[::7] = (180, 24, 30)
    question = "What colour did I pick?"
    assert not list(matches(question))
    answer, turn = said(answerer, model, question, red)
    assert turn.answered_by == "what colour"
    assert "red" in answer


def test_why_in_other_words(answerer):
    before = Turn(evidence=[Claim("labels", "30 grams", 0.9, Basis.VERBATIM, (0, 0, 1, 1), "Sugars 30 g")])
    clauses = answerer.explain("On what do you base your answer?", before, Turn())
    assert list(clauses) == ['I read "Sugars 30 g" in the middle.']
    assert answerer.explain("Is the light switched on?", before, Turn()) is None


def test_every_intent_has_its_name():
    assert all(by_name()[name].name == name for name in by_name())


def test_the_documentation_has_the_table():
    text = (Path(__file__).parents[3] / "docs/routing.md").read_text("utf-8")
    for way in ROUTES:
        assert f"| {way.name} | {way.about} |" in text
