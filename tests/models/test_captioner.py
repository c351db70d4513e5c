"""What describes a picture: the network that ships, asked through the model, and what happens to a damaged one."""

import os

import numpy as np
import pytest

from device.seeing.photo import read_photo
from models.bundle import CAPTIONS_FILE, CAPTIONS_WEIGHTS_FILE
from models.captioner import Captioner, sentence
from models.errors import GlintError
from models.vision_language import VisionLanguageModel

DESCRIBE = "Describe what you see."


@pytest.fixture(scope="module")
def model(default_bundle):
    return VisionLanguageModel.load(default_bundle)


@pytest.fixture(scope="module")
def view(model):
    """Of a scene without any thing that has a name of its own."""
    sky, sand = np.full((100, 224, 3), (120, 170, 230)), np.full((124, 224, 3), (220, 190, 140))
    noise = np.random.default_rng(0).integers(-20, 20, (224, 224, 3))
    view = model.look(np.clip(np.concatenate([sky, sand]) + noise, 0, 255).astype(np.uint8))
    assert not [name for label, name, _ in view.hints if label == "names"]
    return view


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["a", "dog", "runs"], "A dog runs."),
        (["a", "man", "'s", "hat"], "A man's hat."),
        (["a", "t", "shirt", "in", "a", "shop"], "A t-shirt in a shop."),
    ],
)
def test_words_become_a_sentence(words, text):
    assert sentence(words) == text


def test_the_model_describes_in_the_words_of_its_captioner(model, view):
    caption = model.captioner.caption(view.seen.cells)
    reply = model.answer(view, DESCRIBE)
    assert reply.text == caption.text
    assert reply.chance == pytest.approx(np.exp(caption.log_probabilities.sum()), rel=1e-3)
    assert model.tokenizer.decode(reply.tokens) == reply.text


def test_every_other_question_is_the_language_models(model, view):
    model.captioner, kept = None, model.captioner
    alone = model.answer(view, DESCRIBE).text, model.answer(view, "What is this?").text
    model.captioner = kept
    assert model.answer(view, "What is this?").text == alone[1]
    assert alone[0]


def test_a_thing_that_has_a_name_is_the_language_models_to_describe(model, demo_photo):
    reply = model.answer(model.look(read_photo(demo_photo)), DESCRIBE)
    assert "pineapple" in reply.text.lower()
    assert reply.by == "the language model"


def test_a_description_leaves_the_view_as_it_was(model, view):
    length = view.cache.length
    model.answer(view, DESCRIBE)
    assert view.cache.length == length


def test_weights_that_are_cut_off_are_one_sentence(default_bundle, tmp_path):
    for name in (CAPTIONS_FILE, CAPTIONS_WEIGHTS_FILE):
        (tmp_path / name).write_bytes(default_bundle.path(name).read_bytes())
    captioner = Captioner(tmp_path / CAPTIONS_FILE)
    os.truncate(tmp_path / CAPTIONS_WEIGHTS_FILE, 1000)
    with pytest.raises(GlintError, match=r"captions\.onnx cannot be loaded .*; fetch the model again\.$"):
        captioner.caption(np.zeros((49, 3040), np.uint8))


@pytest.mark.parametrize("keep", [0, 1000])
def test_a_damaged_file_is_one_sentence(default_bundle, tmp_path, keep):
    path = tmp_path / CAPTIONS_FILE
    path.write_bytes(default_bundle.path(CAPTIONS_FILE).read_bytes()[:keep])
    with pytest.raises(GlintError, match=r"captions\.onnx cannot be loaded .*; fetch the model again\.$"):
        Captioner(path)
