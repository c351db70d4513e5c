"""The recipe of the network for names, on made-up photos: it learns to tell them apart, and ships as it was trained."""

from typing import cast

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install 'glint[export]'")

import torch

from export.recipe.efficientnet_lite import EfficientNetLite
from export.recipe.names import (
    Material,
    NameNetwork,
    Plan,
    check,
    fit,
    nothing,
    predict,
    temperature,
    write_namer,
)
from export.recipe.object_blocks import LastBlocks
from export.recipe.object_features import ENTRY_COLUMNS, ENTRY_WIDTH
from export.recipe.photos import Photo
from models.namer import Namer, Names
from tests.export.chance_blocks import blocks_of_chance

WIDTH = 4 * ENTRY_WIDTH
SPOKEN = ("A pear.", "A kiwi.", "Glass.")


@pytest.fixture(scope="module")
def material():
    """24 things of three names, in two views each, and 12 scenes: each kind has bytes of its own, and noise."""
    draw = np.random.default_rng(0)
    labels = np.array([*range(3)] * 8 + [3] * 12)
    photos = [Photo(f"p{i}.jpg", "made up", name=None if label == 3 else "some") for i, label in enumerate(labels)]
    kinds, entries, rows = draw.integers(60, 200, (4, 1, WIDTH)), [], []
    for label in labels:
        views = 1 if label == 3 else 2
        rows.append(list(range(len(entries), len(entries) + views)))
        entries += [kinds[label] + draw.integers(-40, 41, (49, WIDTH)) for _ in range(views)]
    both = np.split(np.stack(entries).astype(np.uint8), [len(entries) - 4])
    return Material(photos, ["pear", "kiwi", "glass"], labels, rows, (both[0], both[1]))


@pytest.fixture(scope="module")
def trained(material, tmp_path_factory):
    torch.manual_seed(0)
    start = NameNetwork(LastBlocks(cast(EfficientNetLite, blocks_of_chance()), 0.05, 120), 3, dropout=0.1)
    plan = Plan(epochs=6, photos=12, scenes=8)
    everything = np.ones(len(material.photos), bool)
    return fit(material, everything, start, plan, tmp_path_factory.mktemp("run") / "names.pt")


def test_it_tells_things_from_each_other_and_from_scenes(material, trained):
    photos = np.arange(len(material.photos))
    logits = predict(trained, material, photos)
    assert (logits.argmax(1).numpy() == material.labels).mean() > 0.9
    told = check(material, photos, 8 * logits)
    assert told["made up"] > 0.9
    assert told["scenes"] < 0.2


def test_pictures_of_nothing_are_of_many_kinds_and_the_same_each_time():
    drawn = [nothing(number) for number in range(60)]
    assert all(np.array_equal(picture, nothing(number)) for number, picture in enumerate(drawn))
    deviations = np.array([picture.std((0, 1)).mean() for picture in drawn])
    assert {picture.shape for picture in drawn} == {(224, 224, 3)}
    assert (deviations < 4).sum() > 5  # one colour
    assert (deviations > 25).sum() > 5


def test_what_was_trained_is_not_trained_again(material, trained, tmp_path):
    torch.save(trained.state_dict(), tmp_path / "names.pt")
    start = NameNetwork(LastBlocks(cast(EfficientNetLite, blocks_of_chance()), 0.05, 120), 3)
    again = fit(material, np.zeros(len(material.photos), bool), start, Plan(), tmp_path / "names.pt")
    photos = np.arange(4)
    torch.testing.assert_close(predict(again, material, photos), predict(trained, material, photos))


def test_the_temperature_is_that_of_the_labels():
    labels = torch.arange(3).repeat(100)
    logits = torch.nn.functional.one_hot(labels, 3).float()
    logits[::4] = logits[::4].roll(1, 1)  # a quarter is wrong: one more logit is too little for the rest
    assert temperature(logits, labels) < 1
    assert temperature(8 * logits, labels) > 1


def test_what_ships_has_the_chances_of_what_was_trained(material, trained, tmp_path):
    entries = np.concatenate(material.entries)
    cells = np.zeros((len(entries), 49, ENTRY_COLUMNS.stop + 8), np.uint8)
    cells[..., ENTRY_COLUMNS] = entries
    about = Names(("What is this?",), SPOKEN, least=0.4)
    write_namer(trained, about, 0.5, entries, tmp_path / "names.onnx")
    namer = Namer(tmp_path / "names.onnx")
    with torch.no_grad():
        wanted = (trained(torch.from_numpy(entries)) / 0.5).softmax(1).numpy()
    found = np.stack([namer.chances(picture) for picture in cells])
    np.testing.assert_allclose(found, wanted, atol=0.1)
    for picture, chances in zip(cells, found, strict=True):
        best, named = int(chances[:3].argmax()), namer.name(picture)
        assert (named is None) == (chances[best] < 0.4)
        assert named is None or named.answer == SPOKEN[best]
    assert len({named.answer for picture in cells if (named := namer.name(picture))}) == 3
