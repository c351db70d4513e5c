"""`glint run` as it is typed, with files for all sensors."""

import json
import subprocess
import sys

import numpy as np
import pytest

from models import fetch
from models.audio import Sound, read_sound, write_wav
from models.piper import Piper


def glint(*arguments, timeout=180):
    command = [sys.executable, "-m", "device", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


@pytest.fixture
def talk(tmp_path):
    """A recording in which the assistant is called and asked."""
    voice = Piper(fetch.ensure("piper-joe-medium"))
    parts = [np.zeros(voice.rate // 2, np.float32)]
    for text, silence in (("Hey Jarvis.", 0.5), ("What is this?", 9)):
        parts += [*voice.speak(text), np.zeros(int(silence * voice.rate), np.float32)]
    write_wav(tmp_path / "talk.wav", Sound(np.concatenate(parts), voice.rate))
    return tmp_path / "talk.wav"


@pytest.mark.slow
def test_every_turn_is_one_json_line_and_is_kept_in_the_log(talk, demo_photo, tmp_path):
    done = glint(
        "run", "--camera", demo_photo, "--mic", talk, "--speaker", tmp_path / "a.wav", "--no-echo", "--json",
        "--log", tmp_path / "turns.jsonl",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (turn,) = map(json.loads, done.stdout.splitlines())
    assert "what is this" in turn["transcript"].lower()
    assert "pineapple" in turn["answer"].lower()
    assert turn["timings_ms"]["first_audio"] > 0
    assert json.loads((tmp_path / "turns.jsonl").read_text()) == turn
    assert np.abs(read_sound(tmp_path / "a.wav").samples).max() > 0.05


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--camera", "nowhere.jpg"), "nowhere.jpg"),
        (("--mic", "nowhere.wav"), "nowhere.wav"),
        (("--wake-words", "hey_siri"), "hey_siri"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(arguments, said):
    done = glint("run", "--no-echo", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
