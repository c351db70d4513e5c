"""How a thing is called that the encoder learned by name: said at once, by whoever is asked for a name alone."""

from dataclasses import replace

import numpy as np
import pytest

from device.assistant import load_model
from device.seeing.photo import read_photo
from models.errors import GlintError
from models.vision_language import VisionLanguageModel


@pytest.fixture(scope="module")
def model(default_bundle):
    return load_model(default_bundle.folder)


@pytest.fixture(scope="module")
def view(model, demo_photo):
    return model.look(read_photo(demo_photo))


def with_score(model, view, name, score):
    """The same view, where the encoder is so sure of one name, and of no other."""
    rule = next(rule for rule in model._rules if rule.label == "names")
    scores = view.seen.scores.copy()
    scores[rule.start : rule.start + len(rule.names)] = 0
    scores[rule.start + list(rule.names).index(name)] = score
    return replace(view, seen=replace(view.seen, scores=scores))


@pytest.mark.parametrize("question", ["What is this?", "What am I looking at?", "Name this."])
def test_the_best_name_is_said_with_its_chance(model, view, question):
    reply = model.answer(view, question)
    chance = next(chance for label, _, chance in view.hints if label == "names")
    assert (reply.text, reply.by) == ("A Pineapple.", "the network for names")
    assert reply.chance == pytest.approx(chance, rel=1e-4)
    assert model.tokenizer.decode(reply.tokens) == reply.text


@pytest.mark.parametrize(
    ("name", "text"), [("Granny Smith apple", "A Granny Smith apple."), ("cardboard", "Cardboard."), ("ant", "An ant.")]
)
def test_every_name_has_its_sentence(model, view, name, text):
    assert model.answer(with_score(model, view, name, 0.4), "What is this?").text == text


def test_a_name_that_is_hardly_likely_is_left_to_the_language_model(model, view):
    reply = model.answer(with_score(model, view, "ant", 0.004), "What is this?")
    assert reply.by == "the language model"


@pytest.mark.parametrize("question", ["What colour is this?", "Is this a pineapple?", "Describe what you see."])
def test_other_questions_are_not_answered_with_a_name(model, view, question):
    assert model.answer(view, question).by != "the network for names"


def test_a_damaged_description_is_one_sentence(model):
    with pytest.raises(GlintError, match=r"^The model's description of its prompt is damaged \("):
        VisionLanguageModel(
            model.encoder, model.decoder, model.tokenizer, {"prompt": vars(model._template), "naming": {"label": "x"}}
        )


def test_names_and_answers_are_as_many(model):
    rule = next(rule for rule in model._rules if rule.label == model.naming.label)
    assert len(model.naming.answers) == len(rule.names)
    assert np.unique(model.naming.answers).size == len(rule.names)
