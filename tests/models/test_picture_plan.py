"""Pictures cut for an encoder; tests/export/test_processor_parity.py compares with transformers' processors."""

import numpy as np
import pytest

from models.errors import GlintError
from models.picture_plan import Markers, PicturePlan

TILED = {"fit": "tiles", "tile": 32, "longest_edge": 128, "resample": "lanczos"}
MARKERS = {"image": "<i>", "tile": "<f><{row}.{column}>", "row_end": "\n", "whole": "\n<f><g>", "single": "<f><g>"}


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_without_a_description_a_picture_is_squashed_as_ever():
    import cv2

    plan = PicturePlan.read({}, 24, 24)
    large, small = noise(70, 90), noise(20, 90)
    np.testing.assert_array_equal(plan.cut(large).pixels[0], cv2.resize(large, (24, 24), interpolation=cv2.INTER_AREA))
    np.testing.assert_array_equal(
        plan.cut(small).pixels[0], cv2.resize(small, (24, 24), interpolation=cv2.INTER_LINEAR)
    )
    assert plan.markers == Markers()
    assert plan.texts(0, 0) == ["", ""]


def test_tiles_are_the_picture_cut_up_and_the_whole_of_it():
    """A picture that already has the right size is only cut."""
    picture = noise(64, 128)
    cut = PicturePlan.read(TILED).cut(picture)
    assert (cut.rows, cut.columns) == (2, 4)
    assert cut.pixels.shape == (9, 32, 32, 3)
    rows = [np.concatenate(cut.pixels[start : start + 4], axis=1) for start in (0, 4)]
    np.testing.assert_array_equal(np.concatenate(rows), picture)


def test_texts_stand_around_tiles():
    plan = PicturePlan.read({**TILED, "markers": {**MARKERS, "after": "<f>"}})
    assert plan.texts(2, 2) == ["<f><1.1>", "<f><1.2>", "\n<f><2.1>", "<f><2.2>", "\n\n<f><g>", "<f>"]
    assert plan.texts(0, 0) == ["<f><g>", "<f>"]


@pytest.mark.parametrize("most", [1, 2, 4, 5, 6, 9, 17])
@pytest.mark.parametrize("size", [(300, 300), (100, 999), (1, 1), (999, 40)])
@pytest.mark.parametrize("tile", [32, 27])
def test_never_more_tiles_than_there_is_room_for(most, size, tile):
    plan = PicturePlan.read({**TILED, "tile": tile})
    cut = plan.cut(noise(*size), most)
    assert len(cut.pixels) == (cut.rows * cut.columns + 1 if cut.rows else 1) <= most
    if most >= len(plan.cut(noise(*size)).pixels):
        np.testing.assert_array_equal(cut.pixels, plan.cut(noise(*size)).pixels)


def test_large_pictures_stay_large_without_a_longest_edge():
    cut = PicturePlan.read({"fit": "tiles", "tile": 32, "resample": "bicubic"}).cut(noise(64, 96))
    assert (cut.rows, cut.columns) == (2, 3)


def test_unsplit_is_one_square():
    cut = PicturePlan.read({**TILED, "split": False}).cut(noise(64, 128))
    assert (cut.pixels.shape, cut.rows) == ((1, 32, 32, 3), 0)


def test_crop_keeps_the_middle_and_pad_keeps_all():
    picture = np.zeros((40, 120, 3), np.uint8)
    picture[:, 40:80] = 200
    crop = PicturePlan.read({"fit": "crop", "resample": "bilinear"}, 40, 40).cut(picture).pixels[0]
    assert (crop == 200).all()
    pad = PicturePlan.read({"fit": "pad", "resample": "bilinear", "pad_color": [1, 2, 3]}, 120, 120).cut(picture)
    assert (pad.pixels[0][:40] == (1, 2, 3)).all()
    assert (pad.pixels[0][40:80] == picture).all()


@pytest.mark.parametrize("fit", ["squash", "crop", "pad", "tiles"])
@pytest.mark.parametrize("size", [(1, 1), (300, 4000), (2, 20_000), (20_000, 1), (33, 31)])
def test_any_shape_of_picture(fit, size):
    plan = PicturePlan.read({"fit": fit, "resample": "bicubic", "longest_edge": 96}, 32, 32)
    assert plan.cut(noise(*size)).pixels.shape[1:] == (32, 32, 3)


@pytest.mark.parametrize(
    ("config", "size", "about"),
    [
        ({"fit": "stretch"}, (32, 32), "stretch"),
        ({"resample": "sinc"}, (32, 32), "sinc"),
        ({"fit": "tiles", "tile": 64}, (32, 32), "64 x 64"),
        ({"fit": "tiles"}, (32, 48), "squares"),
        ({}, (None, None), "damaged"),
        ({"tile": "wide"}, (None, None), "damaged"),
        ({"longest_edge": -1}, (32, 32), "pixels"),
        ({"rows": 3}, (32, 32), "damaged"),
        ({"markers": {"rows": "x"}}, (32, 32), "damaged"),
        ({"pad_color": [1, 2]}, (32, 32), "damaged"),
        ([], (32, 32), "damaged|not"),
    ],
)
def test_a_damaged_description_is_said_in_one_sentence(config, size, about):
    if config == []:
        config = {"markers": []}
    with pytest.raises(GlintError, match=about) as error:
        PicturePlan.read(config, *size)
    assert str(error.value).endswith(".")
