"""The live loop with all real engines: a recording plays the microphone in real time, a photo the camera."""

from collections.abc import Iterator

import numpy as np
import pytest
from said import said

from device.assistant import load_model
from device.files import FileCamera, FileMicrophone, FileSpeaker, NoButton, Pacing
from device.glasses import RATE, Unplugged
from device.habits import Habits
from device.hearing.ears import Ears
from device.hearing.recognizer import open_recognizer
from device.live import Live
from device.thinking.mind import Mind
from models import fetch
from models.audio import Sound, read_sound, write_wav
from models.piper import Piper
from models.smart_turn import SmartTurn
from models.wake_word import WakeWord

pytestmark = [pytest.mark.slow, pytest.mark.real_time]


@pytest.fixture(scope="module")
def voice():
    return Piper(fetch.ensure("piper-joe-medium"))


@pytest.fixture(scope="module")
def mind(voice) -> Iterator[Mind]:
    mind = Mind(open_recognizer(), load_model(), voice)
    yield mind
    mind.close()


class Broken:
    """A camera that is gone."""

    def latest(self):
        raise Unplugged("The camera is gone; plug it in again.")


class Scene:
    """Plays a script to a live loop: texts are spoken, numbers are seconds of near silence."""

    def __init__(self, mind, voice, photo, folder):
        self.mind, self.voice, self.photo, self.folder = mind, voice, photo, folder
        self.events: list[tuple[str, str]] = []
        self.turns: list = []

    def sound(self, *script) -> np.ndarray:
        noise = np.random.default_rng(0)
        parts = []
        for item in script:
            if isinstance(item, str):
                parts.append(said(item))
            else:
                parts.append(noise.normal(0, 3e-4, int(item * RATE)).astype(np.float32))
        return np.concatenate(parts)

    def play(self, *script, camera=None, habits=None, wrap=lambda microphone: microphone):
        write_wav(self.folder / "heard.wav", Sound(self.sound(0.5, *script), RATE))
        recording = FileMicrophone(self.folder / "heard.wav")
        speaker = FileSpeaker(self.folder / "said.wav")
        self.microphone = wrap(Pacing(recording, speaker))
        self.camera = camera or FileCamera(self.photo, clock=recording.heard_s)
        self.speaker, self.button = speaker, NoButton()
        ears = Ears(WakeWord(), None, SmartTurn(fetch.ensure("smart-turn-v3"), 2).finished)
        live = Live(
            self, self.mind, ears, habits or Habits(), lambda *event: self.events.append(event), self.turns.append
        )
        live.run()
        speaker.close()
        return self.turns

    def states(self) -> list[str]:
        return [text for kind, text in self.events if kind == "state"]

    def said(self) -> np.ndarray:
        return read_sound(self.folder / "said.wav").samples


@pytest.fixture
def scene(mind, voice, demo_photo, tmp_path):
    yield Scene(mind, voice, demo_photo, tmp_path)
    mind.volume = voice.pace = 1.0


def test_a_wake_word_and_a_question_get_a_spoken_answer_and_a_follow_up_needs_no_second_one(scene):
    first, second = scene.play("Hey Jarvis.", 0.5, "What is this?", 3.0, "And what colour is it?", 9.0)
    assert "what is this" in first.transcript.lower()
    assert "pineapple" in first.answer.lower()
    assert second.transcript.lower().startswith("and what colo")
    assert second.answer
    assert 250 <= first.timings_ms["endpoint"] <= 2600  # of audio, not of the clock: the shortest pause to the longest
    assert first.timings_ms["first_audio"] > 0
    assert first.picture.startswith("frame at ")
    assert scene.states()[-1] == "asleep"
    assert np.abs(scene.said()).max() > 0.05


def test_the_name_and_the_question_in_one_breath(scene):
    (turn,) = scene.play("Hey Glint, what is this?", 9.0)
    assert "what is this" in turn.transcript.lower()
    assert "glint" not in turn.transcript.lower()
    assert turn.answer


def test_talk_that_is_not_for_it_is_left_alone(scene):
    assert scene.play("It was the best of times, it was the worst of times.", 2.0, "What is this?", 2.0) == []
    assert scene.states() == []


def test_a_voice_without_words_is_asked_to_say_it_again(scene):
    (turn,) = scene.play("Hey Jarvis.", 1.5, "Mmmmmmmmmm.", 12.0)
    assert turn.answer == "I did not catch that. Could you say it again?"
    assert scene.states()[-1] == "asleep"


def test_no_question_after_waking_and_it_goes_back_to_sleep(scene):
    assert scene.play("Hey Jarvis.", 8.0, habits=Habits(patience_s=3.0)) == []
    assert scene.states()[-1] == "asleep"


def test_a_pause_in_the_middle_does_not_cut_the_question(scene):
    (turn,) = scene.play("Hey Jarvis.", 0.5, "What colour is,", 0.25, "the fruit in the middle?", 9.0)
    assert "colo" in turn.transcript.lower()
    assert "middle" in turn.transcript.lower()


def test_stop_silences_a_long_answer(scene):
    scene.voice.pace = 4.0
    (turn,) = scene.play("Hey Jarvis.", 0.5, "What is this?", 2.2, "Stop.", 6.0)
    assert ("note", "interrupted") in scene.events
    assert ("command", "stop") in scene.events
    assert scene.states()[-1] == "asleep"
    assert turn.transcript
    assert np.abs(scene.said()[-2 * 22050 :]).max() < 0.02


def test_louder_says_it_again(scene):
    scene.play("Hey Jarvis.", 0.5, "What is this?", 3.0, "Louder please.", 9.0)
    assert scene.mind.volume > 1.5
    assert [turn.answer for turn in scene.turns][-1] == scene.turns[0].answer


def test_without_a_camera_it_says_so(scene):
    (turn,) = scene.play("Hey Jarvis.", 0.5, "What is this?", 9.0, camera=Broken())
    assert "camera" in turn.answer
    assert any(kind == "note" and "plug it in" in text for kind, text in scene.events)


def test_a_part_that_raises_costs_one_turn(scene, monkeypatch):
    ask = scene.mind.model.ask

    def failing(*args, **kwargs):
        if not any("out of luck" in text for _, text in scene.events):  # a guess that is thrown away is no turn
            raise RuntimeError("out of luck")
        return ask(*args, **kwargs)

    monkeypatch.setattr(scene.mind.model, "ask", failing)
    (turn,) = scene.play("Hey Jarvis.", 0.5, "What is this?", 3.0, "Hey Jarvis.", 0.5, "What is this?", 9.0)
    assert any("out of luck" in text for _, text in scene.events)
    assert "pineapple" in turn.answer.lower()


def test_a_microphone_that_comes_back_is_heard(scene):
    class Loose:
        def __init__(self, microphone):
            self._microphone, self._calls = microphone, 0

        def read(self, timeout_s):
            self._calls += 1
            if 5 <= self._calls < 10:
                raise Unplugged("The microphone is gone; plug it in again.")
            return self._microphone.read(timeout_s)

    (turn,) = scene.play(0.5, "Hey Jarvis.", 0.5, "What is this?", 9.0, wrap=Loose)
    assert turn.answer
    assert [event for event in scene.events if "microphone" in event[1]] == [
        ("note", "The microphone is gone; plug it in again.")
    ]


def test_a_timer_is_set_by_voice_and_rings(scene):
    asked, rung = scene.play("Hey Jarvis.", 0.5, "Set a timer for four seconds.", 16.0)
    assert asked.answer == "Timer set for 4 seconds."
    assert asked.card.parts[0].seconds == 4
    assert rung.answer == "The timer for 4 seconds is over."


def test_a_timer_rings_although_it_sleeps(scene):
    scene.mind.timers.reply("Set a timer for one second.").do()
    (rung,) = scene.play(4.0)
    assert rung.answer == "The timer for 1 second is over."
    assert scene.states() == ["thinking", "speaking", "listening", "asleep"]
    assert np.abs(scene.said()).max() > 0.05
