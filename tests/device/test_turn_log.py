import json
import shutil
import sys

import pytest

from device.cli.turn_log import TurnLog
from device.turn import Turn
from models.errors import GlintError


def test_turns_are_appended_to_what_is_there(tmp_path):
    path, notes = tmp_path / "turns.jsonl", []
    for transcript in ("one", "two"):
        TurnLog(path, notes.append).append(Turn(transcript=transcript))
    assert [json.loads(line)["transcript"] for line in path.read_text().splitlines()] == ["one", "two"]
    assert notes == []


def test_a_folder_that_is_gone_is_said_once_and_so_is_its_return(tmp_path):
    folder, notes = tmp_path / "stick", []
    folder.mkdir()
    log = TurnLog(folder / "turns.jsonl", notes.append)
    shutil.rmtree(folder)
    for _ in range(3):
        log.append(Turn(transcript="lost"))
    (note,) = notes
    assert "turns.jsonl cannot be written (No such file or directory)" in note
    folder.mkdir()
    for transcript in ("kept", "too"):
        log.append(Turn(transcript=transcript))
    assert len(notes) == 2
    assert "again" in notes[1]
    assert len((folder / "turns.jsonl").read_text().splitlines()) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
def test_a_full_disk_is_said_once():
    from pathlib import Path

    notes = []
    log = TurnLog(Path("/dev/full"), notes.append)
    for _ in range(3):
        log.append(Turn(transcript="lost"))
    assert notes == ["Turns are not kept: /dev/full cannot be written (No space left on device)."]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_a_disk_that_fills_up_within_a_line_leaves_no_half_of_it(tmp_path):
    import resource
    import signal

    path, notes = tmp_path / "turns.jsonl", []
    log = TurnLog(path, notes.append)
    log.append(Turn(transcript="whole"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
    try:
        log.append(Turn(transcript="too long"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert len(notes) == 1
    log.append(Turn(transcript="after"))
    assert [json.loads(line)["transcript"] for line in path.read_text().splitlines()] == ["whole", "after"]


def test_a_log_that_cannot_be_written_is_said_before_anything_else(tmp_path):
    with pytest.raises(GlintError, match=r"nowhere/turns\.jsonl cannot be written: No such file"):
        TurnLog(tmp_path / "nowhere/turns.jsonl", print)
