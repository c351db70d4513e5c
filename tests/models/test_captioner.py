"""What describes a picture: the network that ships, asked through the model, and what happens to a damaged one."""

import numpy as np
import pytest

from device.seeing.photo import read_photo
from models.bundle import CAPTIONS_FILE
from models.captioner import Captioner, sentence
from models.errors import GlintError
from models.vision_language import VisionLanguageModel

DESCRIBE = "Describe what you see."


@pytest.fixture(scope="module")
def model(default_bundle):
    return VisionLanguageModel.load(default_bundle)


@pytest.fixture(scope="module")
def view(model, demo_photo):
    return model.look(read_photo(demo_photo))


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


def test_a_description_leaves_the_view_as_it_was(model, view):
    length = view.cache.length
    model.answer(view, DESCRIBE)
    assert view.cache.length == length


@pytest.mark.parametrize("keep", [0, 1000])
def test_a_damaged_file_is_one_sentence(default_bundle, tmp_path, keep):
    path = tmp_path / CAPTIONS_FILE
    path.write_bytes(default_bundle.path(CAPTIONS_FILE).read_bytes()[:keep])
    with pytest.raises(GlintError, match=r"captions\.onnx cannot be loaded .*; fetch the model again\.$"):
        Captioner(path)
