# ruff: noqa: RUF001
import threading
from itertools import islice

import numpy as np
import pytest

from models.errors import GlintError
from models.espeak import Espeak, phonemes


def spoken(voice: Espeak, text: str) -> np.ndarray:
    return np.concatenate(list(voice.speak(text)))


def test_speaks_16_bit_sound_of_plausible_length():
    voice = Espeak()
    samples = spoken(voice, "There is a red mug on the table.")
    assert samples.dtype == np.int16
    assert 1 < len(samples) / voice.rate < 4
    assert np.abs(samples).max() > 5_000


def test_goes_on_after_being_cancelled_midway():
    voice = Espeak()
    whole = spoken(voice, "One, two, three. Four, five, six.")
    cancelled = voice.speak("Seven, eight, nine. Ten, eleven, twelve. " * 50)
    assert len(list(islice(cancelled, 3))) == 3
    cancelled.close()
    assert list(cancelled) == []
    # The sound itself is never quite the same twice.
    assert len(spoken(voice, "One, two, three. Four, five, six.")) == pytest.approx(len(whole), rel=0.02)


def test_faster_is_shorter():
    assert len(spoken(Espeak(words_per_minute=300), "Turn left now.")) < 0.7 * len(
        spoken(Espeak(words_per_minute=120), "Turn left now.")
    )


@pytest.mark.parametrize("text", ["", "   ", "...", "?!"])
def test_nothing_to_say_yields_nothing(text):
    assert list(Espeak().speak(text)) == []


def test_phonemes_keep_punctuation_and_read_numbers():
    assert phonemes("Yes, 12 cups.", "en-us") == "jˈɛs, twˈɛlv kˈʌps."


def test_phonemes_and_two_voices_share_the_library_across_threads():
    fast, slow = Espeak("en-us", 200), Espeak("ko", 120)
    text = "There is a red mug on the table."
    wrong: list[object] = []

    def repeat(job, expected) -> None:
        for _ in range(20):
            found = job()
            if found != expected:
                wrong.append(found)

    jobs = [
        lambda: phonemes(text, "en-us"),
        lambda: phonemes(text, "ko"),
        lambda: pytest.approx(len(spoken(fast, text)), rel=0.02),
        lambda: pytest.approx(len(spoken(slow, text)), rel=0.02),
    ]
    expected = [jobs[0](), jobs[1](), len(spoken(fast, text)), len(spoken(slow, text))]
    assert expected[0] != expected[1]
    assert expected[2] < 0.9 * expected[3]
    threads = [threading.Thread(target=repeat, args=pair) for pair in zip(jobs, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_unknown_voice_is_one_sentence_and_leaves_the_others_working():
    with pytest.raises(GlintError, match="no voice named 'klingon-x'"):
        Espeak("klingon-x")
    assert phonemes("cup", "en-us") == "kˈʌp"
