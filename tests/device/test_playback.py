import time

import numpy as np
import pytest

from device.glasses import CHUNK, RATE
from device.playback import MEMORY_S, Playback
from device.stream_clock import StreamClock


class Clock:
    """time.monotonic, as a test sets it."""

    now = 100.0


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    Clock.now = 100.0
    return Clock


def noise(seconds, rate=RATE):
    white = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * rate))
    return np.convolve(white, np.hanning(9) / 4, "same").astype(np.float32)


def run(playback, clock, seconds, delay_s=0.06, block_s=0.02):
    for _ in range(round(seconds / block_s)):
        playback.take(round(block_s * playback.rate), delay_s)
        clock.now += block_s


@pytest.mark.parametrize("late_s", [0.0, 0.3, 1.7])
def test_a_late_reader_gets_what_was_played_when_its_chunk_was_heard(clock, late_s):
    playback, said = Playback(RATE), noise(3.0)
    playback.play(said, RATE)
    run(playback, clock, 2.5)  # the first sample left at 100.06
    end = round((2.5 - 0.06 - late_s) * RATE)
    np.testing.assert_array_equal(playback.played(CHUNK, late_s), said[end - CHUNK : end])


def test_chunks_of_a_reader_that_catches_up_follow_each_other_without_gaps(clock):
    playback, said = Playback(48_000), noise(3.0)
    playback.play(said, RATE)
    run(playback, clock, 2.5)
    chunks = [playback.played(CHUNK, late_s=1.0 - number * CHUNK / RATE) for number in range(20)]
    start = round((2.5 - 0.06 - 1.0) * RATE) - CHUNK
    np.testing.assert_allclose(np.concatenate(chunks), said[start : start + 20 * CHUNK], atol=0.01)


def test_a_chunk_from_before_all_that_is_remembered_has_no_echo(clock):
    playback = Playback(RATE)
    playback.play(noise(9.0), RATE)
    run(playback, clock, 8.0)
    assert playback.played(CHUNK, MEMORY_S - 0.2).all()
    assert not playback.played(CHUNK, MEMORY_S + 0.1).any()
    assert not playback.played(CHUNK, 60.0).any()


def test_without_a_clock_the_last_samples_taken_are_the_last_played():
    playback, said = Playback(RATE), noise(1.0)
    playback.play(said, RATE)
    playback.take(2 * CHUNK)
    for late_s in (0.0, 0.5):
        np.testing.assert_array_equal(playback.played(CHUNK, late_s), said[CHUNK : 2 * CHUNK])


def test_what_is_cut_short_still_counts_as_played(clock):
    playback, said = Playback(RATE), noise(3.0)
    playback.play(said, RATE)
    run(playback, clock, 1.0)
    playback.stop()
    assert playback.pending_s() == 0
    run(playback, clock, 0.5)
    assert not playback.played(CHUNK).any()
    end = round((1.5 - 0.06 - 0.7) * RATE)
    np.testing.assert_array_equal(playback.played(CHUNK, 0.7), said[end - CHUNK : end])


def test_a_device_that_no_longer_asks_has_played_everything_in_a_while(clock):
    playback = Playback(RATE)
    playback.play(noise(0.5), RATE)
    run(playback, clock, 0.5)
    assert playback.pending_s() == pytest.approx(0.06, abs=0.001)
    clock.now += 0.1
    assert playback.pending_s() == 0


def test_blocks_announced_in_bursts_pass_steadily():
    random = np.random.default_rng(0)
    clock, due = StreamClock(), 0.0
    off = []
    for number in range(600):
        due = 0.02 * (number + 1)
        announced = 0.06 * (1 + number // 3) + random.exponential(0.002)  # three at once
        off.append(clock.passed(0.02, announced) - due)
    assert np.ptp(off[100:]) < 0.008  # announced, they jump by 40 ms and more
    assert np.mean(np.abs(np.diff(off[100:]))) < 0.0015


def test_a_device_that_stood_still_is_followed_at_once():
    clock = StreamClock()
    for number in range(100):
        clock.passed(0.02, 0.02 * (number + 1))
    assert clock.passed(0.02, 5.0) == 5.0
    assert clock.passed(0.02, 5.02) == pytest.approx(5.02)
