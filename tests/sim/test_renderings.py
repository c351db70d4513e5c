"""Drawn labels and tags: the truth that is written is what is drawn, and the same seed draws the same."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from sim.renderings.__main__ import renderings
from sim.renderings.distort import DISTORTIONS, FRAME, photograph
from sim.renderings.facts import invent
from sim.renderings.labels import LAYOUTS
from sim.renderings.paper import Card


@pytest.mark.parametrize("kind", ["labels", "tags"])
def test_writes_pictures_and_what_stands_on_them(tmp_path, kind):
    CliRunner().invoke(
        renderings, [kind, "--out", str(tmp_path / "set"), "--seed", "3", "--count", "9"], catch_exceptions=False
    )
    rows = [json.loads(line) for line in (tmp_path / "set" / "data.jsonl").read_text().splitlines()]
    assert len(rows) == 9
    for row in rows:
        assert Image.open(tmp_path / "set" / row["file"]).size == FRAME
        assert row["fields"] or row["size"]
    assert {row["layout"] for row in rows} == (set(LAYOUTS) if kind == "labels" else {"tag"})


def test_the_same_seed_draws_the_same(tmp_path):
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        CliRunner().invoke(renderings, ["tags", "--out", str(tmp_path / name), "--seed", seed, "--count", "1"])
    drawn = [next((tmp_path / name).glob("*.jpg")).read_bytes() for name in "abc"]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("seed", range(20))
def test_invented_food_could_exist(seed):
    facts = invent(np.random.default_rng(seed))
    values = facts.per_100
    assert values["saturates"] <= values["fat"]
    assert values["sugars"] <= values["carbohydrate"]
    assert sum(values[name] for name in ("fat", "carbohydrate", "fibre", "protein", "salt")) <= 100
    assert facts.kj == pytest.approx(values["energy"] * 4.184, abs=1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_states_its_truth(layout):
    card, truth = LAYOUTS[layout](np.random.default_rng(2))
    height, width, _ = card.pixels.shape
    assert width > 100
    assert height > 50
    assert all(isinstance(value, float) and value >= 0 for value in truth["fields"].values())


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_a_photo_shows_the_whole_card(distortion):
    card = np.full((300, 500, 3), 255, np.uint8)
    card[:12] = card[-12:] = card[:, :12] = card[:, -12:] = (200, 0, 0)
    photo = photograph(card, distortion, np.random.default_rng(8)).astype(int)
    assert photo.shape == (FRAME[1], FRAME[0], 3)
    red = (photo[..., 0] - photo[..., 1] > 40) & (photo[..., 0] - photo[..., 2] > 40)
    assert red.sum() > 3000  # its frame is about 19,000 pixels, some of them under glare


def test_a_table_is_as_wide_as_its_contents():
    card = Card(np.random.default_rng(0), 1800, 30)
    card.table([["Fat", "5 g"], ["Carbohydrate", "12.5 g"]], rules=False)
    assert card.wide("Carbohydrate12.5 g") < card.pixels.shape[1] < 700
