"""What is measured of the experts, and that each of them really answers about the picture that is drawn for it."""

import pytest

from device.experts.instruments import open_instruments
from device.experts.scene import Scene
from device.experts.table import consult
from models.errors import GlintError
from sim.benchmark.benches.vision import BENCH
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


@pytest.mark.slow
def test_every_figure_is_measured_and_explained():
    figures = {}
    parts = []
    for some in benchmark_vision(runs=1, phase=parts.append):
        figures |= some
    assert parts == ["loading", "times", "memory"]
    assert {*figures} <= {figure.name for figure in BENCH.figures}
    assert {figure.name for figure in BENCH.figures} - {*figures} <= {"object_head_added_ms"}  # a bundle without a head
    assert all(value >= 0 for name, value in figures.items() if name.endswith("_mb"))
    assert figures["read_page_ms"] > figures["charts_text_read_ms"] > 0
    assert figures["text_loaded_mb"] > 5
    assert figures["text_peak_mb"] >= figures["text_loaded_mb"]
    assert figures["colour_loaded_mb"] < 5


def test_a_photo_that_is_not_there_is_told(tmp_path):
    with pytest.raises(GlintError, match="no picture at"):
        dict(next(benchmark_vision(tmp_path / "none.jpg")))
