"""The recipe of the caption head, on made-up photos: it learns to tell them apart, and ships as it was trained."""

import json
import random
from collections import Counter
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install 'glint[export]'")

import torch

from export.recipe.caption_cells import CellFeatures
from export.recipe.caption_graph import write_captioner
from export.recipe.caption_head import END, LONGEST, CaptionHead, Shape
from export.recipe.captions import Course, Plan, lay_out, learn, new_head, vocabulary
from export.recipe.efficientnet_lite import EfficientNetLite
from export.recipe.object_blocks import LastBlocks
from export.recipe.object_features import ENTRY_COLUMNS
from export.recipe.photos import Photo
from models.captioner import Captioner
from tests.export.chance_blocks import blocks_of_chance

WIDTH = 64


@pytest.fixture
def head():
    """With random weights, so large that they have opinions."""
    torch.manual_seed(3)
    head = CaptionHead(Shape(words=40, cell_width=WIDTH, hidden=64, seeing=1, writing=2))
    for parameter in head.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    head.mean.fill_(100)
    head.spread.fill_(70)
    return head.eval()


def some_cells(count):
    return torch.from_numpy(np.random.default_rng(5).integers(0, 256, (count, 49, WIDTH), np.uint8))


def test_captions_of_a_photo_do_not_see_each_other(head):
    one, other = [5, 6, 7, 8, END], [9, 10, END]
    cells = head.see(some_cells(1))

    def written(*captions):
        told = lay_out([captions], [[1.0] * len(captions)])
        return head.write(told.given, told.places, told.visible, cells)[0]

    with torch.no_grad():
        both = written(one, other)
        torch.testing.assert_close(both[: len(one)], written(one))
        torch.testing.assert_close(both[len(one) :], written(other))


def test_a_word_is_predicted_from_those_before_it():
    told = lay_out([[[5, 6, END], [7, END]], [[8, END]]], [[1.0, 0.5], [2.0]])
    assert told.given.tolist() == [[END, 5, 6, END, 7], [END, 8, END, END, END]]
    assert told.wanted.tolist() == [[5, 6, END, 7, END], [8, END, END, END, END]]
    assert told.places.tolist() == [[0, 1, 2, 0, 1], [0, 1, 0, 0, 0]]
    assert told.weights.tolist() == [[1, 1, 1, 0.5, 0.5], [2, 2, 0, 0, 0]]


def test_what_ships_says_what_the_head_says(head, tmp_path):
    spoken = ["", *(f"word{i}" for i in range(1, 40))]
    write_captioner(head, spoken, "What is it?", "names", tmp_path / "captions.onnx")
    captioner = Captioner(tmp_path / "captions.onnx")
    assert (captioner.question, captioner.leaves) == ("What is it?", "names")
    said = set()
    for picture in some_cells(12):
        caption = captioner.caption(picture.numpy())
        said.add(caption.text)
        row = [spoken.index(word) for word in caption.text.lower().rstrip(".").split()]
        row += [END] * (len(caption.log_probabilities) - len(row))
        told = lay_out([[row]], [[1.0]])
        with torch.no_grad():
            written = head.write(told.given, told.places, told.visible, head.see(picture[None]))
            chances = head.logits(written).log_softmax(-1)[0]
        # 8 bits may choose another word where two are as likely.
        np.testing.assert_allclose(caption.log_probabilities, chances[range(len(row)), row], atol=0.3)
        np.testing.assert_allclose(caption.log_probabilities, chances.max(-1).values, atol=0.3)
    assert len(said) > 6  # or the pictures made no difference


def test_what_ships_has_the_blocks_of_the_head(head, tmp_path):
    """The cells' own columns make no difference here, so that what it says comes from the blocks."""
    torch.manual_seed(4)
    blocks = LastBlocks(cast(EfficientNetLite, blocks_of_chance()), 0.05, 120)
    width = ENTRY_COLUMNS.stop
    seeing = CaptionHead(replace(head.shape, cell_width=width), blocks, step=0.03).eval()
    own = ("enter.weight", "mean", "spread")
    seeing.load_state_dict({k: v for k, v in head.state_dict().items() if k not in own}, strict=False)
    seeing.mean.fill_(40)
    seeing.spread.fill_(60)
    torch.nn.init.normal_(seeing.enter.weight, std=0.1)
    seeing.enter.weight.data[:, :width] = 0
    draw = np.random.default_rng(6)
    cells = draw.integers(30, 220, (12, 1, width + 8)) + draw.integers(-20, 21, (12, 49, width + 8))
    cells = cells.astype(np.uint8)
    spoken = ["", *(f"word{i}" for i in range(1, 40))]
    write_captioner(seeing, spoken, "What is it?", "names", tmp_path / "captions.onnx", cells)
    captioner = Captioner(tmp_path / "captions.onnx")
    said = set()
    for picture in cells:
        caption = captioner.caption(picture)
        said.add(caption.text)
        row = [spoken.index(word) for word in caption.text.lower().rstrip(".").split()]
        row += [END] * (len(caption.log_probabilities) - len(row))
        told = lay_out([[row]], [[1.0]])
        with torch.no_grad():
            written = seeing.write(told.given, told.places, told.visible, seeing.see(torch.from_numpy(picture[None])))
            chances = seeing.logits(written).log_softmax(-1)[0]
        np.testing.assert_allclose(caption.log_probabilities, chances[range(len(row)), row], atol=0.5)
    assert len(said) > 3


@pytest.mark.parametrize(("bias", "length"), [(50.0, 2), (-50.0, LONGEST)])
def test_a_caption_has_one_word_at_least_and_an_end_at_last(head, tmp_path, bias, length):
    head.bias.data[END] = bias
    rows = head.captions(some_cells(3))
    write_captioner(head, ["", *map(str, range(1, 40))], "?", "names", tmp_path / "captions.onnx")
    captioner = Captioner(tmp_path / "captions.onnx")
    for picture, row in zip(some_cells(3), rows, strict=True):
        assert len(row) == length
        assert len(captioner.caption(picture.numpy()).log_probabilities) == length
        assert row[0] != END


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Photos of two kinds, each told in its own words; their cells say which kind they are."""
    photos = [
        Photo(f"flickr8k/images/{i}.jpg", "flickr8k", [("A dog runs.", "Two men sit down.")[i % 2]] * 5)
        for i in range(60)
    ]
    photos += [Photo(f"coco_extra/images/{i}.jpg", "coco_extra", ["A dog runs."] * 5) for i in range(2)]
    keys = [(photo.file, 0) for photo in photos]
    draw = np.random.default_rng(1)
    kinds = draw.integers(0, 256, (2, WIDTH))
    kind_of = [int("men" in photo.captions[0]) for photo in photos]
    values = np.clip(kinds[kind_of][:, None] + draw.integers(-30, 31, (len(photos), 49, WIDTH)), 0, 255)
    np.save(tmp_path / "caption_cells.npy", values.astype(np.uint8))
    (tmp_path / "caption_cells.json").write_text(json.dumps(keys))
    monkeypatch.setattr("export.recipe.captions.load_photos", lambda data, split: photos)

    def opened(**plan):
        return Course(tmp_path, CellFeatures(tmp_path), Plan(photos=12, warmup=5, **plan))

    return opened


def test_words_that_are_rare_in_captions_are_not_learned():
    assert vocabulary([Photo("a", "flickr8k", ["A dog."] * 5 + ["A cat."])]) == ["", "a", "dog"]


def test_what_is_rare_is_seen_more_often_in_an_epoch(course):
    made = course()
    places = [place for step in made.steps(random.Random(0)) for place in step]
    seen = Counter(made.captioned[place].source for place in places)
    assert len(places) == 12 * len(made)
    assert seen["coco_extra"] > 2 * 4
    assert max(Counter(places).values()) == 8


def test_it_learns_from_people_then_from_rewards_and_goes_on_where_it_stopped(course, tmp_path):
    taught = course(taught=6, rewarded=0, taught_rate=2e-3)
    learn(taught, tmp_path, new_head(taught))
    log = [json.loads(line) for line in (tmp_path / "captions.log").read_text().splitlines()]
    assert log[-1]["loss"] < log[0]["loss"]
    rewarded = course(taught=6, rewarded=2, rewarded_rate=2e-4)
    head = learn(rewarded, tmp_path, new_head(rewarded)).eval()
    log = [json.loads(line) for line in (tmp_path / "captions.log").read_text().splitlines()]
    assert [line["epoch"] for line in log] == list(range(8))
    assert log[-1]["reward"] > 0
    photos = [*rewarded.checked, *rewarded.captioned[:6]]
    assert {photo.captions[0] for photo in photos} == {"A dog runs.", "Two men sit down."}
    cells = rewarded.features.of([(photo.file, 0) for photo in photos])
    for photo, row in zip(photos, head.captions(cells), strict=True):
        said = " ".join(rewarded.spoken[word] for word in row if word != END)
        assert said == photo.captions[0].lower().rstrip(".")


def test_sides_are_not_told_of_a_view_that_may_be_mirrored(course):
    made = course()
    made.spoken.append("left")
    made._places["left"] = len(made.spoken) - 1
    photo = Photo("x", "flickr8k", ["A dog runs left.", "A dog runs."])
    assert len(made.people_say(photo, turned=False)) == 2
    assert len(made.people_say(photo, turned=True)) == 1
