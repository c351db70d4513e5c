"""The real default model on the demo's photo: its language model, which answers everything where it has to."""

import cv2
import numpy as np
import pytest

from device.seeing.photo import read_photo
from models.errors import GlintError
from models.object_hints import ObjectHints
from models.vision_language import Reply, VisionLanguageModel


@pytest.fixture(scope="module")
def model(default_bundle):
    model = VisionLanguageModel.load(default_bundle)
    model.captioner = model.answer_head = model.namer = None
    return model


@pytest.fixture(scope="module")
def picture(demo_photo):
    return read_photo(demo_photo)


def test_names_what_it_sees(model, picture):
    view = model.look(picture)
    assert "pineapple" in model.answer(view, "What is this?").text.lower()
    assert ("names", "Pineapple") in [(label, name) for label, name, _ in view.hints]


def test_describes_in_a_sentence(model, picture):
    reply = model.answer(model.look(picture), "Describe what you see.")
    assert 2 <= len(reply.text.split()) <= 30
    assert reply.text.endswith(".")
    assert 0 < reply.prefill_ms <= reply.first_token_ms <= reply.total_ms


def test_yes_or_no(model, picture):
    assert model.answer(model.look(picture), "Is there a dog in the picture?").text.strip(". ").lower() == "no"


def test_a_view_can_be_asked_again_and_stays_the_same(model, picture):
    view = model.look(picture)
    length = view.cache.length
    first = model.answer(view, "What is this?")
    model.answer(view, "Describe what you see.")
    assert view.cache.length == length
    assert model.answer(view, "What is this?").tokens == first.tokens


def test_abandoning_an_answer_leaves_the_view_usable(model, picture):
    view = model.look(picture)
    whole = model.answer(view, "Describe what you see.")
    pieces = model.ask(view, "Describe what you see.", Reply())
    next(pieces)
    pieces.close()
    assert model.answer(view, "Describe what you see.").text == whole.text


def test_pieces_add_up_to_the_answer(model, picture):
    reply = Reply()
    pieces = list(model.ask(model.look(picture), "Describe what you see.", reply))
    assert len(pieces) > 3
    assert "".join(pieces) == reply.text


def test_limits_end_an_answer(model, picture):
    view = model.look(picture)
    assert len(model.answer(view, "Describe what you see.", max_tokens=2).tokens) == 2
    assert len(model.answer(view, "Describe what you see.", deadline_s=0).tokens) == 1


def test_the_picture_decides(model, picture):
    """Not the prompt alone: another picture gets another description."""
    sky = np.full((240, 320, 3), (120, 170, 240), np.uint8)
    question = "Describe what you see."
    assert model.answer(model.look(picture), question).text != model.answer(model.look(sky), question).text


@pytest.mark.parametrize("size", [(64, 64), (1500, 700), (224, 224), (1, 1)])
def test_any_size_and_shape(model, picture, size):
    assert model.answer(model.look(cv2.resize(picture, size)), "What is this?").text


def test_empty_question(model, picture):
    with pytest.raises(GlintError, match="empty"):
        model.answer(model.look(picture), "  \n ")


def test_objects_that_were_found_can_be_offered_as_hints(model, picture):
    usual = model.look(picture).cache.length
    model.object_hints = ObjectHints("objects", threshold=0.0, top=12, counted=0.0)
    try:
        assert model.look(picture).cache.length > usual
    finally:
        model.object_hints = None


def test_the_chance_of_an_answer_is_that_of_its_words(model, picture):
    view = model.look(picture)
    reply = model.answer(view, "What is this?")
    assert reply.by == "the language model"
    assert len(reply.log_probabilities) == len(reply.tokens) + 1  # the end marker's too
    assert reply.chance == pytest.approx(np.prod(np.exp(reply.log_probabilities)))
    assert 0 < reply.chance <= 1
    cut = model.answer(view, "What is this?", max_tokens=2)
    assert cut.log_probabilities == pytest.approx(reply.log_probabilities[:2])


def test_what_it_cannot_know_has_a_lower_chance(model, picture):
    view = model.look(picture)
    known, unknown = (model.answer(view, asked).chance for asked in ("What is this?", "What is behind the bottle?"))
    assert unknown < 0.5 * known
