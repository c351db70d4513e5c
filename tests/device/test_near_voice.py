"""Who speaks over the assistant is heard, with echo and without; the assistant itself is not. The canceller is real."""

import numpy as np
import pytest
from said import RATE, room, said

from device.hearing.near_voice import FRAME, open_echo
from models.echo import LATENCY
from models.voice_activity import START, probabilities
from sim.benchmark.booth import room_echo

CHUNK = 512
ANSWER = "A woman in a green coat is walking her dog along the river in the evening, and two boats lie at the shore."


@pytest.fixture(scope="module")
def played():
    return 0.6 * said(ANSWER)


@pytest.fixture(scope="module")
def over():
    """Somebody says "Be quiet." 2.5 s into it."""
    word = said("Be quiet.")
    return np.concatenate([np.zeros(int(2.5 * RATE), np.float32), 0.6 * word, np.zeros(RATE, np.float32)])


def through(heard, played, echo=None):
    echo = echo or open_echo()
    length = len(heard) // CHUNK * CHUNK
    return np.concatenate(
        [echo.cancel(heard[at : at + CHUNK], played[at : at + CHUNK]) for at in range(0, length, CHUNK)]
    )


def mixed(played, over, decibels):
    """What the microphone hears; decibels: of the echo, None for none."""
    length = len(played) + RATE
    heard, out = room(length / RATE + 1, 3e-4)[:length], np.zeros(length, np.float32)
    out[: len(played)] = played
    if decibels is not None:
        heard = heard + np.convolve(out, room_echo(decibels))[:length].astype(np.float32)
    if over is not None:
        heard[: len(over)] += over[:length]
    return heard, out


def longest_speech(samples):
    """Voiced chunks in a row, at most."""
    marks = "".join("x" if probability > START else " " for probability in probabilities(samples))
    return max(map(len, marks.split()), default=0)


@pytest.mark.parametrize("decibels", [None, -20, -12])
def test_who_speaks_over_an_answer_is_heard(played, over, decibels):
    heard, out = mixed(played, over, decibels)
    start = int(2.4 * RATE)
    assert longest_speech(through(heard, out)[start : start + RATE]) >= 4


@pytest.mark.parametrize("decibels", [None, -20, -12, -6])
def test_an_answer_does_not_interrupt_itself(played, decibels):
    heard, out = mixed(played, None, decibels)
    assert longest_speech(through(heard, out)) < 4


def test_without_an_echo_what_is_near_comes_through_unharmed(played, over):
    heard, out = mixed(played, over, None)
    clear = through(heard, out)
    late = LATENCY + FRAME
    begin, end = int(2.6 * RATE), int(2.9 * RATE)
    assert np.array_equal(clear[begin + late : end + late], heard[begin:end])


def test_while_nothing_is_played_the_microphone_is_passed_on_as_it_is():
    heard = room(2, 0.01)
    clear = through(heard, np.zeros_like(heard))
    late = LATENCY + FRAME
    assert np.array_equal(clear[late:], heard[: len(clear) - late])


def test_pieces_of_any_length_give_the_same(played):
    heard, out = mixed(played, None, -12)
    echo, pieces, at = open_echo(), [], 0
    for size in [1, 7, 160, 333, 512, 1000] * 8:
        pieces.append(echo.cancel(heard[at : at + size], out[at : at + size]))
        assert len(pieces[-1]) == size
        at += size
    assert np.allclose(np.concatenate(pieces)[:8192], through(heard, out)[:8192], atol=1e-6)


def test_a_microphone_that_is_off_does_not_teach_that_there_is_no_echo(played):
    echo = open_echo()
    through(np.zeros_like(played), played, echo)
    heard, out = mixed(played, None, -12)
    assert longest_speech(through(heard, out, echo)) < 4
