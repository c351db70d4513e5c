import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from device.cli.colour import colour
from device.cli.evaluate_colours import colours
from sim.renderings.colours import render


@pytest.fixture
def flag(tmp_path):
    """Blue on the left, red on the right."""
    picture = np.full((300, 400, 3), (200, 20, 30), np.uint8)
    picture[:, :200] = (30, 70, 200)
    Image.fromarray(picture).save(tmp_path / "flag.png")
    return str(tmp_path / "flag.png")


def test_json(flag, tmp_path):
    arguments = ["--image", flag, "--region", "0.6,0.1,0.9,0.9", "--json", "--show", str(tmp_path / "shown.jpg")]
    record = json.loads(CliRunner().invoke(colour, arguments).output)
    assert record["colour"] == "red"
    assert record["names"][0]["basic"] == "red"
    assert record["rgb"][0] > 150 > record["rgb"][2]
    assert record["claims"][0]["box"] == [0.6, 0.1, 0.9, 0.9]
    assert (tmp_path / "shown.jpg").exists()


def test_text_for_people(flag):
    assert CliRunner().invoke(colour, ["--image", flag, "--region", "0.1,0.1,0.4,0.9"]).output == "blue\n"


@pytest.mark.parametrize("region", ["1,2", "a,b,c,d", "0.5,0,0.2,1", "0,0,2,1"])
def test_bad_regions_are_explained(flag, region):
    result = CliRunner().invoke(colour, ["--image", flag, "--region", region])
    assert result.exit_code == 2
    assert "--region" in result.output


def test_evaluation_of_rendered_pictures(tmp_path):
    render(tmp_path, seed=7, count=13)
    arguments = ["--data", str(tmp_path / "data.jsonl"), "--no-model", "--json", "--answers", str(tmp_path / "a.jsonl")]
    result = CliRunner().invoke(colours, arguments)
    figures = json.loads(result.stdout)
    assert figures["pictures"] == 13
    assert figures["exact"] > 0.5
    assert "exact_model_alone" not in figures
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 13
