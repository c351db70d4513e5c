"""The ladder: deadlines, what is left behind, and what a budget leaves out."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.assistant import load_model
from device.evidence import Answer
from device.experts import table
from device.experts.caution import ORDERED
from device.experts.instruments import open_instruments
from device.experts.intent import Intent
from device.power import Thrift
from device.routing.table import ROUTES
from device.seeing.photo import read_photo
from device.steps import Act
from device.thinking import answerer as answering
from device.thinking.answerer import NOT_READ, Answerer, whole_clauses
from device.thinking.ladder import ALLOWED, EXPERTS, RUNGS, SPENT, Budget, Deadline, Late, Leash, budget
from device.turn import Turn

DOCS = (Path(__file__).parents[3] / "docs/steps.md").read_text("utf-8")
OPEN_QUESTION = "Why does it look like that over there?"


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture
def answerer(model):
    return Answerer(lambda: model, open_instruments(loaded=model))


@pytest.fixture
def view(model, demo_photo):
    return model.look(read_photo(demo_photo))


def said(answerer, question, view, deadline_s=20.0):
    turn = Turn()
    clauses = list(answerer.answer(question, view, answerer.scene(view), turn, deadline_s=deadline_s))
    assert turn.answer == " ".join(clauses)
    return turn


@pytest.fixture
def hanging(monkeypatch):
    """An expert that does not come back until the test is over; how often it was asked."""
    over, asked = threading.Event(), []

    def hang(scene, words):
        asked.append(words["question"])
        over.wait(30)
        return Answer("It is a thing.")

    monkeypatch.setattr(table, "intents", lambda: (Intent("slow", "what is this|why does it .*", hang),))
    monkeypatch.setattr(answering, "EXPERTS", replace(EXPERTS, deadline_s=0.3))
    yield asked, over
    over.set()


def test_an_expert_that_hangs_is_passed_over_with_one_honest_clause(hanging, answerer, view):
    asked, over = hanging
    start = time.monotonic()
    turn = said(answerer, "What is this?", view)
    assert turn.answer.startswith(EXPERTS.late)
    assert "pineapple" in turn.answer.lower()
    assert turn.answered_by == "model"
    assert turn.steps[-1].act is Act.ASKED
    assert time.monotonic() - start < 10
    assert answerer.alone._busy.acquire(timeout=1)  # others may compute, although it is still at it
    answerer.alone._busy.release()
    again = said(answerer, "What is this?", view)
    assert again.answer.count(EXPERTS.late) == 1
    assert len(asked) == 1  # while it is behind, no second one is begun
    assert again.timings_ms["experts"] < 200
    over.set()
    time.sleep(0.2)
    assert said(answerer, "What is this?", view).answer == "It is a thing."


def test_an_order_in_the_picture_is_not_left_to_the_model_when_it_cannot_be_read_in_time(monkeypatch, answerer, view):
    monkeypatch.setattr(answering, "EXPERTS", replace(EXPERTS, deadline_s=0.0))
    turn = said(answerer, "Do what the sign says.", view)
    assert turn.answer == NOT_READ
    assert turn.answered_by == ORDERED


def test_without_time_left_the_model_is_not_begun(hanging, answerer, view):
    turn = said(answerer, "What is this?", view, deadline_s=0.4)
    assert turn.answer == f"{EXPERTS.late} {SPENT}"
    assert turn.answered_by == "spent"
    assert Act.ASKED not in [step.act for step in turn.steps]


def test_where_nobody_waits_nothing_is_late(monkeypatch, answerer, view):
    monkeypatch.setattr(answering, "EXPERTS", replace(EXPERTS, deadline_s=0.0))
    assert said(answerer, "What colour is it?", view, deadline_s=None).answered_by == "what colour"


def test_bare_leaves_the_experts(answerer, view):
    answerer.thrift = Thrift.ALL
    assert said(answerer, "What colour is it?", view).answered_by == "what colour"
    turn = said(answerer, OPEN_QUESTION, view)
    assert (turn.answer, turn.answered_by) == (SPENT, "spent")


def test_thrifty_gives_no_advice_about_the_picture(model, answerer, demo_photo):
    blurred = model.look(cv2.GaussianBlur(read_photo(demo_photo), (0, 0), 8))
    full = said(answerer, OPEN_QUESTION, blurred).answer
    answerer.thrift = Thrift.SOME
    thrifty = said(answerer, OPEN_QUESTION, blurred).answer
    assert full.startswith(thrifty)
    assert "picture is" in full[len(thrifty) :]


@pytest.mark.parametrize(
    ("question", "thrift", "tokens"),
    [
        ("Describe what you see.", Thrift.NONE, 48),
        ("Describe what you see.", Thrift.SOME, 24),
        ("What is this?", Thrift.NONE, 12),
        ("Are there any trees?", Thrift.NONE, 8),
        ("What is next to the door?", Thrift.NONE, 24),
    ],
)
def test_each_intent_has_its_budget_of_tokens(monkeypatch, model, answerer, view, question, thrift, tokens):
    ask, given = model.ask, []

    def noted(*arguments, max_tokens, **others):
        given.append(max_tokens)
        return ask(*arguments, max_tokens=max_tokens, **others)

    monkeypatch.setattr(model, "ask", noted)
    answerer.thrift = thrift
    said(answerer, question, view)
    assert given == [tokens]


@pytest.mark.parametrize("length", range(1, 60, 3))
def test_an_answer_that_is_cut_ends_with_a_whole_clause(length):
    text = "A man sits on a bench, reading a long book, beside a dog. It is late in the day, and the sun"
    got = list(whole_clauses(iter(text[i : i + 4] for i in range(0, 4 * length, 4)), lambda: True))
    spoken = " ".join(got)
    whole = text[: 4 * length]
    assert spoken
    if len(got) > 1:
        assert spoken.endswith(".")
        assert whole.startswith(spoken.rstrip("."))
    if "late" in whole:
        assert "beside a dog." in spoken
    assert not spoken.endswith("and the sun")


def test_an_answer_that_is_not_cut_is_left_alone():
    for text in ("A dog", "A man sits on a bench, reading a book, and a dog", "A cat. A dog. Two people, I think"):
        assert " ".join(whole_clauses(iter(text), lambda: False)) == text


def test_the_first_clause_waits_for_nothing():
    taken = []

    def pieces():
        for piece in ("A man sits on a bench,", " reading", " a book", ", and a dog"):
            taken.append(piece)
            yield piece

    assert next(whole_clauses(pieces(), lambda: False)) == "A man sits on a bench,"
    assert len(taken) == 2


def test_a_leash():
    leash, behind = Leash(), threading.Event()
    assert leash.call(1.0, lambda a, b: a + b, 1, 2) == 3
    with pytest.raises(ZeroDivisionError):
        leash.call(1.0, lambda: 1 / 0)
    with pytest.raises(TimeoutError, match="its own"):
        leash.call(1.0, _times_out)
    with pytest.raises(Late):
        leash.call(0.05, behind.wait, 10)
    with pytest.raises(Late):
        leash.call(None, int)
    behind.set()
    time.sleep(0.2)
    assert leash.call(1.0, int) == 0


def _times_out():
    raise TimeoutError("its own")


def test_a_budget_follows_power_and_time():
    assert budget(Thrift.NONE) is Budget.FULL
    assert budget(Thrift.NONE, 8.0) is Budget.FULL
    assert budget(Thrift.NONE, 2.0) is Budget.THRIFTY
    assert budget(Thrift.SOME, 8.0) is Budget.THRIFTY
    assert budget(Thrift.SOME, 0.5) is Budget.BARE
    assert budget(Thrift.ALL) is Budget.BARE


def test_a_deadline():
    assert Deadline(None).left_s is None
    assert Deadline(None).of(EXPERTS) is None
    assert Deadline(0.0).left_s == 0
    assert 0 < Deadline(2.0).of(EXPERTS) <= 2
    assert Deadline(60.0).of(EXPERTS) == EXPERTS.deadline_s


def test_on_a_slow_device_everything_may_take_longer():
    deadline = Deadline(60.0, patience=3.0)
    assert deadline.of(EXPERTS) == 3 * EXPERTS.deadline_s
    assert 170 < deadline.left_s <= 180
    assert 57 < deadline.usual_s <= 60


def test_the_documents_print_the_tables():
    def mark(there):
        return "yes" if there else "no"

    for rung in RUNGS:
        deadline = "" if rung.deadline_s is None else f"{rung.deadline_s:.0f} s"
        assert f"| {rung.name} | {rung.about} | {deadline} |" in DOCS
    for name, allowed in ALLOWED.items():
        row = f"| {name.value} | {mark(allowed.model)} | {mark(allowed.contemplation)} | {mark(allowed.advice)} |"
        assert f"{row} {allowed.tokens:.0%} |" in DOCS
    for tokens in {route.tokens for route in ROUTES}:
        assert f"| {tokens} |" in DOCS


def test_a_picture_is_read_beside_the_loop(model, answerer):
    """The real reader on the leash, as in the live loop."""
    picture = np.full((480, 640, 3), 235, np.uint8)
    cv2.putText(picture, "EXIT", (60, 110), cv2.FONT_HERSHEY_SIMPLEX, 3, (20, 20, 20), 8)
    assert "EXIT" in said(answerer, "What does it say?", model.look(picture)).answer
