import cv2
import numpy as np
import pytest

from device.glasses import Frame
from device.seeing.gaze import Gaze
from device.seeing.photo import read_photo


@pytest.fixture
def sharp(demo_photo):
    return cv2.resize(read_photo(demo_photo), (320, 240), interpolation=cv2.INTER_AREA)


def test_the_sharpest_of_the_last_frames_is_looked_at(sharp):
    gaze = Gaze()
    for at, pixels in enumerate([cv2.GaussianBlur(sharp, (0, 0), 4), sharp, cv2.GaussianBlur(sharp, (0, 0), 6)]):
        gaze.see(Frame(pixels, at / 10))
    frame, _ = gaze.best()
    assert frame.pixels is sharp


def test_an_old_frame_is_not_looked_at_however_sharp(sharp):
    gaze = Gaze(seconds=1.5)
    gaze.see(Frame(sharp, 0.0))
    blurred = cv2.GaussianBlur(sharp, (0, 0), 4)
    gaze.see(Frame(blurred, 5.0))
    assert gaze.best()[0].pixels is blurred


def test_of_a_scene_that_stays_the_same_only_the_newest_frame_is_kept(sharp):
    gaze = Gaze()
    for at in range(8):
        gaze.see(Frame(sharp.copy(), at / 5))
    assert len(gaze._kept) <= 2  # the first has no motion before it
    assert gaze.best()[0].at == 7 / 5


def test_while_the_picture_gets_worse_few_frames_are_kept_and_the_best_is_looked_at(sharp):
    gaze = Gaze(seconds=1.5, apart=0.5)
    for number in range(40):
        gaze.see(Frame(cv2.GaussianBlur(sharp, (0, 0), 0.5 + number / 20), number / 10))
        assert len(gaze._kept) <= 5
        assert gaze.best()[0].at >= number / 10 - 1.5
    assert gaze.best()[0].at <= 3.9 - 1.0


def test_darkness_is_noticed(sharp):
    assert Gaze().see(Frame(np.zeros_like(sharp), 0.0)).black
    assert not Gaze().see(Frame(sharp, 0.0)).black


def test_a_burnt_out_frame_scores_low(sharp):
    bright = np.clip(sharp.astype(int) * 4, 0, 255).astype(np.uint8)
    assert Gaze().see(Frame(bright, 0.0)).exposure < Gaze().see(Frame(sharp, 0.0)).exposure


def test_the_same_frame_is_taken_once(sharp):
    gaze = Gaze()
    frame = Frame(sharp, 1.0)
    assert gaze.see(frame) is not None
    assert gaze.see(frame) is None


def test_motion_is_the_change_between_frames(sharp):
    gaze = Gaze()
    gaze.see(Frame(sharp, 0.0))
    still = gaze.see(Frame(sharp, 0.1))
    moved = gaze.see(Frame(np.roll(sharp, 40, 1), 0.2))
    assert still.motion < 0.1 < moved.motion


def test_before_the_first_frame_there_is_nothing_to_look_at():
    assert Gaze().best() is None
