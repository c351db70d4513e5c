"""`glint run` as it is typed, with files for all sensors."""

import json
import subprocess
import sys

import numpy as np
import pytest
from said import RATE, room, said

from models.audio import Sound, read_sound, write_wav


def glint(*arguments, timeout=180):
    command = [sys.executable, "-m", "device", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


@pytest.fixture
def talk(tmp_path):
    """A recording in which the assistant is called and asked."""
    parts = [room(0.5), said("Hey Jarvis."), room(0.5), said("What is this?"), room(9)]
    write_wav(tmp_path / "talk.wav", Sound(np.concatenate(parts), RATE))
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
