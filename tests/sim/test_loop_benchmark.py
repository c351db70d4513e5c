"""What the benchmark of the live loop counts as the end of a question, and that it measures both loops."""

import json
import subprocess
import sys

import numpy as np
import pytest

from device.glasses import RATE
from models.espeak import Espeak
from sim.benchmark.loop import PATIENCE_S, PAUSE_BEFORE_S, spoken_questions


def level(samples):
    return float(np.sqrt(np.mean(np.square(samples))))


def test_the_last_voiced_sample_is_where_the_sound_drops():
    for spoken in spoken_questions(Espeak(), 4, None):
        end = int(spoken.ends_s * RATE)
        assert PAUSE_BEFORE_S + 0.5 < spoken.ends_s < len(spoken.samples) / RATE - PATIENCE_S + 0.001
        assert level(spoken.samples[end - RATE // 2 : end]) > 20 * level(spoken.samples[end + RATE // 50 : end + RATE])


def test_noise_lies_as_far_below_the_speech_as_asked():
    (quiet,) = spoken_questions(Espeak(), 1, None)
    (noisy,) = spoken_questions(Espeak(), 1, 10.0)
    start, end = int(PAUSE_BEFORE_S * RATE), int(quiet.ends_s * RATE)
    ratio = level(quiet.samples[start:end]) / level(noisy.samples[end + RATE :])
    assert 20 * np.log10(ratio) == pytest.approx(10, abs=1.5)


@pytest.mark.slow
def test_two_turns_of_both():
    command = [sys.executable, "-m", "device", "bench", "loop", "--turns", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["turns"] == 2
    assert report["answered_rate"] == 1
    assert 0 < report["first_audio_p50_s"] <= report["first_audio_p95_s"]
    assert report["first_audio_p50_s_peer"] > 0.8
    assert 0 < report["asleep_cpu_percent_of_core"] < 100
