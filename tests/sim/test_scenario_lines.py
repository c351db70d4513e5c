"""Where a key stands in a TOML file."""

import pytest

from sim.scenario.lines import Lines

TEXT = '''title = "[[step]] say = 1"  # [[step]]
about = """
[[step]]
say = "no step"
"""

[[step]]
# say = "a comment"
say = { text = "pace = 3", pace = 1.2 }

[[ step ]]
expect = { answer_lacks = [
    "turns = 4",
], turns = 1 }
[[step]]
[step.say]
text = \'\'\'
wav = "in a text"
\'\'\'
wav = "a.wav"
at = 3
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["title"], 1),
        (["about"], 2),
        (["step", 0], 7),
        (["step", 0, "say"], 9),
        (["step", 0, "say", "pace"], 9),
        (["step", 1, "expect", "turns"], 14),
        (["step", 1, "expect", "lacking"], 12),
        (["step", 2, "say"], 16),
        (["step", 2, "say", "wav"], 20),
        (["step", 2, "at"], 21),
        (["step", 1, "at"], 11),
        (["nowhere"], 1),
    ],
)
def test_texts_and_comments_hold_no_keys(path, line):
    assert Lines(TEXT).of(path) == line


def test_whether_a_key_is_written():
    lines = Lines(TEXT)
    assert lines.has(["step", 0, "say", "pace"])
    assert not lines.has(["step", 0, "say", "wav"])
    assert not lines.has(["step", 1, "at"])


def test_steps_that_are_written_in_one_list():
    assert Lines('title = "x"\nstep = [\n  { wait = 1 },\n  { press = "button" },\n]').of(["step", 1, "press"]) == 4
