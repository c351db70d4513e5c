"""Views of a photo, and hints that come from heads which never saw it."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install 'glint[export]'")

import torch

from export.recipe import hint_head
from export.recipe.encoder import squash
from export.recipe.features import FIRST_CROP, MIRRORED, PLAIN, WIDTH, view_of


@pytest.fixture
def photo():
    ramp = np.linspace(0, 255, 300)[None, :, None] * np.ones((200, 1, 3))
    return ramp.astype(np.uint8)


def test_a_plain_view_is_the_photo_squashed_as_at_use(photo):
    assert np.array_equal(view_of(photo, PLAIN, 1), squash(photo))
    assert np.array_equal(view_of(photo, MIRRORED, 1), squash(photo)[:, ::-1])


def test_crops_are_parts_of_the_photo_and_the_same_each_time(photo):
    first, again, other = (view_of(photo, view, 1) for view in (FIRST_CROP, FIRST_CROP, FIRST_CROP + 1))
    assert first.shape == (224, 224, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.slow
def test_cross_fitted_scores_come_from_a_head_that_never_saw_the_photo():
    """Random labels can be learned by heart but not predicted."""
    generator = torch.Generator().manual_seed(0)
    photos = 160
    cells = torch.randn(2 * photos, 16, WIDTH, generator=generator).half()
    owner = torch.arange(photos).repeat_interleave(2)
    cells[1::2] = cells[0::2]  # two views that look alike
    labels = (torch.rand(photos, 2, generator=generator) < 0.5).float()
    data = hint_head.Views(cells, owner, labels, torch.ones(photos, 2))

    def right(scores):
        return float(((scores > 0.5) == labels[owner].bool().numpy()).mean())

    by_heart = hint_head.predict(hint_head.fit(data, 30, log=lambda line: None), cells)
    assert right(by_heart) > 0.9
    scores = hint_head.cross_fit(data, 30)
    assert right(scores) < 0.65
    assert scores.std() > 0.05
