"""The glasses that the benchmark of the live loop wears."""

import time

import numpy as np
import pytest

from device.glasses import CHUNK, RATE, Ended
from sim.benchmark.booth import ECHO_DB, ECHO_DELAY_S, Booth, room_echo, silence

pytestmark = pytest.mark.real_time

PHOTO = np.zeros((24, 32, 3), np.uint8)


def never() -> bool:
    return False


def hear(booth, seconds):
    return np.concatenate([booth.read(1.0) for _ in range(round(seconds * RATE / CHUNK))])


def level(samples):
    return float(np.sqrt(np.mean(np.square(samples))))


def test_the_script_is_heard_in_order_and_then_the_recording_is_over():
    tone = np.full(RATE, 0.25, np.float32)
    booth = Booth(lambda booth: [silence(0.5), tone], PHOTO, busy=never)
    heard = hear(booth, 1.4)
    assert abs(heard[: RATE // 2].mean()) < 1e-3
    assert heard[RATE // 2 : 22_000].mean() == pytest.approx(0.25, abs=1e-3)
    with pytest.raises(Ended):
        hear(booth, 1.0)


def test_in_real_time_a_second_lasts_a_second_and_else_it_does_not():
    start = time.monotonic()
    hear(Booth(lambda booth: [silence(2.0)], PHOTO), 1.0)
    assert time.monotonic() - start > 0.9
    start = time.monotonic()
    hear(Booth(lambda booth: [silence(20.0)], PHOTO, busy=never), 16.0)
    assert time.monotonic() - start < 5


def test_what_the_speaker_says_comes_back_later_and_fainter():
    booth = Booth(lambda booth: [silence(2.0)], PHOTO, room_echo(), busy=never)
    hear(booth, 0.5)
    booth.play(np.random.default_rng(0).normal(0, 0.1, RATE // 2).astype(np.float32), RATE)
    heard = hear(booth, 1.0)
    delay = round(ECHO_DELAY_S * RATE)
    assert level(heard[: delay - CHUNK]) < 1e-3
    back = level(heard[delay + CHUNK : RATE // 2])
    assert 20 * np.log10(back / 0.1) == pytest.approx(ECHO_DB + 1, abs=2)  # the room adds a little


def test_earcons_are_no_answers_and_only_what_was_sounding_is_stopped():
    booth = Booth(lambda booth: [silence(3.0)], PHOTO, busy=never)
    hear(booth, 0.2)
    booth.stop()
    assert booth.stops == []
    booth.play(np.ones(RATE // 10, np.float32), RATE)
    booth.play(np.concatenate([np.zeros(RATE // 4), np.ones(RATE)]).astype(np.float32), RATE)
    (answer,) = booth.answers
    assert answer.lead_s == pytest.approx(0.25)
    hear(booth, 0.5)
    booth.stop()
    (stop,) = booth.stops
    assert stop.heard_s == pytest.approx(0.7, abs=0.04)
    assert booth.pending_s() == 0
