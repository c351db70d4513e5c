"""What the service does on a device: settings, waiting before a start, and word to systemd from the real loop."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from device.cli.run import run
from device.watchdog import watched
from firmware_bridge.sideload.service import LONGEST_S, forget_others, wait_before_start
from firmware_bridge.sideload.settings import FILE, Settings, read_profile, read_settings
from models.errors import GlintError

ROOT = Path(__file__).parents[3]


def test_settings_are_read_back_as_they_were_written(tmp_path) -> None:
    settings = Settings(glasses="laptop", threads=3, push_to_talk=True, camera='a "quoted" name'.replace('"', "'"))
    (tmp_path / FILE).write_text(settings.as_toml())
    assert read_settings([tmp_path / FILE]) == settings
    assert read_settings([tmp_path / "none"]) == Settings()


def test_settings_of_the_device_count_before_those_of_the_archive(tmp_path) -> None:
    (tmp_path / "a.toml").write_text(read_profile("pi-5").settings.as_toml())
    (tmp_path / "b.toml").write_text('mic = "USB"\nthreads = 1\n')
    settings = read_settings([tmp_path / "a.toml", tmp_path / "b.toml"])
    assert settings.threads == 1
    words = settings.arguments()
    assert words[:2] == ["--offline", "--json"]
    assert words[words.index("--mic") + 1] == "USB"
    assert "--camera" not in words
    assert "--push-to-talk" not in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('microfone = "USB"', "no setting 'microfone'"),
        ("threads = true", "threads must be a whole number"),
        ('push_to_talk = "yes"', "push_to_talk must be true or false"),
        ('patience = "long"', "patience must be a number"),
        ("threads =", "cannot be read"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_file_and_key(tmp_path, text, words) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(GlintError, match=words) as refused:
        read_settings([tmp_path / FILE])
    assert str(tmp_path / FILE) in str(refused.value)


def test_a_slow_device_is_given_patience(tmp_path) -> None:
    words = read_profile("pi-zero-2-w").settings.arguments()
    assert float(words[words.index("--patience") + 1]) > 1
    (tmp_path / FILE).write_text("patience = 3\n")
    assert read_settings([tmp_path / FILE]).patience == 3


def test_every_setting_is_an_option_of_glint_run() -> None:
    options = {option for parameter in run.params for option in parameter.opts}
    everything = Settings(camera="0", mic="0", speaker="0", push_to_talk=True, no_smart_turn=True, no_echo=True)
    assert {word for word in everything.arguments() if word.startswith("--")} <= options


def test_an_unknown_profile_is_refused_with_the_nearest() -> None:
    with pytest.raises(GlintError, match=r"did you mean pi-5\?"):
        read_profile("pi5")


def test_who_keeps_failing_waits_longer_and_who_was_well_does_not(tmp_path) -> None:
    state, slept, now = tmp_path / "starts", [], 1e9
    for _ in range(10):
        slept.append(wait_before_start(state, now, lambda _: None))
        now += slept[-1] + 5
    assert slept[0] == 0
    assert slept[1:5] == [1, 2, 4, 8]
    assert slept[-1] == LONGEST_S
    assert wait_before_start(state, now + 3600, lambda _: None) == 0
    assert wait_before_start(state, now - 3600, lambda _: None) == 0  # a clock that was set
    state.write_text("nonsense")
    assert wait_before_start(state, now, lambda _: None) == 0


def test_bytecode_of_versions_that_are_gone_goes_too(tmp_path) -> None:
    version = tmp_path / "opt/versions/2"
    kept = tmp_path / "cache/bytecode" / version.parent.relative_to("/")
    for name in ("1", "2"):
        (kept / name).mkdir(parents=True)
    forget_others(tmp_path / "cache", version)
    assert [folder.name for folder in kept.iterdir()] == ["2"]
    forget_others(tmp_path / "nowhere", version)


class Deaf:
    """Glasses of which only the microphone is looked at."""

    class microphone:
        @staticmethod
        def read(timeout_s):
            return np.zeros(512, np.float32)

        @staticmethod
        def late_s():
            return 0.25


def test_glasses_are_left_alone_where_systemd_does_not_wait(monkeypatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    glasses = Deaf()
    assert watched(glasses).microphone is Deaf.microphone  # type: ignore[arg-type, type-var]


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_of_every_quarter_of_its_patience(tmp_path, monkeypatch, abstract) -> None:
    address = f"@glint-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + address[1:] if abstract else address)
        systemd.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "4000000")
        clock = [100.0]
        monkeypatch.setattr("device.watchdog.time.monotonic", lambda: clock[0])
        glasses = watched(Deaf())  # type: ignore[type-var]
        assert "NOTIFY_SOCKET" not in os.environ
        assert glasses.microphone.late_s() == 0.25
        for step in (0.0, 0.5, 0.6, 0.1, 0.9):
            clock[0] += step
            glasses.microphone.read(0.5)
        assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"WATCHDOG=1"
        systemd.settimeout(0.05)
        assert systemd.recv(100) == b"WATCHDOG=1"
        with pytest.raises(TimeoutError):
            systemd.recv(100)


@pytest.mark.slow
def test_the_real_loop_tells_systemd_that_it_is_ready_and_alive(tmp_path) -> None:
    """`glint run` through the service, on files: READY=1 comes once all is loaded, WATCHDOG=1 while it answers."""
    (tmp_path / FILE).write_text(
        Settings(
            camera=str(ROOT / "sim/demo/photo.jpg"),
            mic=str(ROOT / "sim/demo/question.wav"),
            speaker=str(tmp_path / "answer.wav"),
        ).as_toml()
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(1)
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        environment |= {"RUNTIME_DIRECTORY": str(tmp_path)}
        command = [sys.executable, "-m", "firmware_bridge.sideload.service", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"WATCHDOG=1"
    assert (tmp_path / "starts").is_file()
