"""Where questions begin and end, on a voice activity that is written down chunk by chunk."""

import threading

import numpy as np
import pytest

from device.glasses import CHUNK, RATE
from device.hearing.endpoint import Endpointer, Heard, Pace
from device.hearing.sentence import Sentence


class Script:
    """Stands in for the detector's judgement alone, so that the timing can be told to the chunk."""

    def __init__(self, pattern: str):
        self._chances = [0.9 if mark == "#" else 0.1 for mark in pattern]

    def probability(self, chunk: np.ndarray) -> float:
        return self._chances.pop(0)


def play(pattern: str, finished=None, **settings) -> tuple[list[Heard], Endpointer]:
    """One character a chunk of 32 ms, # is voiced; samples count the chunks, so that what is kept can be told.

    In voiced chunks from 1 on, in the others from 0 on, in thousandths.
    """
    ear = Endpointer(finished, activity=Script(pattern), **settings)
    return [ear.feed(chunk(n, mark == "#")) for n, mark in enumerate(pattern)], ear


def chunk(number: int, voiced: bool) -> np.ndarray:
    return np.full(CHUNK, number / 1000 + voiced, np.float32)


def test_a_click_is_no_question():
    heard, ear = play("....#....#...")
    assert set(heard) == {Heard.QUIET}
    assert not ear.begun


def test_speech_begins_with_the_second_voiced_chunk_and_keeps_what_came_before():
    heard, ear = play("." * 20 + "###")
    assert heard[19:] == [Heard.QUIET, Heard.QUIET, Heard.BEGUN, Heard.SPEECH]
    assert ear.utterance[0] == pytest.approx((22 - 15) / 1000)  # half a second before
    assert ear.utterance[-1] == pytest.approx(1.022)


def silent(seconds: float) -> str:
    return "." * round(seconds * RATE / CHUNK)


def pause_before_the_end(heard: list[Heard], voiced: int) -> float:
    """Seconds of silence up to the chunk that ended the question."""
    return (heard.index(Heard.ENDED) + 1 - voiced) * CHUNK / RATE


def test_a_short_pause_is_worth_a_guess_and_speech_takes_it_back():
    heard, _ = play("########" + "....." + "##", finished=lambda samples: 0.0)
    assert heard.index(Heard.PAUSED) == 9  # the second silent chunk: 0.064 s
    assert heard[13] is Heard.RESUMED
    assert heard[14] is Heard.SPEECH


def test_a_sound_too_short_for_a_word_is_forgotten_at_the_first_pause():
    heard, ear = play("##" + "....")
    assert Heard.PAUSED not in heard
    assert not ear.begun


def test_what_was_taken_for_a_click_may_have_been_the_beginning_of_a_word():
    _, ear = play("." * 20 + "##" + ".." + "####")
    assert ear.utterance[0] <= 1.020


def test_a_faint_chunk_is_silence_although_the_detector_is_still_sure():
    ear = Endpointer(None, activity=Script("#" * 14))
    loud, faint = np.full(CHUNK, 0.1, np.float32), np.full(CHUNK, 0.002, np.float32)
    heard = [ear.feed(chunk) for chunk in [loud] * 8 + [faint] * 3 + [loud] * 3]
    assert heard.index(Heard.PAUSED) == 9
    assert heard[11] is Heard.RESUMED


def test_in_a_room_full_of_voices_who_is_louder_is_listened_to():
    ear = Endpointer(None, activity=Script("#" * 200), pace=Pace(fixed=0.5))
    random = np.random.default_rng(0)
    babble, wearer = (level * random.normal(0, 1, (200, CHUNK)).astype(np.float32) for level in (0.02, 0.08))
    for part in babble[:40]:  # the room is not known at once
        ear.feed(part)
    ear.reset()
    assert {ear.feed(part) for part in babble[40:100]} == {Heard.QUIET}
    heard = [ear.feed(part) for part in (*wearer[:40], *babble[:30])]
    assert heard[:3].count(Heard.BEGUN) == 1
    assert heard.index(Heard.ENDED) == pytest.approx(40 + 0.5 * RATE / CHUNK, abs=3)


def judged(said, chance: float, seconds: float = 3.0) -> float:
    """The pause after which words of one kind end, with a model that always says the same."""
    ear = Endpointer(lambda samples: chance, activity=Script("#" * 10 + silent(seconds)))
    ear.judging = True
    for n in range(10 + len(silent(seconds))):
        if n > 12:
            ear.said = said
            while ear._verdict is not None and not ear._verdict.done():
                pass  # the model's thread takes a moment, which no silence heard here gives it
        if ear.feed(np.zeros(CHUNK, np.float32)) is Heard.ENDED:
            return ear.silence_s
    raise AssertionError("never ended")


@pytest.mark.parametrize(
    ("said", "chance", "pause"),
    [
        (Sentence.WHOLE, 0.9, 0.4),
        (Sentence.WHOLE, 0.02, 0.4),
        (Sentence.UNCLEAR, 0.9, 0.4),
        (Sentence.UNCLEAR, 0.3, 0.8),
        (Sentence.OPEN, 0.9, 1.5),
        (Sentence.OPEN, 0.3, 2.5),
    ],
)
def test_the_pause_that_ends_a_question_depends_on_words_and_voice(said, chance, pause):
    assert judged(said, chance) == pytest.approx(pause, abs=0.033)


def test_the_words_hold_until_speech_goes_on():
    ear = Endpointer(None, activity=Script("########" + "..." + "#"))
    for _ in range(11):
        ear.feed(np.zeros(CHUNK, np.float32))
    ear.said = Sentence.WHOLE
    ear.feed(np.zeros(CHUNK, np.float32))
    assert ear.said is None


def test_the_model_is_asked_again_while_a_pause_lasts_and_hears_more_of_it():
    asked = []

    def finished(samples):
        asked.append(len(samples) / RATE)
        return 0.05

    ear = Endpointer(finished, activity=Script("#" * 10 + silent(3.0)))
    ear.judging = True
    heard = []
    for n in range(10 + len(silent(3.0))):
        heard.append(ear.feed(np.full(CHUNK, n, np.float32)))
        ear.said = Sentence.UNCLEAR if heard[-1] is Heard.PAUSE else ear.said
        while ear._verdict is not None and not ear._verdict.done():
            pass
        if heard[-1] is Heard.ENDED:
            break
    assert pause_before_the_end(heard, 10) == pytest.approx(0.8, abs=0.033)  # unclear words, an unsure model
    assert 2 <= len(asked) <= 4
    assert asked == sorted(asked)


def end_of_a_whole_sentence(pattern: str, finished) -> float:
    """The pause after which a sentence ends whose words are known with the first chunk after the guess."""
    ear = Endpointer(finished, activity=Script(pattern))
    ear.judging = True
    for _ in pattern:
        heard = ear.feed(np.zeros(CHUNK, np.float32))
        if heard is Heard.ENDED:
            return ear.silence_s
        ear.said = Sentence.WHOLE if heard is Heard.PAUSE else ear.said
    raise AssertionError("never ended")


def test_the_model_is_not_asked_about_a_whole_sentence():
    def finished(samples):
        raise AssertionError("asked")

    assert end_of_a_whole_sentence("#" * 10 + silent(2.0), finished) == pytest.approx(0.4, abs=0.033)


@pytest.mark.parametrize(("paused_s", "pause_s"), [(0.2, 0.4), (0.35, 0.53), (0.7, 0.8)])
def test_who_has_hesitated_is_given_longer(paused_s, pause_s):
    ear = Endpointer(lambda samples: 0.0, activity=Script("#" * 10 + silent(paused_s) + "#" * 10 + silent(2.0)))
    ear.judging = True
    for n in range(20 + len(silent(paused_s)) + len(silent(2.0))):
        heard = ear.feed(np.zeros(CHUNK, np.float32))
        if heard is Heard.ENDED:
            break
        if n > 20 + len(silent(paused_s)):
            ear.said = Sentence.WHOLE
    assert ear.silence_s == pytest.approx(pause_s, abs=0.033)


def test_the_model_is_asked_when_the_words_are_not_known_in_time():
    asked = []

    def finished(samples):
        asked.append(len(samples))
        return 0.9

    ear = Endpointer(finished, activity=Script("#" * 10 + silent(2.0)))
    ear.judging = True
    for _ in range(10 + len(silent(0.3))):
        ear.feed(np.zeros(CHUNK, np.float32))
    assert not asked
    for _ in silent(0.1):
        ear.feed(np.zeros(CHUNK, np.float32))
    while ear._verdict is not None and not ear._verdict.done():
        pass
    assert len(asked) == 1


def test_a_model_that_does_not_answer_delays_nothing():
    held = threading.Event()

    def finished(samples):
        held.wait(10)
        return 0.9

    ear = Endpointer(finished, activity=Script("#" * 10 + silent(1.5)))
    ear.judging = True
    heard = [ear.feed(np.zeros(CHUNK, np.float32)) for _ in range(10 + len(silent(1.5)))]
    held.set()
    assert pause_before_the_end(heard, 10) == pytest.approx(0.8, abs=0.033)


def test_speech_that_is_for_nobody_costs_no_judgement():
    def finished(samples):
        raise AssertionError("asked")

    heard, _ = play("#" * 10 + silent(3.0), finished=finished)
    assert Heard.ENDED in heard


def test_without_a_model_a_fixed_pause_ends():
    heard, _ = play("#" * 10 + silent(1.2), pace=Pace(fixed=0.7))
    assert pause_before_the_end(heard, 10) == pytest.approx(0.7, abs=0.033)


def test_a_speech_without_end_is_cut():
    heard, _ = play("." * 40 + "#" * 100, pace=Pace(utterance=2.0))
    assert (heard.index(Heard.ENDED) - 40) * CHUNK / RATE == pytest.approx(2.0, abs=0.05)


def test_after_a_reset_another_question_may_begin():
    ear = Endpointer(None, activity=Script("#" * 10 + silent(0.9) + "##"))
    heard = [ear.feed(np.zeros(CHUNK, np.float32)) for _ in range(10 + len(silent(0.9)))]
    assert Heard.ENDED in heard
    ear.reset()
    assert [ear.feed(np.zeros(CHUNK, np.float32)) for _ in range(2)] == [Heard.QUIET, Heard.BEGUN]


def test_while_an_answer_is_spoken_a_fainter_voice_than_the_wearers_begins_nothing():
    ear = Endpointer(None, activity=Script("#" * 40))
    loud, fainter = np.full(CHUNK, 0.1, np.float32), np.full(CHUNK, 0.03, np.float32)
    for chunk in [loud] * 8:
        ear.feed(chunk)
    ear.answered()
    ear.answering = True
    assert {ear.feed(chunk) for chunk in [fainter] * 16} == {Heard.QUIET}
    assert Heard.BEGUN in [ear.feed(chunk) for chunk in [loud] * 8]
