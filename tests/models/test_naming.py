"""How a thing is called: said at once, by the network that ships, to whoever asks for a name alone."""

from dataclasses import replace

import numpy as np
import pytest

from device.assistant import load_model
from device.seeing.photo import read_photo
from models.bundle import NAMES_FILE
from models.errors import GlintError
from models.namer import Namer


@pytest.fixture(scope="module")
def model(default_bundle):
    return load_model(default_bundle.folder)


@pytest.fixture(scope="module")
def view(model, demo_photo):
    return model.look(read_photo(demo_photo))


@pytest.mark.parametrize("question", ["What is this?", "What am I looking at?", "Name this."])
def test_the_best_name_is_said_with_its_chance(model, view, question):
    reply = model.answer(view, question)
    assert (reply.text, reply.by) == ("A Pineapple.", "the network for names")
    assert reply.chance == pytest.approx(model.namer.chances(view.seen.cells).max(), rel=1e-4)
    assert model.tokenizer.decode(reply.tokens) == reply.text


def test_every_name_has_its_sentence(model):
    answers = model.namer.names.answers
    assert {"A Granny Smith apple.", "Cardboard.", "An ant."} <= set(answers)
    assert len(set(answers)) == len(answers)


def test_chances_are_of_all_names_and_of_none(model, view):
    chances = model.namer.chances(view.seen.cells)
    assert chances.shape == (len(model.namer.names.answers) + 1,)
    assert chances.sum() == pytest.approx(1, abs=1e-4)


def test_a_name_that_is_not_likely_enough_is_left_to_the_language_model(model, view, monkeypatch):
    monkeypatch.setattr(model.namer, "names", replace(model.namer.names, least=1.01))
    assert model.answer(view, "What is this?").by == "the language model"


@pytest.mark.parametrize("colours", [((120, 170, 230), (220, 190, 140)), ((255,) * 3,) * 2, ((0,) * 3,) * 2])
@pytest.mark.parametrize("grain", [1, 20])
def test_what_shows_nothing_has_no_name(model, colours, grain):
    above, below = (np.full((rows, 224, 3), colour) for rows, colour in zip((100, 124), colours, strict=True))
    noise = np.random.default_rng(0).integers(-grain, grain, (224, 224, 3))
    picture = model.look(np.clip(np.concatenate([above, below]) + noise, 0, 255).astype(np.uint8))
    assert model.namer.name(picture.seen.cells) is None
    assert model.answer(picture, "What is this?").by != "the network for names"


@pytest.mark.parametrize("question", ["What colour is this?", "Is this a pineapple?", "Describe what you see."])
def test_other_questions_are_not_answered_with_a_name(model, view, question):
    assert model.answer(view, question).by != "the network for names"


@pytest.mark.parametrize("keep", [0, 1000])
def test_a_damaged_file_is_one_sentence(default_bundle, tmp_path, keep):
    path = tmp_path / NAMES_FILE
    path.write_bytes(default_bundle.path(NAMES_FILE).read_bytes()[:keep])
    with pytest.raises(GlintError, match=r"names\.onnx cannot be loaded .*; fetch the model again\.$"):
        Namer(path)
