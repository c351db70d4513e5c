"""The real archive, for this machine's own processor: built, installed by its installer, asked and verified."""

import json
import os
import platform
import subprocess
import sys

import pytest
from click.testing import CliRunner
from small_archives import run_installer

from device.cli.sideload import sideload
from firmware_bridge.sideload.lock import PYTHON, TARGETS
from firmware_bridge.sideload.on_device.layout import Layout

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or platform.machine() not in TARGETS or not sys.version.startswith(f"{PYTHON}."),
        reason=f"archives are for Linux and Python {PYTHON}",
    ),
]  # fmt: skip


def test_this_glint_runs_from_its_own_archive(tmp_path, monkeypatch, demo_photo, demo_question) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "kept"))
    archive, root = tmp_path / "glint.tar", tmp_path / "opt"
    words = ["build", "--target", platform.machine(), "--out", str(archive), "--json"]
    done = CliRunner().invoke(sideload, words)
    assert done.exit_code == 0, (done.output, done.exception)
    built = json.loads(done.stdout)
    assert built["size_mb"] < {"aarch64": 400, "x86_64": 430}[platform.machine()]  # OpenCV is larger here
    assert built["largest"][0]["name"] == "model glint-135m"

    done = run_installer("install", archive, "--root", root, "--key", built["key"], "--python", sys.executable)
    assert done.returncode == 0, done.stderr
    assert "pineapple" in done.stdout.lower()
    archive.unlink()
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GLINT_PYTHON": sys.executable}
    question = ["--image", str(demo_photo), "--audio", str(demo_question), "--speak", str(tmp_path / "answer.wav")]
    done = subprocess.run(
        [root / "current/bin/glint", "ask", "--json", *question],
        env=bare, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    turn = json.loads(done.stdout)
    tested = json.loads((root / "current/self-test.json").read_text())["turn"]
    assert (turn["transcript"], turn["answer"]) == (tested["transcript"], tested["answer"])
    assert (tmp_path / "answer.wav").stat().st_size > 10_000

    heard = subprocess.run(
        [root / "current/bin/glint", "models", "list", "--json"], env=bare, capture_output=True, text=True
    )
    assert {model["state"] for model in json.loads(heard.stdout)["models"]} == {"installed"}
    assert run_installer("verify", root).returncode == 0  # all this has left it as it was signed
    site = root / "current/site"
    assert not [name for name in ("sim", "export", "gguf", "torch", "pip") if (site / name).exists()]
    assert len(list((Layout(root).versions).iterdir())) == 1
    assert os.readlink(root / "current") == f"versions/{Layout(root).active()}"
