"""Where questions begin and end, on a voice activity that is written down chunk by chunk."""

import numpy as np
import pytest

from device.glasses import CHUNK, RATE
from device.hearing.endpoint import Endpointer, Heard, Pace


class Script:
    """Stands in for the detector's judgement alone, so that the timing can be told to the chunk."""

    def __init__(self, pattern: str):
        self._chances = [0.9 if mark == "#" else 0.1 for mark in pattern]

    def probability(self, chunk: np.ndarray) -> float:
        return self._chances.pop(0)


def play(pattern: str, finished=None, **settings) -> tuple[list[Heard], Endpointer]:
    """One character a chunk of 32 ms, # is voiced; samples count the chunks, so that what is kept can be told."""
    ear = Endpointer(finished, activity=Script(pattern), **settings)
    return [ear.feed(np.full(CHUNK, n, np.float32)) for n in range(len(pattern))], ear


def test_a_click_is_no_question():
    heard, ear = play("....#....#...")
    assert set(heard) == {Heard.QUIET}
    assert not ear.begun


def test_speech_begins_with_the_second_voiced_chunk_and_keeps_what_came_before():
    heard, ear = play("." * 20 + "###")
    assert heard[19:] == [Heard.QUIET, Heard.QUIET, Heard.BEGUN, Heard.SPEECH]
    assert ear.utterance[0] == 22 - 15  # half a second before
    assert ear.utterance[-1] == 22


def test_a_short_pause_is_worth_a_guess_and_speech_takes_it_back():
    heard, _ = play("####" + "....." + "##", finished=lambda samples: 0.0)
    assert heard.index(Heard.PAUSED) == 7  # the fourth silent chunk: 0.128 s
    assert heard[9] is Heard.RESUMED
    assert heard[10] is Heard.SPEECH


def test_the_end_comes_at_the_shortest_pause_when_the_model_is_sure():
    heard, ear = play("####" + "." * 20, finished=lambda samples: 0.9)
    assert heard.index(Heard.ENDED) == 11  # 8 silent chunks: 0.256 s
    assert len(ear.utterance) <= (4 + 7) * CHUNK


def test_an_unfinished_sentence_is_waited_for_but_not_for_ever():
    asked = []

    def finished(samples):
        asked.append(len(samples) / RATE)
        return 0.1

    heard, _ = play("####" + "." * 90, finished=finished)
    end = heard.index(Heard.ENDED)
    assert (end - 3) * CHUNK / RATE == pytest.approx(Pace().longest, abs=0.04)
    assert len(asked) == pytest.approx(2.5 / 0.25, abs=2)
    assert asked == sorted(asked)  # each time with more of the silence


def test_without_a_model_a_fixed_pause_ends():
    heard, _ = play("####" + "." * 40, fixed_pause=0.8)
    assert (heard.index(Heard.ENDED) - 3) * CHUNK / RATE == pytest.approx(0.8, abs=0.033)


def test_a_speech_without_end_is_cut():
    heard, _ = play("#" * 100, pace=Pace(utterance=2.0))
    assert heard.index(Heard.ENDED) * CHUNK / RATE == pytest.approx(2.0, abs=0.05)


def test_after_a_reset_another_question_may_begin():
    ear = Endpointer(None, activity=Script("####" + "." * 30 + "##"))
    heard = [ear.feed(np.zeros(CHUNK, np.float32)) for _ in range(34)]
    assert Heard.ENDED in heard
    ear.reset()
    assert [ear.feed(np.zeros(CHUNK, np.float32)) for _ in range(2)] == [Heard.QUIET, Heard.BEGUN]
