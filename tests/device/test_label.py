"""`glint label` on drawn packages, with the real reader."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from device.cli.label import label
from models.errors import GlintError
from sim.renderings.distort import photograph
from sim.renderings.labels import LAYOUTS
from sim.renderings.paper import Card


def run(*arguments):
    result = CliRunner().invoke(label, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def photo(tmp_path):
    """A photo of a table that cannot be misread, seen askew."""
    card = Card(np.random.default_rng(5), 1800, 28)
    rows = [
        ["Typical values", "per 100 g", "per 30 g"],
        ["Energy", "1570 kJ / 375 kcal", "471 kJ / 113 kcal"],
        ["Fat", "5.8 g", "1.7 g"],
        ["of which saturates", "1.2 g", "0.4 g"],
        ["Carbohydrate", "62 g", "18.6 g"],
        ["of which sugars", "21 g", "6.3 g"],
        ["Protein", "11 g", "3.3 g"],
        ["Salt", "0.85 g", "0.26 g"],
    ]
    card.line("Nutrition", 1.2)
    card.table(rows, rules=True)
    path = tmp_path / "cereal.jpg"
    Image.fromarray(photograph(card.pixels, "curl", np.random.default_rng(5))).save(path, quality=92)
    return path


def test_reads_a_table_from_a_bent_label(photo, tmp_path):
    record = json.loads(run("--image", photo, "--json", "--show", tmp_path / "shown.png"))
    assert {name: fact["value"] for name, fact in record["fields"].items()} == {
        "energy": 375,
        "fat": 5.8,
        "saturates": 1.2,
        "carbohydrate": 62,
        "sugars": 21,
        "protein": 11,
        "salt": 0.85,
    }
    assert record["per_serving"]["salt"]["value"] == 0.26
    assert record["serving"]["value"] == 30
    assert record["fields"]["protein"]["line"].startswith("Protein")
    assert 0.5 < record["fields"]["protein"]["confidence"] <= 1
    assert Image.open(tmp_path / "shown.png").size == (1280, 720)


def test_an_american_label_is_computed_per_100_and_cites_both_lines(tmp_path):
    card, truth = LAYOUTS["american"](np.random.default_rng(11))
    path = tmp_path / "us.png"
    Image.fromarray(card.pixels).save(path)
    record = json.loads(run("--image", path, "--json"))
    assert record["per_serving"]["fat"]["value"] == truth["per_serving"]["fat"]
    assert record["fields"]["fat"]["basis"] == "measured"
    assert "Serving size" in record["fields"]["fat"]["line"]  # it was computed with that line


def test_says_the_same_in_words(photo):
    text = run("--image", photo)
    assert "per 100 g:" in text
    assert "protein       11 g" in text


def test_a_package_and_a_price_tag_side_by_side(tmp_path):
    picture = Image.new("RGB", (1280, 720), "white")
    for at, name, seed in (((20, 60), "package", 3), ((820, 100), "tag", 4)):
        card, _ = LAYOUTS[name](np.random.default_rng(seed))
        picture.paste(Image.fromarray(card.pixels).resize([round(s * 0.8) for s in card.pixels.shape[1::-1]]), at)
    path = tmp_path / "both.png"
    picture.save(path)
    record = json.loads(run("--image", path, "--json", "--today", "2026-03-15"))
    assert record["price"]["value"] > 0
    assert record["dates"]


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (640, 480), "black"),
        Image.new("L", (640, 480), "white"),
        Image.new("RGB", (1, 1), "white"),
        Image.new("CMYK", (90, 1200)),
    ],
)
def test_a_picture_without_text(tmp_path, picture):
    path = tmp_path / "p.jpg"
    picture.save(path)
    assert run("--image", path).strip() == "I see no text."
    record = json.loads(run("--image", path, "--json"))
    assert record["fields"] == {}
    assert record["price"] is None


def test_text_that_is_no_label(tmp_path):
    card = Card(np.random.default_rng(1), 800, 40)
    card.paragraph("Please close the door quietly behind you")
    path = tmp_path / "p.png"
    Image.fromarray(card.pixels).save(path)
    assert run("--image", path).strip() == "There is text, but nothing of a label or a price tag in it."


def test_a_day_that_is_none_is_refused(photo):
    result = CliRunner().invoke(label, ["--image", str(photo), "--today", "31.3.2026"])
    assert result.exit_code == 2
    assert "write it as 2026-03-31" in result.output


def test_a_missing_photo_is_said():
    with pytest.raises(GlintError, match="no picture at"):
        run("--image", "/nowhere.jpg")
