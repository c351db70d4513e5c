import numpy as np
import pytest
from said import RATE, room, said

from models.audio import read_sound
from models.errors import GlintError
from models.espeak import Espeak
from models.fetch import ensure
from models.wake_word import NAMES, WakeWord

CHUNK = 512


@pytest.fixture(scope="module")
def everything() -> WakeWord:
    """Listens for all names there are."""
    return WakeWord(NAMES)


def heard(detector: WakeWord, samples: np.ndarray, chunk: int = CHUNK) -> list[str]:
    found = [detector.heard(samples[start : start + chunk]) for start in range(0, len(samples), chunk)]
    return [name for name in found if name]


def in_a_room(*texts: str, pause: float = 2.0) -> np.ndarray:
    """The texts, each followed by a pause in seconds."""
    quiet = room(pause)
    samples = np.concatenate([quiet, *(part for text in texts for part in (said(text), quiet))])
    return samples + room(len(samples) / RATE)[: len(samples)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hey_jarvis", "Hey Jarvis, what is this?"),
        ("okay_nabu", "Okay Nabu, what is this?"),
        ("hey_mycroft", "Hey Mycroft, what is this?"),
        ("alexa", "Alexa, what is this?"),
    ],
)
def test_each_name_wakes_once(everything, name, text):
    everything.reset()
    assert heard(everything, in_a_room(text)) == [name]


def test_it_wakes_before_the_question_is_over():
    detector = WakeWord()
    speech = in_a_room("Hey Jarvis, could you read what is written on the sign over there?")
    assert heard(detector, speech[: len(speech) - 3 * RATE]) == ["hey_jarvis"]


def test_other_sentences_do_not_wake(everything):
    sentences = ("What is the name of this street?", "Hey there, is that chair free?", "Her name is Travis.")
    everything.reset()
    assert heard(everything, in_a_room(*sentences)) == []
    voice = Espeak()
    samples = np.concatenate([chunk for text in sentences for chunk in voice.speak(text)]) / np.float32(32_768)
    assert heard(everything, samples) == []


def test_a_reading_does_not_wake(everything):
    everything.reset()
    assert (
        heard(everything, read_sound(ensure("moonshine-recordings") / "two_cities.wav").resampled(RATE).samples) == []
    )


@pytest.mark.parametrize("kind", ["silence", "faint noise", "loud noise", "tone", "too loud", "nothing"])
def test_what_is_not_speech_does_not_wake(everything, kind):
    time = np.arange(20 * RATE) / RATE
    samples = {
        "silence": np.zeros_like(time),
        "faint noise": room(20, 1e-3),
        "loud noise": room(20, 0.3),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * time),
        "too loud": room(20, 5.0),
        "nothing": time[:0],
    }[kind]
    everything.reset()
    assert heard(everything, samples.astype(np.float32)) == []
    assert everything.heard(samples[:CHUNK].astype(np.float32)) is None


@pytest.mark.parametrize("chunk", [1, 160, 999, 10**6])
def test_the_length_of_the_chunks_does_not_matter(chunk):
    assert heard(WakeWord(["okay_nabu"]), in_a_room("Okay Nabu, what is this?"), chunk) == ["okay_nabu"]


def test_a_word_said_again_wakes_again_unless_it_comes_too_soon():
    speech = in_a_room("Hey Jarvis.", "Hey Jarvis.")
    assert heard(WakeWord(), speech) == ["hey_jarvis", "hey_jarvis"]
    assert heard(WakeWord(refractory=10), speech) == ["hey_jarvis"]


def test_only_what_was_asked_for_wakes():
    assert heard(WakeWord(["alexa"]), in_a_room("Hey Jarvis, what is this?")) == []


def test_reset_forgets_half_a_word_and_that_one_was_heard():
    speech = in_a_room("Hey Jarvis, what is this?")
    chunks = [speech[start : start + CHUNK] for start in range(0, len(speech), CHUNK)]
    detector = WakeWord(refractory=60)
    last = next(index for index, chunk in enumerate(chunks) if detector.heard(chunk))
    detector.reset()
    assert heard(detector, np.concatenate(chunks[: last + 1])) == ["hey_jarvis"]
    detector.reset()
    assert heard(detector, np.concatenate(chunks[: last - 1])) == []
    detector.reset()
    assert heard(detector, np.concatenate(chunks[last - 1 :])) == []


def test_an_unknown_name_is_answered_with_the_choices():
    with pytest.raises(GlintError, match=r"no wake word 'hey_glint'; choose from okay_nabu, hey_jarvis, hey_mycroft"):
        WakeWord(["hey_jarvis", "hey_glint"])
