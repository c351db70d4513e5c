"""The power is cut at every single call of the installer that changes the disk, one after the other.

Whatever the moment, what was in use still runs (or what was to be, whole), and the next installation succeeds.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_archives import KEY, make, run_installer, says

from firmware_bridge.sideload.on_device import disk
from firmware_bridge.sideload.on_device import install as steps
from firmware_bridge.sideload.on_device.layout import Layout
from firmware_bridge.sideload.on_device.verify import problems

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="devices run Linux")]
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch) -> None:
    """What has to be on the disk itself is tested by order, below; waiting for the disk each time takes minutes."""
    for name in ("sync", "fsync"):
        monkeypatch.setattr(os, name, lambda *_: None)


def rounds(scene: Path, *words: str):
    command = [sys.executable, str(Path(__file__).with_name("power_cut.py")), str(scene), *words]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(scene.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found[-1]["status"] == 0, "the round without a cut must succeed"
    assert {one["call"].split()[0] for one in found[:-1]} >= {"replace", "symlink"}
    return found


def install(path: Path, root: Path) -> None:
    wishes = steps.Wishes(sys.executable, KEY.public)
    steps.install(path, Layout(root), wishes, lambda _: None, lambda *_: None)


def sound(root: Path) -> bool:
    layout = Layout(root)
    named = [name for name in (layout.active(), layout.before()) if name]
    return bool(named) and not any(problems(layout, name, KEY.public, lambda *_: None) for name in named)


def test_an_update_cut_off_anywhere_leaves_a_version_that_runs(tmp_path) -> None:
    scene = tmp_path / "scene"
    for version, answer in (("0.9.0", "Zero."), ("1.0.0", "One.")):
        install(make(tmp_path, version, answer=answer).path, scene)
    new, newer = make(tmp_path, "1.1.0", answer="Two."), make(tmp_path, "1.2.0", answer="Three.")
    found = rounds(scene, "install", str(new.path), "--root", "{root}")
    assert len(found) > 40
    heard = []
    for one in found:
        root = Path(one["root"])
        heard.append(says(root))
        assert heard[-1] in ("One.", "Two."), one
        assert sound(root), one
        install(newer.path, root)
        assert says(root) == "Three.", one
        assert sound(root), one
        assert Layout(root).before(), one
        assert len(list((root / "versions").iterdir())) == 2, one
        assert not (root / ".unpacking").exists(), one
    switched = heard.index("Two.")
    assert switched > 0
    assert set(heard[:switched]) == {"One."}
    assert set(heard[switched:]) == {"Two."}


def test_a_first_installation_cut_off_anywhere_can_be_done_again(tmp_path) -> None:
    scene = tmp_path / "scene"
    scene.mkdir()
    archive = make(tmp_path, "1.0.0", answer="One.")
    for one in rounds(scene, "install", str(archive.path), "--root", "{root}", "--key", str(KEY.public)):
        root = Path(one["root"])
        if Layout(root).active():
            assert says(root) == "One.", one
            assert sound(root), one
        install(archive.path, root)
        assert says(root) == "One.", one
        assert sound(root), one


def test_a_rollback_cut_off_anywhere_leaves_one_of_the_two(tmp_path) -> None:
    scene = tmp_path / "scene"
    for version, answer in (("1.0.0", "One."), ("1.1.0", "Two.")):
        install(make(tmp_path, version, answer=answer).path, scene)
    newer = make(tmp_path, "1.2.0", answer="Three.")
    for one in rounds(scene, "rollback", "--root", "{root}"):
        root = Path(one["root"])
        assert says(root) in ("One.", "Two."), one
        assert sound(root), one
        install(newer.path, root)
        assert says(root) == "Three.", one


def test_nothing_is_switched_to_before_it_is_on_the_disk(tmp_path, monkeypatch) -> None:
    """A cut also loses what was written and not yet flushed: between the last write and the switch all is flushed."""
    root, log = tmp_path / "opt", []
    install(make(tmp_path, "1.0.0").path, root)

    def noted(name, real):
        def call(*words, **more):
            log.append((name, str(words[1]) if name == "replace" else ""))
            return real(*words, **more)

        return call

    for name in ("write", "sync", "fsync", "replace"):
        monkeypatch.setattr(disk.os, name, noted(name, getattr(os, name)))
    install(make(tmp_path, "1.1.0").path, root)
    names = [name for name, _ in log]
    moved = next(place for place, (name, to) in enumerate(log) if name == "replace" and "/versions/" in to)
    switched = next(place for place, (name, to) in enumerate(log) if name == "replace" and to.endswith("/current"))
    last_write = max(place for place in range(moved) if names[place] == "write")
    assert "sync" in names[last_write:moved]
    assert "fsync" in names[moved:switched]
    assert "fsync" in names[switched:]
    assert "write" not in names[moved:switched]


@pytest.mark.parametrize("size", [100, 5_000, 12_000])
def test_a_disk_that_is_full_leaves_everything_as_it_was(tmp_path, size) -> None:
    root = tmp_path / "opt"
    install(make(tmp_path, "1.0.0", answer="One.").path, root)
    new = make(tmp_path, "1.1.0", answer="Two.")

    def limit() -> None:  # no file may be longer: what a full disk says comes from the kernel
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = run_installer("install", new.path, "--root", root, preexec_fn=limit)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    for word in (str(new.path), "disk is full", ".unpacking/"):
        assert word in done.stderr
    assert says(root) == "One."
    assert sorted(path.name for path in root.iterdir()) == ["current", "trusted.pub", "versions"]
    install(new.path, root)
    assert says(root) == "Two."


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_file_system_that_is_really_full(tmp_path, monkeypatch) -> None:
    card = tmp_path / "card"
    card.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(card)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this system lets nobody mount")
    try:
        monkeypatch.setattr("firmware_bridge.sideload.on_device.machine.SPARE_BYTES", -(1 << 30))
        root = card / "opt"
        install(make(tmp_path, "1.0.0", answer="One.").path, root)
        with contextlib.suppress(OSError), open(card / "other", "wb", buffering=0) as other:
            while True:  # all but a little that is left
                other.write(bytes(4096))
        os.truncate(card / "other", os.path.getsize(card / "other") - 12_288)
        with pytest.raises(steps.Refusal, match="disk is full"):
            install(make(tmp_path, "1.1.0", answer="Two.").path, root)
        assert says(root) == "One."
        (card / "other").unlink()
        install(tmp_path / "glint-1.1.0.tar", root)
        assert says(root) == "Two."
    finally:
        subprocess.run(["umount", str(card)], check=True)
