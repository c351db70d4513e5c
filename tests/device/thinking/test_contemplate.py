"""Several paths to an answer, by the real default model on the demo's photo."""

import time

import numpy as np
import pytest

from device.seeing.photo import read_photo
from device.thinking.contemplate import PATHS, conclusions, contemplate, part
from device.thinking.support import passed
from models.errors import GlintError
from models.joint_decoding import PromptRows, end_ids, read_question
from models.vision_language import VisionLanguageModel

QUESTION = "What colour is the table?"


@pytest.fixture(scope="module")
def model(default_bundle):
    """The language model alone: only it has several paths."""
    model = VisionLanguageModel.load(default_bundle)
    model.captioner = model.answer_head = model.namer = None
    return model


@pytest.fixture(scope="module")
def view(model, demo_photo):
    return model.look(read_photo(demo_photo))


def rows_of(model, view, question, copies):
    length = view.cache.length
    rows = PromptRows(model.decoder, copies, length + 100)
    logits = read_question(model, view.cache, question)
    for _ in range(copies):
        rows.add(view.cache, logits)
    view.cache.rewind(length)
    return rows


@pytest.mark.parametrize("question", ["What is this?", "Describe what you see.", QUESTION])
def test_one_row_and_two_equal_rows_say_what_the_model_says(model, view, question):
    plain = model.answer(view, question).tokens
    assert rows_of(model, view, question, 1).answer_jointly(48, end_ids(model)).tokens == plain
    twice = rows_of(model, view, question, 2)
    assert twice.answer_jointly(48, end_ids(model)).tokens == plain
    assert [answer.tokens for answer in twice.answer_apart(48, end_ids(model))] == [plain, plain]


def test_one_path_is_the_plain_answer_and_the_view_stays_as_it_was(model, view):
    length = view.cache.length
    found = contemplate(model, view, QUESTION, paths=1)
    plain = model.answer(view, QUESTION)
    assert found.text == plain.text.strip()
    assert (found.votes, len(found.looks)) == (1, 1)
    assert found.spent.tokens == len(plain.tokens) + 1  # the end is one
    assert view.cache.length == length


def test_all_paths_are_looked_at_and_counted(model, view):
    found = contemplate(model, view, "Describe what you see.", paths=8, settled=None)
    assert [look.path for look in found.looks] == list(PATHS[:8])
    assert found.votes == sum(look.answer == found.text for look in found.looks) < 8
    assert all(0 < look.chance < 1 for look in found.looks)
    assert found.text.endswith(".")
    assert passed(found.text)


def test_paths_that_agree_early_spare_the_rest(model, view):
    question = "What is this?"
    early = contemplate(model, view, question)
    whole = contemplate(model, view, question, settled=None)
    assert (len(early.looks), len(whole.looks)) == (2, 8)
    assert early.text == whole.text
    assert early.spent.tokens < whole.spent.tokens
    assert len(contemplate(model, view, question, settled=1.0).looks) == 8


def test_time_that_is_short_makes_do_with_fewer_paths(model, view):
    slow = contemplate(model, view, QUESTION, settled=None)
    allowed = slow.spent.seconds / 2
    start = time.monotonic()
    found = contemplate(model, view, QUESTION, settled=None, deadline_s=allowed)
    assert time.monotonic() - start < allowed + 0.3
    assert 1 <= len(found.looks) < 8
    assert [look.path for look in found.looks] == list(PATHS[: len(found.looks)])
    hurried = contemplate(model, view, QUESTION, settled=None, deadline_s=0)
    assert len(hurried.looks) == 1
    assert hurried.text


def test_it_stops_when_told_to(model, view):
    found = contemplate(model, view, "Describe what you see.", should_stop=lambda: True)
    assert len(found.looks) == 1
    assert found.spent.tokens == 1


def test_a_path_that_fails_is_left_out(model, view, monkeypatch):
    look, looked = model.look, []

    def failing(picture, with_hints=True):
        looked.append(picture)
        if len(looked) == 1:
            raise RuntimeError("the lens fogged up")
        return look(picture, with_hints)

    monkeypatch.setattr(model, "look", failing)
    found = contemplate(model, view, QUESTION, paths=4, settled=None)
    assert [look.path for look in found.looks] == [PATHS[0], PATHS[2], PATHS[3]]


def test_where_all_fail_the_reason_is_raised(model, view, monkeypatch):
    def failing(*_):
        raise RuntimeError("no decoder")

    monkeypatch.setattr(model.decoder, "prefill", failing)
    with pytest.raises(RuntimeError, match="no decoder"):
        contemplate(model, view, QUESTION, paths=2)
    with pytest.raises(GlintError, match="empty"):
        contemplate(model, view, "  ")


def test_what_fewer_paths_say_is_what_they_say_when_more_are_read(model, view):
    one, two, four = conclusions(model, view, "Describe what you see.", (1, 2, 4), settled=None)
    assert one.text == contemplate(model, view, "Describe what you see.", paths=1).text
    assert two.text == contemplate(model, view, "Describe what you see.", paths=2, settled=None).text
    assert one.spent.seconds < two.spent.seconds < four.spent.seconds
    assert one.spent.tokens < two.spent.tokens < four.spent.tokens


def test_parts_lie_in_the_picture():
    picture = np.arange(200 * 100 * 3, dtype=np.int32).reshape(100, 200, 3)
    assert (part(picture, (0, 0, 1, 1)) == picture).all()
    assert (part(picture, (0.3, 0.5, 1, 1)) == picture[50:, 60:]).all()
    assert part(picture[:1, :1], (0.4, 0.4, 0.5, 0.5)).shape == (1, 1, 3)
