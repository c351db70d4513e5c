"""`glint run` as it is typed, with files for all sensors."""

import json
import os
import signal
import subprocess
import sys
import time
import wave

import numpy as np
import pytest
from said import RATE, room, said

from models.audio import Sound, read_sound, write_wav

pytestmark = pytest.mark.real_time


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


def test_other_glasses_than_there_are():
    done = glint("run", "--glasses", "monocle")
    assert done.returncode == 1
    assert "no glasses 'monocle'; choose from laptop, halo" in done.stderr


def test_a_log_that_cannot_be_written_is_said_before_models_are_loaded(talk_free, tmp_path):
    done = glint("run", *talk_free, "--log", tmp_path / "nowhere/turns.jsonl", timeout=30)
    assert done.returncode == 1
    assert "nowhere/turns.jsonl cannot be written" in done.stderr


@pytest.fixture
def talk_free(tmp_path, demo_photo):
    """Options for a recording in which nobody speaks."""
    write_wav(tmp_path / "room.wav", Sound(room(30), RATE))
    return ["--camera", demo_photo, "--mic", tmp_path / "room.wav", "--speaker", tmp_path / "a.wav", "--no-echo"]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
def test_a_full_disk_costs_the_log_and_not_the_turn(talk, demo_photo, tmp_path):
    done = glint(
        "run", "--camera", demo_photo, "--mic", talk, "--speaker", tmp_path / "a.wav", "--no-echo",
        "--log", "/dev/full",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "pineapple" in done.stdout.lower()
    assert done.stdout.count("/dev/full cannot be written") == 1
    assert "state  asleep" in done.stdout.split("/dev/full")[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("state", ["asleep", "listening", "thinking", "speaking"])
def test_ctrl_c_ends_it_in_every_state(state, talk, demo_photo, tmp_path):
    from terminal import Terminal

    # The camera is none of the files, so that the keyboard is the button.
    camera = "77" if state == "asleep" else demo_photo
    terminal = Terminal(
        "-m", "device", "run", "--camera", camera, "--mic", talk, "--speaker", tmp_path / "a.wav", "--no-echo",
    )  # fmt: skip
    try:
        terminal.until(lambda screen: state in screen.lines[-1], 120)
        if state == "asleep":
            terminal.until(lambda _: not terminal.echoes())
        assert not terminal.screen.cursor
        start = time.monotonic()
        for _ in range(5):  # an impatient wearer
            os.kill(terminal.process, signal.SIGINT)
            time.sleep(0.05)
        assert terminal.wait() == 0
        assert time.monotonic() - start < 2.5
        assert terminal.screen.cursor
        assert terminal.echoes()
        assert "Traceback" not in "".join(terminal.screen.lines)
        with wave.open(str(tmp_path / "a.wav")) as written:
            assert written.getframerate() == RATE
    finally:
        terminal.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a program without asking it")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_a_signal_while_models_are_loading(number, status, talk_free):
    command = [sys.executable, "-m", "device", "run", *map(str, talk_free)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(1.5)
        process.send_signal(number)
        assert process.wait(20) == status
        assert "Traceback" not in process.stderr.read()
