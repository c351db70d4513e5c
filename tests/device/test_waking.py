"""Who is let in while it is asleep, with a transcriber that writes what it is told and says when."""

from concurrent.futures import Future

import numpy as np
import pytest

from device.glasses import CHUNK, RATE
from device.hearing.endpoint import Endpointer
from device.hearing.waking import LONGEST_S, NAME_S, Call, Waking


class Activity:
    """Hears speech in whatever is not zero."""

    def probability(self, chunk):
        return 0.9 if chunk.any() else 0.0


class Transcriber:
    def __init__(self):
        self.asked: list[tuple[np.ndarray, Future]] = []

    def __call__(self, utterance):
        self.asked.append((utterance, Future()))
        return self.asked[-1][1]

    def writes(self, text):
        self.asked[-1][1].set_result(text)


@pytest.fixture
def transcriber():
    return Transcriber()


@pytest.fixture
def waking(transcriber):
    return Waking(Endpointer(None, activity=Activity()), None, transcriber)


def feed(waking, seconds, spoken):
    chunks = round(seconds * RATE / CHUNK)
    return [waking.feed(np.full(CHUNK, 0.1 * spoken, np.float32)) for _ in range(chunks)]


def test_the_name_in_a_sentence_that_has_paused(waking, transcriber):
    assert set(feed(waking, 1.0, True) + feed(waking, 0.2, False)) == {None}
    transcriber.writes("Hey Glint, what is this?")
    (call,) = feed(waking, 0.032, False)
    assert call.question == "what is this?"
    assert len(call.utterance) == len(transcriber.asked[0][0])
    assert feed(waking, 0.1, False) == [None] * 3  # only once


def test_a_longer_sentence_is_searched_before_it_has_paused(waking, transcriber):
    feed(waking, NAME_S + 0.1, True)
    assert len(transcriber.asked) == 1
    transcriber.writes("Hey Glint, can")
    assert feed(waking, 0.032, True)[0].question == "can"


def test_other_talk_is_nobodys_business(waking, transcriber):
    feed(waking, 1.0, True)
    feed(waking, 0.2, False)
    transcriber.writes("What is this?")
    assert set(feed(waking, 1.0, False)) == {None}


def test_a_long_speech_is_not_transcribed_at_its_end(waking, transcriber):
    feed(waking, LONGEST_S + 0.5, True)
    asked = len(transcriber.asked)
    feed(waking, 0.5, False)
    assert len(transcriber.asked) == asked == 1


def test_a_transcript_that_comes_after_it_was_woken_otherwise_does_not_wake_it_again(waking, transcriber):
    feed(waking, 1.0, True)
    feed(waking, 0.2, False)
    waking.reset()
    transcriber.writes("Hey Glint.")
    assert set(feed(waking, 0.5, False)) == {None}


def test_a_wake_word_needs_no_transcript():
    class WakeWords:
        def heard(self, chunk):
            return "hey_jarvis" if chunk.any() else None

        def reset(self):
            pass

    waking = Waking(Endpointer(None, activity=Activity()), WakeWords(), None)
    assert feed(waking, 0.064, False) == [None, None]
    assert feed(waking, 0.032, True) == [Call()]
