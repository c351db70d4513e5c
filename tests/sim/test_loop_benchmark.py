"""The benchmark of the live loop, its parts with all real models, and little of each (memory: test_benchmark_all)."""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.real_time]


def bench(*options, timeout=400):
    command = [sys.executable, "-m", "device", "bench", "loop", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_turns_beside_the_plain_pipeline():
    report = bench("--parts", "turns,noise,echo,fixed-pause,asleep", "--turns", "2", "--turns-apart", "1")
    assert report["turns"] == 2
    assert report["answered_rate"] == 1
    assert 0 < report["first_audio_p50_s"] <= report["first_audio_p95_s"]
    assert report["first_audio_p50_s_peer"] > 0.8
    assert report["turns_noise"] == report["turns_echo"] == report["turns_fixed_pause"] == 1
    assert report["endpoint_ms_fixed_pause"] == pytest.approx(800, abs=40)
    assert 0 < report["asleep_cpu_percent_of_core"] < 100


def test_wakes_and_interruptions():
    amounts = {"--wakes": "6", "--talk-minutes": "1", "--interruptions": "3", "--undisturbed": "2"}
    report = bench("--parts", "wake,barge-in", *(word for pair in amounts.items() for word in pair))
    assert report["wake_calls"] == 6
    assert report["wake_recall"] >= 0.8
    assert report["wake_false_hours"] == pytest.approx(1 / 60, rel=0.5)
    assert report["barge_in_turns"] == 3
    assert report["barge_in_recall"] > 0.6
    assert 0 < report["barge_in_silence_p50_s"] < 2
    assert report["barge_in_undisturbed"] == 2
    assert report["barge_in_false_rate"] == 0


def test_a_short_soak():
    report = bench("--parts", "soak", "--soak-turns", "12")
    assert report["soak_turns"] >= 12
    assert report["soak_threads_growth"] <= 2
    assert report["soak_files_growth"] <= 2
    assert report["soak_queue_growth"] < 5
    assert abs(report["soak_rss_growth_mb"]) < 60  # after so few turns it is between two single readings


def test_a_part_that_there_is_not():
    command = [sys.executable, "-m", "device", "bench", "loop", "--parts", "lunch"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "There is no part 'lunch'" in done.stderr
    assert "Traceback" not in done.stderr
