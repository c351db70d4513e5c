"""The packed installer in a process of its own, with archives of a few kilobytes from the real builder."""

import fcntl
import json
import os
import sys

import pytest
from small_archives import KEY, PYTHON, make, run_installer, says, wheel

from firmware_bridge.sideload.keys import SecretKey
from firmware_bridge.sideload.on_device import install as steps
from firmware_bridge.sideload.on_device import machine, unit
from firmware_bridge.sideload.on_device.layout import Layout
from firmware_bridge.sideload.on_device.refusal import Refusal
from firmware_bridge.sideload.parts import Part

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="devices run Linux")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "opt"


def install(archive, root, *options):
    return run_installer("install", archive.path, "--root", root, *options)


def refused(done, *words):
    """One sentence on standard error, with these words in it."""
    assert done.returncode == 1
    assert done.stderr.startswith("glint: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert str(word) in done.stderr
    return True


@pytest.fixture
def first(tmp_path, root):
    archive = make(tmp_path, "1.0.0")
    done = install(archive, root, "--key", KEY.public)
    assert done.returncode == 0, done.stderr
    return archive


def test_a_first_installation_wants_the_key_and_later_ones_remember_it(tmp_path, root) -> None:
    archive = make(tmp_path, "1.0.0")
    assert refused(install(archive, root), archive.path, KEY.public, "--key")
    assert not root.exists()
    done = install(archive, root, "--key", KEY.public)
    assert done.returncode == 0, done.stderr
    assert "'A pineapple.'" in done.stdout
    assert says(root) == "A pineapple."
    assert install(make(tmp_path, "1.0.1", answer="Two."), root).returncode == 0
    assert says(root) == "Two."


def test_what_it_said_when_it_was_tried_is_kept(first, root) -> None:
    kept = json.loads((root / "current/self-test.json").read_text())
    assert kept["turn"]["answer"] == "A pineapple."
    assert kept["doctor"] == {"ok": True, "checks": []}


def test_another_key_is_refused_whether_in_the_archive_or_given(tmp_path, root, first) -> None:
    other = SecretKey(b"somebody", bytes(32))
    forged = make(tmp_path, "2.0.0", key=other)
    assert refused(install(forged, root), forged.path, "another key")
    assert refused(install(forged, root, "--key", other.public), root / "trusted.pub", "remove")
    assert says(root) == "A pineapple."


def test_two_versions_lie_side_by_side_and_the_third_takes_the_place_of_the_first(tmp_path, root, first) -> None:
    for version, answer in (("1.1.0", "Two."), ("1.2.0", "Three.")):
        assert install(make(tmp_path, version, answer=answer), root).returncode == 0
    assert says(root) == "Three."
    names = sorted(folder.name[:5] for folder in (root / "versions").iterdir())
    assert names == ["1.1.0", "1.2.0"]
    assert run_installer("rollback", "--root", root).returncode == 0
    assert says(root) == "Two."
    assert run_installer("rollback", "--root", root).returncode == 0
    assert says(root) == "Three."


def test_a_rollback_without_a_version_before_or_to_a_damaged_one_is_refused(tmp_path, root, first) -> None:
    assert refused(run_installer("rollback", "--root", root), root, "no version to go back to")
    assert install(make(tmp_path, "1.1.0", answer="Two."), root).returncode == 0
    before = Layout(root).folder(Layout(root).before()) / "models/small/1/weights.bin"
    before.write_bytes(b"rot")
    assert refused(run_installer("rollback", "--root", root), before, "changed")
    assert says(root) == "Two."


def test_an_older_version_needs_leave(tmp_path, root, first) -> None:
    older = make(tmp_path, "0.10.0", answer="Old.")
    assert refused(install(older, root), older.path, "0.10.0", "older than 1.0.0", "--allow-downgrade")
    assert says(root) == "A pineapple."
    assert install(older, root, "--allow-downgrade").returncode == 0
    assert says(root) == "Old."


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"target": "riscv64"}, ["riscv64", os.uname().machine]),
        ({"python": "3.7"}, ["Python 3.7", PYTHON]),
        ({"glibc": "9.0"}, ["glibc 9.0"]),
    ],
)
def test_an_archive_for_another_machine_is_refused(tmp_path, root, first, wrong, words) -> None:
    other = make(tmp_path, "2.0.0", **wrong)
    assert refused(install(other, root), other.path, *words)
    assert says(root) == "A pineapple."


MISSING = json.dumps({"checks": [{"state": "missing", "name": "numpy", "detail": "gone"}]})


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (f"[ $1 = doctor ] && echo '{MISSING}' && exit 1", ["glint doctor", "numpy: gone"]),
        ("[ $1 = ask ] && echo 'onnxruntime fell over' >&2 && exit 3", ["glint ask", "status 3", "fell over"]),
        ("[ $1 = ask ] && echo '{\"answer\": \"\"}' && exit 0", ["no answer"]),
        ("[ $1 = ask ] && echo nonsense && exit 0", ["glint ask"]),
        ("[ $1 = ask ] && exec sleep 20", ["no answer within"]),
    ],
)  # fmt: skip
def test_a_version_that_fails_its_self_test_is_never_used(tmp_path, root, first, extra, words) -> None:
    bad = make(tmp_path, "2.0.0", extra=extra)
    assert refused(install(bad, root, "--self-test-seconds", "1"), "self-test", *words)
    assert says(root) == "A pineapple."
    assert sorted(path.name for path in root.iterdir()) == ["current", "trusted.pub", "versions"]
    assert len(list((root / "versions").iterdir())) == 1


def test_a_damaged_version_is_found_and_repaired_by_installing_it_again(tmp_path, root, first) -> None:
    assert run_installer("verify", root).returncode == 0
    weights = root / "current/models/small/1/weights.bin"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    (root / "current/site/sitecustomize.py").write_text("import os")
    (root / "current/site/small/__init__.py").unlink()
    found = run_installer("verify", root)
    assert found.returncode == 1
    for word in ("weights.bin has changed", "sitecustomize.py is not part", "__init__.py is missing"):
        assert word in found.stderr
    for _ in range(2):  # the one that was repaired may rot, too
        assert install(first, root).returncode == 0
        assert run_installer("verify", root).returncode == 0
        assert says(root) == "A pineapple."
        assert len(list((root / "versions").iterdir())) == 1
        (root / "current/models/small/1/weights.bin").write_bytes(b"rot")


def test_installing_the_same_again_changes_nothing(root, first) -> None:
    before = os.readlink(root / "current")
    assert install(first, root).returncode == 0
    assert os.readlink(root / "current") == before
    assert len(list((root / "versions").iterdir())) == 1


def test_two_installations_at_once_are_refused(tmp_path, root, first) -> None:
    handle = os.open(root, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        assert refused(install(make(tmp_path, "1.1.0"), root), root, "at work")
    finally:
        os.close(handle)


def test_too_little_disk_is_said_before_anything_is_written(tmp_path, root, first, monkeypatch) -> None:
    monkeypatch.setattr(machine, "SPARE_BYTES", 1 << 60)
    archive = make(tmp_path, "1.1.0")
    with pytest.raises(Refusal, match=f"{archive.path} needs .* free disk"):
        steps.install(archive.path, Layout(root), steps.Wishes(sys.executable), lambda _: None, lambda *_: None)
    assert says(root) == "A pineapple."


def test_a_wheel_that_hides_files_from_the_manifest_cannot_be_built_twice_over(tmp_path) -> None:
    from models.errors import GlintError

    again = Part("wheels/again-1-py3-none-any.whl", wheel({"small/__init__.py": b"other"}))
    with pytest.raises(GlintError, match=r"Two wheels hold small/__init__\.py"):
        make(tmp_path, "1.0.0", parts=(again,))


FAKE_SYSTEMCTL = """\
#!/bin/sh
echo "$*" >> {log}
[ "$1" = restart ] && ! "{root}/current/bin/glint" starts && echo "start failed" >&2 && exit 1
exit 0
"""


def test_a_version_that_does_not_start_as_a_service_is_rolled_back(tmp_path, root, first, monkeypatch) -> None:
    folder, log = tmp_path / "bin", tmp_path / "log"
    folder.mkdir()
    (folder / "systemctl").write_text(FAKE_SYSTEMCTL.format(log=log, root=root))
    (folder / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(unit, "is_running", lambda: True)
    wishes = steps.Wishes(sys.executable, unit_folder=tmp_path / "units")
    good = make(tmp_path, "1.1.0", answer="Two.")
    steps.install(good.path, Layout(root), wishes, lambda _: None, lambda *_: None)
    assert says(root) == "Two."
    assert f"ExecStart={root}/current/bin/glint serve" in (tmp_path / "units/glint.service").read_text()
    assert log.read_text().splitlines() == ["daemon-reload", "enable glint.service", "restart glint.service"]
    bad = make(tmp_path, "1.2.0", extra='[ "$1" = starts ] && exit 1')
    with pytest.raises(Refusal, match=r"1\.2\.0.* did not start.* 1\.1\.0.* in use again"):
        steps.install(bad.path, Layout(root), wishes, lambda _: None, lambda *_: None)
    assert says(root) == "Two."
    assert log.read_text().splitlines()[-1] == "restart glint.service"
