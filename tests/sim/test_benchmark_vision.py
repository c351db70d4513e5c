"""Each expert really answers about the picture that is drawn for it; its figures are in test_benchmark_all."""

import pytest

from device.experts.instruments import open_instruments
from device.experts.scene import Scene
from device.experts.table import consult
from models.errors import GlintError
from sim.benchmark.vision import QUESTIONS, benchmark_vision
from sim.benchmark.vision_pictures import PICTURES, drawn


@pytest.fixture(scope="module")
def instruments():
    return open_instruments()


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_the_expert_answers_about_its_picture(instruments, name):
    picture, question = QUESTIONS[name]
    found = consult(question, Scene(drawn(picture), instruments))
    assert found is not None
    assert all(claim.source == name for claim in found[1].claims)


def test_pictures_have_the_size_of_a_camera_and_are_all_asked_about():
    for name in PICTURES:
        assert drawn(name).shape == (720, 1280, 3)
    assert {picture for picture, _ in QUESTIONS.values()} | {"page"} == set(PICTURES)


def test_a_photo_that_is_not_there_is_told(tmp_path):
    with pytest.raises(GlintError, match="no picture at"):
        dict(next(benchmark_vision(tmp_path / "none.jpg")))
