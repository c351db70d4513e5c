"""What is begun while a question is still being asked, with the real model and the real reader."""

from collections.abc import Iterator

import pytest

from device.assistant import load_model
from device.hearing.recognizer import open_recognizer
from device.seeing.photo import read_photo
from device.thinking.attempt import Past
from device.thinking.mind import Mind
from device.turn import Turn
from models.espeak import Espeak

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mind() -> Iterator[Mind]:
    mind = Mind(open_recognizer(), load_model(), Espeak())
    yield mind
    mind.close()


@pytest.fixture
def view(mind, demo_photo):
    return mind.look(read_photo(demo_photo)).result()


@pytest.mark.parametrize(
    ("words", "reads"),
    [
        ("How much sugar is", True),
        ("Spell the first", True),
        ("What is written on", True),
        ("Is there a", False),
        ("What is this", False),
        ("", False),
    ],
)
def test_text_is_read_ahead_where_the_first_words_want_it(mind, view, words, reads):
    assert mind.foresee(words, lambda: view, None).result() is reads
    assert ("lines" in vars(mind.answerer.scene(view))) is reads


def test_what_was_read_ahead_is_what_the_question_finds(mind, view):
    before = mind.answerer.scene(view)
    other = mind.look(view.picture).result()
    assert mind.foresee("How much sugar is", lambda: other, Past(Turn(), view, before)).result()
    scene = mind.answerer.scene(other)
    assert "lines" in vars(scene)
    assert scene.before is before


def test_without_a_picture_nothing_is_read(mind):
    assert mind.foresee("How much sugar is", lambda: None, None).result() is False
