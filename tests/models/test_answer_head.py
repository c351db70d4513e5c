"""What chooses short answers: the network that ships, asked through the model, and what happens to a damaged one."""

import numpy as np
import pytest

from device.assistant import load_model
from device.seeing.photo import read_photo
from models.answer_head import AnswerHead, first_tokens, summary
from models.bundle import ANSWERS_FILE, TOKENIZER_FILE
from models.errors import GlintError
from models.hub_files import read_tokenizer

COLOUR = "What color is the table?"


@pytest.fixture(scope="module")
def model(default_bundle):
    return load_model(default_bundle.folder)


@pytest.fixture(scope="module")
def view(model, demo_photo):
    return model.look(read_photo(demo_photo))


def asked(model, view, question):
    """What the head is given: values of the question, and logits of what the language model begins with."""
    start = view.cache.length
    logits = model.read_question(view.cache, question).copy()
    values = model.values_since(view.cache, start).copy()
    view.cache.rewind(start)
    return values, logits


def test_the_shipped_head_was_made_for_the_shipped_language_model(model):
    head = model.answer_head
    assert head is not None
    assert head.about.adapter == model.adapter
    assert {"Yes", "No", "2", "White", "Table"} <= set(head.about.answers)


def test_a_question_that_a_word_answers_is_answered_from_the_list(model, view):
    reply = model.answer(view, COLOUR)
    choice = model.answer_head.choose(*(parts := asked(model, view, COLOUR))[:1], view.seen, parts[1])
    assert reply.by == "the network for short answers"
    assert reply.text == choice.answer
    assert reply.chance == pytest.approx(choice.chance, rel=1e-4)
    assert model.tokenizer.decode(reply.tokens) == reply.text


def test_chances_are_of_the_whole_list_and_of_none(model, view):
    values, _ = asked(model, view, COLOUR)
    chances = np.exp(model.answer_head.log_probabilities(values, view.seen))
    assert chances.shape == (len(model.answer_head.about.answers) + 1,)
    assert chances.sum() == pytest.approx(1, abs=1e-4)


def test_what_the_language_model_begins_with_counts(model, view):
    values, logits = asked(model, view, COLOUR)
    head = model.answer_head
    before = head.choose(values, view.seen, logits)
    other = next(answer for answer in ("Purple", "Red", "Brown") if answer != before.answer)
    sure = logits.copy()
    sure[first_tokens(model.tokenizer, (other,))] = logits.max() + 60
    # Chosen from the list or left to the language model, it is said.
    assert head.choose(values, view.seen, sure).answer in (other, None)


def test_what_a_scene_shows_is_no_short_answer(model, view):
    reply = model.answer(view, "What is happening here?")
    assert reply.by == "the language model"


def test_a_question_leaves_the_view_as_it_was(model, view):
    length = view.cache.length
    model.answer(view, COLOUR)
    assert view.cache.length == length


def test_without_the_head_the_language_model_answers(model, view):
    model.answer_head, kept = None, model.answer_head
    try:
        reply = model.answer(view, COLOUR)
    finally:
        model.answer_head = kept
    assert reply.by == "the language model"
    assert reply.text


def test_a_summary_is_of_the_layers_that_are_looked_at():
    values = np.arange(5 * 3 * 2, dtype=np.float32).reshape(5, 3, 2)
    told = summary(values, (1, 4)).reshape(2, 2, 2)
    np.testing.assert_array_equal(told[:, 0], values[[1, 4]].mean(1))
    np.testing.assert_array_equal(told[:, 1], values[[1, 4], -1])


@pytest.mark.parametrize("keep", [0, 1000])
def test_a_damaged_file_is_one_sentence(default_bundle, tmp_path, keep):
    path = tmp_path / ANSWERS_FILE
    path.write_bytes(default_bundle.path(ANSWERS_FILE).read_bytes()[:keep])
    with pytest.raises(GlintError, match=r"answers\.onnx cannot be loaded .*; fetch the model again\.$"):
        AnswerHead(path, read_tokenizer(default_bundle.path(TOKENIZER_FILE)))
