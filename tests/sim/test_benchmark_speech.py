"""What is said to the live loop in its benchmark, and the noise around it."""

from itertools import islice

import numpy as np
import pytest

from device.glasses import RATE
from device.hearing.wake_phrase import after_wake_phrase
from models import fetch
from models.errors import GlintError
from sim.benchmark.loop import PARTS, chosen
from sim.benchmark.noise import Noises, pink, white
from sim.benchmark.sentences import QUESTIONS, class_names, talk
from sim.benchmark.turns import PATIENCE_S, PAUSE_BEFORE_S, in_a_room, question_lines
from sim.benchmark.utterances import ESPEAK, LEVEL, Line, Studio


@pytest.fixture(scope="module")
def takes():
    lines = [Line(text, ESPEAK[n % len(ESPEAK)]) for n, text in enumerate(QUESTIONS[:6])]
    with Studio() as studio:
        yield list(studio.takes(lines))


def level(samples):
    return float(np.sqrt(np.mean(np.square(samples))))


def test_a_take_goes_from_the_first_sound_to_the_last_and_is_as_loud_as_all_others(takes):
    for take in takes:
        said = take.samples()
        assert said.dtype == np.float32
        assert level(said) == pytest.approx(LEVEL, rel=0.1)
        assert min(np.abs(said[:80]).max(), np.abs(said[-80:]).max()) > 0.01 * np.abs(said).max()


def test_the_last_voiced_sample_is_where_the_sound_drops(takes):
    for number, take in enumerate(takes):
        spoken = in_a_room(take, number, None)
        end = round(spoken.ends_s * RATE)
        assert len(spoken.samples) / RATE - spoken.ends_s == pytest.approx(PATIENCE_S, abs=0.001)
        assert not spoken.samples[: int(PAUSE_BEFORE_S * RATE)].any()
        assert not spoken.samples[end:].any()
        assert level(spoken.samples[end - RATE // 2 : end]) > 0.01


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_noise_lies_as_far_below_the_speech_as_asked(takes, number):
    noise = Noises(10.0, takes).noise(number, 3 * RATE)
    assert 20 * np.log10(LEVEL / level(noise)) == pytest.approx(10, abs=0.1)


def test_pink_noise_has_more_below_and_white_the_same_everywhere():
    def low_share(samples):
        power = np.abs(np.fft.rfft(samples)) ** 2
        return power[: len(power) // 4].sum() / power.sum()

    random = np.random.default_rng(0)
    assert low_share(white(RATE, random)) == pytest.approx(0.25, abs=0.03)
    assert low_share(pink(RATE, random)) > 0.7


def test_every_question_comes_once_before_any_comes_again_and_then_by_somebody_else():
    lines = question_lines(2 * len(QUESTIONS))
    first, second = lines[: len(QUESTIONS)], lines[len(QUESTIONS) :]
    assert [line.text for line in first] == list(QUESTIONS)
    assert all(a.text == b.text and a.speaker != b.speaker for a, b in zip(first, second, strict=True))


def test_an_hour_of_talk_calls_nobody_and_hardly_repeats_itself():
    things = class_names(fetch.ensure("imagenet-class-names"))
    assert len(things) == 1000
    said = list(islice(talk(things), 800))
    assert len(set(said)) > 750
    assert not any("jarvis" in text.lower() or after_wake_phrase(text) is not None for text in said)


def test_parts_by_name():
    assert chosen(None, soak=False) == list(PARTS)
    assert chosen("wake, barge-in", soak=True) == ["wake", "barge_in", "soak"]
    with pytest.raises(GlintError, match="'lunch'"):
        chosen("lunch", soak=False)
