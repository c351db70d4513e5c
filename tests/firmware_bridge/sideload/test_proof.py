"""The emulated ARM machine, and the proof that an archive answers on it as it does here."""

import os
import subprocess
import sys
from copy import deepcopy

import pytest
from click.testing import CliRunner

from firmware_bridge.sideload import proof
from firmware_bridge.sideload.arm_root import INSTALL_APT, INSTALL_QEMU, PROCESSORS, make_root
from firmware_bridge.sideload.likeness import Answers, differences
from firmware_bridge.sideload.proof import ASKED, TURN
from models.errors import GlintError

SAID = {
    "transcript": "What is this?",
    "answer": "A pineapple.",
    "answered_by": "model",
    "evidence": [{"source": "imagenet", "finding": "pineapple", "confidence": 0.61}],
    "steps": [{"act": "looked", "chance": None}, {"act": "asked", "chance": 0.95}],
}


@pytest.fixture
def here():
    return Answers("x86_64", "1.32.0", {ASKED: deepcopy(SAID), TURN: deepcopy(SAID)})


@pytest.fixture
def there(here):
    return deepcopy(here)


def test_equal_answers_have_no_differences(here, there):
    there.turns[ASKED]["evidence"][0]["confidence"] += 1e-4  # sums in another order
    there.turns[TURN]["transcript"] = "what is this?"
    assert differences(here, there) == []


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("transcript", "What is that?", "heard 'What is this?' and 'What is that?' (the recogniser)"),
        ("answer", "An apple.", "answered 'A pineapple.' and 'An apple.' (the decoder"),
        ("answered_by", "colour", "another way to the answer: model and colour"),
        ("evidence", [], "pineapple 0.610 and 0.000"),
        ("steps", [{"act": "asked", "chance": 0.9}], "0.950 and 0.900 likely (the decoder's arithmetic)"),
    ],
)
@pytest.mark.parametrize("what", [ASKED, TURN])
def test_the_part_that_differs_is_named(here, there, what, key, value, told):
    there.turns[what][key] = value
    (line,) = differences(here, there)
    assert line.startswith(what.capitalize())
    assert told in line


def test_another_onnxruntime_is_no_fair_comparison(here, there):
    there.onnxruntime = "1.27.0"
    assert "1.32.0" in differences(here, there)[0]


def test_the_command_fails_where_the_answers_differ(here, there, monkeypatch):
    there.turns[TURN]["answer"] = "An apple."
    monkeypatch.setattr(proof, "prove", lambda *_: (here, there))
    done = CliRunner().invoke(proof.main, [])
    assert done.exit_code == 1
    assert "An apple." in done.output


def test_without_qemu_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GlintError, match="sudo apt-get install qemu-user-static"):
        make_root()
    done = CliRunner().invoke(proof.main, [])
    assert done.exit_code == 1
    assert INSTALL_QEMU in done.output


def test_without_apt_it_is_said_what_is_missing(tmp_path, monkeypatch):
    emulator = tmp_path / "qemu-aarch64-static"
    emulator.write_text("#!/bin/sh\n")
    emulator.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GLINT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(GlintError) as raised:
        make_root()
    assert str(raised.value) == INSTALL_APT
    assert not list((tmp_path / "cache/sideload").glob("root-*/"))


@pytest.mark.slow
def test_a_root_runs_python_and_what_python_starts_and_is_made_anew_when_touched(tmp_path, monkeypatch):
    monkeypatch.setenv("GLINT_CACHE", str(tmp_path / "cache"))
    architectures = subprocess.run(["dpkg", "--print-foreign-architectures"], capture_output=True).stdout
    root = make_root(PROCESSORS["cortex-a53"])
    child = "import platform, sys; print(platform.machine(), sys.prefix)"
    script = f"import subprocess, sys; {child}; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    environment = tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text(f"home = {root.python.parent}\n")
    (environment / "bin/python").symlink_to(root.python)
    for python, prefix in ((root.python, root.folder / "usr"), (environment / "bin/python", environment)):
        done = subprocess.run([python, "-uc", script], capture_output=True, text=True, timeout=60)
        assert done.stdout.splitlines() == [f"aarch64 {prefix}"] * 2, done.stderr
    read = "print(open('/proc/cpuinfo').read())"
    shown = subprocess.run([root.python, "-c", read], capture_output=True, text=True, timeout=60).stdout
    assert shown.count("CPU part\t: 0xd03") == os.cpu_count()
    assert make_root(PROCESSORS["cortex-a53"]) == root

    library = root.folder / "lib/aarch64-linux-gnu/libc.so.6"
    whole = library.read_bytes()
    library.write_bytes(b"\0" * len(whole))
    assert make_root(PROCESSORS["cortex-a53"]) == root
    assert library.read_bytes() == whole
    assert subprocess.run(["dpkg", "--print-foreign-architectures"], capture_output=True).stdout == architectures


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_an_emulated_arm_machine_hears_and_answers_what_this_one_does():
    done = subprocess.run(
        [sys.executable, "-m", "firmware_bridge.sideload.proof"], capture_output=True, text=True, timeout=2300
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "pineapple" in done.stdout.lower()
    assert "The same words were heard and the same answers given on both." in done.stdout
