"""Sentences that are spoken in noise and heard again."""

import json

import pytest
from click.testing import CliRunner

from sim.heard import heard


@pytest.mark.slow
def test_what_is_heard_keeps_what_was_said_and_meant(tmp_path):
    data, out = tmp_path / "said.jsonl", tmp_path / "heard.jsonl"
    data.write_text(
        '{"text": "Where is the door?", "intent": "find_object"}\n{"text": "...", "intent": "not_caught"}\n'
    )
    told = CliRunner().invoke(heard, ["--data", str(data), "--out", str(out), "--noise-db", "30"])
    assert told.exit_code == 0, told.output
    (row,) = map(json.loads, out.read_text().splitlines())  # what has no letters cannot be spoken
    assert row["said"] == "Where is the door?"
    assert row["intent"] == "find_object"
    assert "door" in row["text"].lower()
