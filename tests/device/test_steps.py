"""The steps of a turn: true, in order, in the record, and spoken when somebody asks how it is known."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from device.assistant import load_model
from device.evidence import Basis, Claim
from device.experts.instruments import open_instruments
from device.seeing.photo import read_photo
from device.steps import Act, Step, steps_of
from device.thinking.answerer import Answerer
from device.turn import Turn


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def answerer(model):
    return Answerer(lambda: model, open_instruments(loaded=model))


@pytest.fixture(scope="module")
def view(model, demo_photo):
    return model.look(read_photo(demo_photo))


@pytest.fixture(scope="module")
def sign(model):
    picture = np.full((480, 640, 3), 235, np.uint8)
    cv2.putText(picture, "EXIT", (60, 110), cv2.FONT_HERSHEY_SIMPLEX, 3, (20, 20, 20), 8)
    return model.look(picture)


def asked(answerer, question, view):
    turn = Turn()
    for _ in answerer.answer(question, view, answerer.scene(view), turn, deadline_s=20.0):
        pass
    return turn


def acts(turn):
    return [step.act for step in turn.steps]


def test_the_model_is_asked_after_the_picture_was_looked_at(answerer, view):
    turn = asked(answerer, "What is this?", view)
    assert acts(turn) == [Act.LOOKED, Act.FOUND, Act.ASKED]
    looked, found, told = turn.steps
    assert looked.ms == view.encode_ms + view.prefill_ms
    assert "pineapple" in found.what
    assert told.tokens == turn.costs["answer_tokens"]
    assert told.ms == turn.timings_ms["answer"] > 0


def test_text_is_looked_for_once_and_only_then_said_to_be(answerer, sign):
    view = replace(sign)
    first, second = asked(answerer, "What does it say?", view), asked(answerer, "What does it say?", view)
    assert acts(first) == [Act.LOOKED, Act.LOOKED, Act.READ]
    assert first.steps[1].what == "for text"
    assert first.steps[2].what == "EXIT"
    assert first.steps[2].box == first.evidence[0].box
    assert acts(second) == [Act.LOOKED, Act.READ]  # what was read is known


def test_what_an_expert_measured_and_compared(answerer, view):
    colour = asked(answerer, "What colour is it?", view)
    assert [step.what for step in colour.steps[1:]] == [claim.finding for claim in colour.evidence]
    assert set(acts(colour)[1:]) == {Act.MEASURED}
    assert all(step.what in colour.answer for step in colour.steps[1:])
    same = asked(answerer, "Are these the same colour?", view)
    assert acts(same)[-1] is Act.COMPARED


def test_a_refusal_looks_at_nothing(answerer, view):
    turn = asked(answerer, "Who is that man?", view)
    assert acts(turn) == [Act.REFUSED]
    assert asked(answerer, "asdf qwer zxcv hjkl", view).steps == []


def test_an_answer_that_is_broken_off_has_its_steps(answerer, view):
    turn = Turn()
    clauses = answerer.answer("What is this?", view, answerer.scene(view), turn, deadline_s=20.0)
    next(clauses)
    clauses.close()
    assert acts(turn)[0] is Act.LOOKED


def test_the_record_holds_them(answerer, sign):
    turn = asked(answerer, "What does it say?", replace(sign))
    record = json.loads(json.dumps(turn.as_dict()))
    assert [step["act"] for step in record["steps"]] == ["looked", "looked", "read"]
    assert record["steps"][0]["ms"] == round(turn.steps[0].ms, 1)
    assert record["steps"][2] == {
        "act": "read",
        "what": "EXIT",
        "box": list(turn.steps[2].box),
        "votes": None,
        "ms": None,
        "tokens": None,
        "chance": None,
    }


def test_how_do_you_know_speaks_them_with_claim_and_box(answerer, sign):
    turn, how = asked(answerer, "What does it say?", replace(sign)), Turn()
    said = " ".join(answerer.explain("How do you know?", turn, how))
    assert said == 'I looked at the whole picture and read "EXIT" at the top left.'
    assert how.evidence == turn.evidence[:1]
    assert how.evidence[0].line == "EXIT"
    assert how.steps == []  # telling is not looking again


def test_how_do_you_know_of_an_answer_of_the_model(answerer, view):
    turn = asked(answerer, "What is this?", view)
    said = " ".join(answerer.explain("How do you know?", turn, Turn()))
    assert said.startswith(
        "I looked at the whole picture and asked the network for names. I am quite sure that I see this: "
    )


def test_of_claims():
    claims = [
        Claim("labels", "6.2 grams", 0.9, Basis.MEASURED, (0.1, 0.4, 0.5, 0.5), "Protein 6.2 g"),
        Claim("labels", "6 grams", 0.9, Basis.MEASURED, (0.1, 0.4, 0.5, 0.5), "Protein 6.2 g"),
        Claim("text", "3 more lines", 0.9, Basis.MEASURED, None, "line 17"),  # which stands nowhere
        Claim("finder", "dog", 0.9),
    ]
    assert [step.words for step in steps_of(claims)] == [
        'read "Protein 6.2 g"',
        "measured 6.2 grams",
        "measured 6 grams",
        "measured 3 more lines",
        "found dog",
    ]


def test_words():
    assert Step(Act.LOOKED, "the whole picture").words == "looked at the whole picture"
    assert Step(Act.LOOKED, "for text").words == "looked for text"
    assert Step(Act.AGREED, "the answer", votes=(6, 8)).words == "6 of 8 ways agreed"
    assert Step(Act.REFUSED, "dosing").words == "refused: dosing"
