"""`glint sim --scenario` and `--list`, as they are called."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from sim.scenario.read import FOLDER, that_come_along

pytestmark = pytest.mark.real_time

COMMAND = [sys.executable, "-m", "device", "sim"]


def run(*options, timeout=240):
    return subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=timeout)


def test_the_list_names_those_that_come_along():
    done = run("--list")
    assert done.returncode == 0
    names = [file.stem for file in that_come_along()]
    assert [line.split()[0] for line in done.stdout.splitlines()] == names
    assert "What is this?" in done.stdout
    rows = json.loads(run("--list", "--json").stdout)["scenarios"]
    assert [row["name"] for row in rows] == names
    assert all(row["title"] and row["about"] for row in rows)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('title = "x"\n[[step]]\nexpct = { turns = 1 }\n', "my.toml, line 3, expct: there is no such key"),
        ('title = "x"\n[[step]]\nsee = "gone.jpg"\n', "my.toml, line 3, see: there is no picture at"),
        ('title = "x"\n[[step]]\nat = -3\nwait = 1\n', "my.toml, line 3, at: -3 is impossible"),
    ],
)
def test_a_mistake_is_told_at_once_and_nothing_is_played(tmp_path, text, told):
    (tmp_path / "my.toml").write_text(text)
    done = run("--scenario", "ordinary-describe", "--scenario", str(tmp_path / "my.toml"), "--json", timeout=30)
    assert done.returncode == 1
    assert told in json.loads(done.stdout)["error"]
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_scenario_that_there_is_not():
    done = run("--scenario", "ordinary-descrbe")
    assert done.returncode == 1
    assert "did you mean ordinary-describe?" in done.stderr


@pytest.mark.slow
def test_the_exit_status_says_whether_all_held(tmp_path):
    text = (FOLDER / "ordinary-describe.toml").read_text().replace("pictures/", f"{FOLDER}/pictures/")
    failing = tmp_path / "my.toml"
    failing.write_text(text.replace('answer_contains = "banana"', 'answer_contains = "submarine"'))
    done = run("--scenario", "ordinary-describe", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["passed"], report["failed"], report["failures"]) == (1, 0, [])
    (turn,) = report["turns"]
    assert "banana" in turn["answer"].lower()
    assert turn["timings_ms"]["first_audio"] > 0
    done = run("--scenario", "ordinary-describe", "--scenario", str(failing))
    assert done.returncode == 1
    assert "1 passed, 1 failed" in done.stdout
    assert f"{failing}, line " in done.stdout
    assert "expected the answer to contain 'submarine'" in done.stdout


@pytest.mark.slow
def test_ctrl_c_ends_it_and_what_was_played_is_told():
    process = subprocess.Popen(
        [*COMMAND, "--scenario", "hard-second-thoughts", "--scenario", "ordinary-describe", "--realtime"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert "passed" in process.stdout.readline()
        time.sleep(1.0)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    finally:
        process.kill()
    assert time.monotonic() - began < 15
    assert process.returncode == 1
    assert "Traceback" not in told


@pytest.mark.slow
def test_a_scenario_on_another_device():
    """The radio of Halo makes the picture late and is counted; nothing else of the scenario changes."""
    done = run("--scenario", "ordinary-describe", "--profile", "halo-host", "--json", "--offline")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["passed"] == 1
    profile = report["profile"]
    assert profile["name"] == "halo-host"
    assert profile["modelled"]["radio_bytes_up"] > 10_000
    assert 0 < profile["modelled"]["battery"] <= 1
    assert profile["measured"]["pictures"] >= 1
    assert any("battery and heat mean little" in note for note in profile["notes"])


def test_a_profile_that_there_is_not():
    done = run("--profile", "halo-hst", "--scenario", "ordinary-describe", timeout=60)
    assert done.returncode == 1
    assert "did you mean halo-host?" in done.stderr
    assert "Traceback" not in done.stderr
