import sys
import time

import numpy as np
import pytest

from models.errors import GlintError
from models.system_voice import SystemVoice

pytest.importorskip("pyttsx3")


def test_speaks_in_small_chunks_and_keeps_standard_output_clean(capfd):
    voice = SystemVoice()
    chunks = list(voice.speak("There is a red mug on the table."))
    assert capfd.readouterr().out == ""
    assert 1 < sum(map(len, chunks)) / voice.rate < 5
    assert max(map(len, chunks)) <= 0.2 * voice.rate
    assert np.abs(np.concatenate(chunks)).max() > 0.1


def test_every_sentence_is_spoken_whole():
    voice = SystemVoice()
    lengths = {sum(map(len, voice.speak("There is a red mug on the table."))) for _ in range(10)}
    assert len(lengths) == 1


def test_cancelled_midway():
    speech = SystemVoice().speak("The first sentence is here. Another one follows it. " * 1_000)
    start = time.perf_counter()
    next(speech)
    speech.close()
    assert list(speech) == []
    assert time.perf_counter() - start < 30


def test_voice_that_does_not_answer_is_given_up():
    with pytest.raises(GlintError, match=r"no sound within 0\.01 s"):
        next(SystemVoice(timeout=0.01).speak("Hello."))


def test_voice_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(GlintError, match="The system voice failed"):
        next(SystemVoice().speak("Hello."))


@pytest.mark.parametrize("text", ["", "...", " "])
def test_nothing_to_say_yields_nothing(text):
    assert list(SystemVoice().speak(text)) == []
