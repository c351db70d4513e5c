import numpy as np
import pytest

from device.glasses import CHUNK
from device.hearing.loudness import Loudness

SOUND = np.random.default_rng(0)


def hear(loudness, level, chunks):
    for _ in range(chunks):
        loudness.hear(SOUND.normal(0, level, CHUNK).astype(np.float32))


def test_as_long_as_the_room_is_not_known_everything_counts():
    loudness = Loudness()
    hear(loudness, 0.01, 20)
    assert loudness.above_room


@pytest.mark.parametrize("room", [3e-4, 0.01, 0.1])
def test_who_speaks_is_louder_than_the_room_whatever_that_is(room):
    loudness = Loudness()
    hear(loudness, room, 100)
    assert not loudness.above_room
    hear(loudness, 4 * room, 3)
    assert loudness.above_room
    hear(loudness, room, 3)
    assert not loudness.above_room


def test_a_long_question_does_not_become_the_room():
    loudness = Loudness()
    hear(loudness, 0.005, 100)
    for _ in range(40):  # ten seconds, with the gaps that speech has
        hear(loudness, 0.1, 6)
        assert loudness.above_room
        hear(loudness, 0.02, 2)


def test_a_room_that_has_become_noisy_is_known_after_a_while():
    loudness = Loudness()
    hear(loudness, 1e-3, 100)
    hear(loudness, 0.05, 10)
    assert loudness.above_room
    hear(loudness, 0.05, 320)
    assert not loudness.above_room


def test_what_is_far_below_the_speech_is_silence():
    loudness = Loudness()
    hear(loudness, 0.001, 1)
    assert not loudness.faint  # nothing was said yet
    for _ in range(10):
        hear(loudness, 0.1, 1)
        loudness.was_speech()
    hear(loudness, 0.02, 1)
    assert not loudness.faint
    hear(loudness, 0.002, 1)
    assert loudness.faint
    loudness.forget_speech()
    assert not loudness.faint


def after_a_question(room, wearer=0.1):
    loudness = Loudness()
    hear(loudness, room, 200)
    for _ in range(20):
        hear(loudness, wearer, 1)
        loudness.was_speech()
    loudness.was_question()
    loudness.forget_speech()
    hear(loudness, room, 20)
    return loudness


def test_before_a_question_anybody_interrupts():
    loudness = Loudness()
    hear(loudness, 0.01, 40)
    assert not loudness.wearer_speaks(3, 4)
    assert loudness.wearer_speaks(4, 4)


@pytest.mark.parametrize(("level", "wearers"), [(0.1, True), (0.07, True), (0.03, False)])
def test_in_a_quiet_room_the_wearer_may_speak_more_softly_than_before(level, wearers):
    loudness = after_a_question(room=0.001)
    hear(loudness, level, 4)
    assert loudness.wearer_speaks(4, 4) == wearers


@pytest.mark.parametrize(("level", "chunks", "wearers"), [(0.12, 6, True), (0.12, 4, False), (0.07, 6, False)])
def test_amid_the_talk_of_others_longer_and_as_loud_as_before(level, chunks, wearers):
    loudness = after_a_question(room=0.03)
    hear(loudness, level, chunks)
    assert loudness.wearer_speaks(chunks, 4) == wearers
