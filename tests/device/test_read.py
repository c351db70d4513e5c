import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from device.cli.evaluate_text import text as evaluate_text
from device.cli.read import read
from models.errors import GlintError
from tests.drawn_text import drawn


@pytest.fixture
def sign(tmp_path):
    path = tmp_path / "sign.png"
    Image.fromarray(drawn("Platform nine\nMind the gap")).save(path)
    return path


def run(command, *arguments):
    result = CliRunner().invoke(command, list(map(str, arguments)))
    if result.exception:
        raise result.exception
    return result


def test_prints_the_lines(sign):
    assert run(read, "--image", sign).stdout == "Platform nine\nMind the gap\n"


def test_json_has_lines_with_quads_and_confidence(sign):
    record = json.loads(run(read, "--image", sign, "--json").stdout)
    assert [line["text"] for line in record["lines"]] == ["Platform nine", "Mind the gap"]
    assert all(np.shape(line["quad"]) == (4, 2) and 0.8 <= line["confidence"] <= 1 for line in record["lines"])
    assert record["seconds"] > 0


def test_draws_what_it_read(sign, tmp_path):
    run(read, "--image", sign, "--show", tmp_path / "shown.png")
    assert (np.asarray(Image.open(tmp_path / "shown.png")) != np.asarray(Image.open(sign))).any()


@pytest.mark.parametrize("shape", [(1, 1), (300, 200)])
def test_a_photo_without_text(tmp_path, shape):
    path = tmp_path / "wall.png"
    Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(path)
    assert run(read, "--image", path).stdout == "I can't read any text here.\n"
    assert json.loads(run(read, "--image", path, "--json").stdout)["lines"] == []


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_photos_that_were_held_on_their_side(sign, tmp_path, mode):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "phone.jpg"
    Image.open(sign).rotate(90, expand=True).convert(mode).save(path, exif=exif)
    assert run(read, "--image", path).stdout == "Platform nine\nMind the gap\n"


def test_no_photo_is_one_sentence(tmp_path):
    with pytest.raises(GlintError, match="no picture"):
        run(read, "--image", tmp_path / "none.png")


def test_evaluates_a_file_of_pictures(sign, tmp_path):
    rows = [
        {"file": sign.name, "words": ["Left", "out"]},
        {"file": sign.name, "lines": ["Platform nine", "mind the gap"]},
    ]
    data, answers = tmp_path / "rows.jsonl", tmp_path / "answers.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    figures = json.loads(
        run(evaluate_text, "--data", data, "--skip", 1, "--no-model", "--json", "--answers", answers).stdout
    )
    assert figures["f1"] == 1
    assert figures["pictures"] == 1
    assert json.loads(answers.read_text())["lines"] == ["Platform nine", "Mind the gap"]


def test_evaluation_names_the_line_that_lacks_words(sign, tmp_path):
    data = tmp_path / "rows.jsonl"
    data.write_text(json.dumps({"file": sign.name}) + "\n")
    with pytest.raises(GlintError, match="line 1: expected"):
        run(evaluate_text, "--data", data, "--no-model")
    with pytest.raises(GlintError, match="no lines to evaluate after the first 5"):
        run(evaluate_text, "--data", data, "--no-model", "--skip", 5)
