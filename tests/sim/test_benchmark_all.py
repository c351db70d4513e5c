"""`glint bench all`, for real and short: every bench in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from device.cli.bench_all import _parsed
from sim.benchmark.registry import BENCHES, bench_named, benches

pytestmark = [pytest.mark.slow, pytest.mark.real_time]
RUN = [each.name for each in benches() if not each.needs]
WITHOUT_MODELS = "radio"
COMMAND = (sys.executable, "-m", "device", "bench", "all", "--json")


def test_a_short_run_of_everything_is_one_report(tmp_path):
    old = tmp_path / "old.json"
    old.write_text(json.dumps({"turns": 4, "first_audio_p50_s": 60.0, "peak_rss_mb": 9e9}))
    command = [*COMMAND, "--quick", "--no-peer", "--report", str(tmp_path), "--compare", str(old)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found["figures"]) == RUN
    assert "glint bench thinking is left out: it needs questions" in done.stderr
    for name, figures in found["figures"].items():
        bench = bench_named(name)
        assert [figure for figure in figures if bench.find(figure) is None] == []
        assert len(found["memory"][name]["mb"]) >= 2
        assert f"glint bench {name} (" in done.stderr
    loop = found["figures"]["loop"]
    assert loop["answered_rate"] == 1
    assert loop["memory_turns"] == 5  # two that read come before
    assert 100 < loop["peak_rss_mb"] < 1000
    assert found["figures"]["model"]["peak_rss_mb"] < loop["peak_rss_mb"]
    speech = found["figures"]["speech"]
    assert (speech["recordings"], speech["sentences"]) == (1, 20)
    assert speech["recogniser_wer"] < 0.06
    assert speech["voice_wer"] < 0.12
    vision = found["figures"]["vision"]
    assert [name for _, name in found["memory"]["vision"]["phases"]] == ["loading", "times", "memory"]
    lacking = {figure.name for figure in bench_named("vision").figures} - {*vision}
    assert lacking <= {"object_head_added_ms"}  # a bundle without a head
    assert all(value >= 0 for name, value in vision.items() if name.endswith("_mb"))
    assert vision["read_page_ms"] > vision["charts_text_read_ms"] > 0
    assert vision["text_loaded_mb"] > 5
    assert vision["text_peak_mb"] >= vision["text_loaded_mb"]
    assert vision["colour_loaded_mb"] < 5
    assert found["compared"]["figures"]["loop"]["first_audio_p50_s"]["verdict"] == "better"
    assert "do not say of which machine" in done.stderr
    page = (tmp_path / "index.html").read_text()
    for figures in found["figures"].values():
        assert all(f">{name}<" in page for name in figures)
    assert json.loads((tmp_path / "figures.json").read_text())["figures"] == found["figures"]


def test_ctrl_c_ends_the_bench_at_work_and_prints_what_there_is():
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        time.sleep(12)
        os.kill(process.pid, signal.SIGINT)
        said, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in error
    found = json.loads(said)
    assert found["figures"]["model"]["threads"] == 2
    assert set(found["figures"]) < set(BENCHES)
    assert "failed" not in found


def test_a_bench_that_fails_is_named_and_the_others_run(tmp_path):
    nowhere = {**os.environ, "GLINT_CACHE": str(tmp_path), "GLINT_OFFLINE": "1"}
    done = subprocess.run([*COMMAND, "--quick"], capture_output=True, text=True, timeout=120, env=nowhere)
    assert done.returncode == 1
    failed = json.loads(done.stdout)["failed"]
    assert list(failed) == [name for name in RUN if name != WITHOUT_MODELS]
    assert all("not installed" in sentence for sentence in failed.values())
    assert "Traceback" not in done.stderr


def test_what_a_bench_says_at_the_end_is_understood():
    assert _parsed("model", '{"error": "No."}\n') == ({}, None, "No.")
    assert _parsed("model", '{"load_ms": 1.5, "machine": {}, "versions": {}}') == ({"load_ms": 1.5}, None, "")
    figures, memory, failure = _parsed("model", "")
    assert (figures, memory) == ({}, None)
    assert "broke off" in failure
