"""The whole assistant, with all real engines, on the C peer: a question in its microphone, an answer in its speaker."""

import threading

import numpy as np
import pytest
from said import room, said
from stream_peer import wait_until

from device.assistant import load_model
from device.face import Face
from device.hearing.ears import Ears
from device.hearing.recognizer import open_recognizer
from device.live import Live
from device.speaking.earcons import RATE as EARCON_RATE
from device.speaking.earcons import earcon
from device.thinking.mind import Mind
from models import fetch
from models.audio import Sound, read_sound, write_wav
from models.evaluation.word_error_rate import spoken_words
from models.piper import Piper
from models.smart_turn import SmartTurn
from models.wake_word import WakeWord

pytestmark = [pytest.mark.slow, pytest.mark.real_time]


@pytest.fixture(scope="module")
def mind():
    mind = Mind(open_recognizer(), load_model(), Piper(fetch.ensure("piper-joe-medium")))
    yield mind
    mind.close()


def content(text):
    return {word for word in spoken_words(text).split() if len(word) > 3}


@pytest.mark.parametrize(("line", "options"), [(("--tcp", "0"), ""), (("--pty",), "?baud=115200")], ids=["tcp", "slow"])
def test_a_question_into_the_peer_and_the_answer_out_of_it(mind, line, options, peers, wear, demo_photo, tmp_path):
    question = np.concatenate([room(1), said("Hey Jarvis."), room(0.5), said("What is this?"), room(1)])
    write_wav(tmp_path / "heard.wav", Sound(question, 16_000))
    peer = peers(
        *line, "--microphone", tmp_path / "heard.wav", "--photo", demo_photo, "--speaker", tmp_path / "said.wav",
        "--display", tmp_path / "shown.ppm",
    )  # fmt: skip
    glasses, turns, events = wear(peer.address + options), [], []
    face = Face(glasses.display, glasses.led)

    def event(kind, text):
        events.append((kind, text))
        face.event(kind, text)

    def turn_over(turn):
        turns.append(turn)
        face.turn(turn)

    ears = Ears(WakeWord(), None, SmartTurn(fetch.ensure("smart-turn-v3"), 2).finished)
    live = Live(glasses, mind, ears, on_event=event, on_turn=turn_over, gauge=glasses.gauge)
    running = threading.Thread(target=live.run)
    running.start()
    try:
        wait_until(lambda: turns, 60)
        wait_until(lambda: glasses.speaker.pending_s() == 0)
    finally:
        live.close()
        running.join(10)
    (turn,) = turns
    assert "what is this" in turn.transcript.lower()
    assert "pineapple" in turn.answer.lower()
    assert {"light green", "light yellow", "light blue", "microphone on"} <= set(peer.said)
    assert any(text.startswith("display") for text in peer.said)
    spoken = read_sound(tmp_path / "said.wav").samples
    answer = spoken[len(earcon("awake")) * 16_000 // EARCON_RATE :]  # before it says anything, it rings
    heard = open_recognizer().transcribe(Sound(np.concatenate([room(0.5), answer, room(0.5)]), 16_000)).text
    # The recognizer takes an article for another, in Piper's own sound too.
    assert "pineapple" in content(turn.answer) <= content(heard), (turn.answer, heard)
    assert [text for kind, text in events if kind == "note"] == []
