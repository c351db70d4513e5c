"""Photos of glasses as a camera."""

import numpy as np
import pytest

from device.glasses import Unplugged
from firmware_bridge.halo.eye import BEHIND_S, OLDEST_S, WANTED_S, Eye

PIXELS = np.zeros((480, 640, 3), np.uint8)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def eye(clock) -> Eye:
    eye = Eye("No link yet.", clock)
    with pytest.raises(Unplugged, match="No link"):
        eye.latest()
    eye.up()
    return eye


def test_it_is_wanted_while_somebody_looks(eye, clock):
    assert eye.latest() is None
    assert eye.wanted
    clock.now += WANTED_S
    assert not eye.wanted


def test_the_newest_photo_is_seen_and_an_old_one_while_a_slow_link_brings_no_other(eye, clock):
    eye.saw(PIXELS, clock.now)
    for _ in range(int(OLDEST_S)):
        assert eye.latest() is not None
        clock.now += 1
    clock.now += 1
    assert eye.latest() is None


def test_whoever_looks_again_later_does_not_see_what_was_there_before(eye, clock):
    eye.saw(PIXELS, clock.now)
    eye.latest()
    clock.now += BEHIND_S + 1
    assert eye.latest() is None


def test_without_a_link_nothing_is_seen_and_nothing_of_before_comes_after(eye, clock):
    eye.saw(PIXELS, clock.now)
    eye.end("The link is lost.")
    with pytest.raises(Unplugged, match="lost"):
        eye.latest()
    eye.up()
    assert eye.latest() is None
