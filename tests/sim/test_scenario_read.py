"""A scenario's file: what it is read into, and how a mistake in it is told."""

import re
import shutil

import pytest

from models.errors import GlintError
from sim.scenario.read import find, read_scenario, that_come_along
from sim.scenario.script import Expect, Fault, Room, Say, See, Wait

PICTURE = that_come_along()[0].parent / "pictures/banana.jpg"


@pytest.fixture
def read(tmp_path):
    shutil.copy(PICTURE, tmp_path / "a.jpg")

    def read(text):
        file = tmp_path / "my.toml"
        file.write_text(text, encoding="utf-8")
        return read_scenario(file)

    return read


def step(line, *more):
    return "\n".join(['title = "x"', "[[step]]", line, *more])


def test_short_forms_are_the_tables_they_stand_for(read):
    scenario = read(
        """
title = "All of it"
about = "Every verb once."
[[step]]
at = 0
see = "a.jpg"
[[step]]
see = "dark"
[[step]]
say = "Hello there."
[[step]]
room = "quiet"
[[step]]
press = "button"
[[step]]
wait = 2
[[step]]
wait = "answer"
[[step]]
fault = "camera"
[[step]]
at = 12.5
[step.expect]
answer_contains = ["a", "b"]
turns = 1
"""
    )
    assert (scenario.name, scenario.title, scenario.about) == ("my", "All of it", "Every verb once.")
    assert [made.act for made in scenario.steps] == [
        See(picture="a.jpg"),
        See(show="dark"),
        Say(text="Hello there."),
        Room(),
        "button",
        2.0,
        Wait("answer"),
        Fault("camera"),
        Expect(answer_contains=["a", "b"], turns=1),
    ]
    assert [made.at for made in scenario.steps] == [0, *[None] * 7, 12.5]
    assert [made.line for made in scenario.steps] == [6, 8, 10, 12, 14, 16, 18, 20, 23]


@pytest.mark.parametrize(
    ("text", "line", "key", "what"),
    [
        # misspelt
        ('titel = "x"\n[[step]]\nwait = 1', 1, "titel", "did you mean title?"),
        (step('sya = "x"'), 3, "sya", "did you mean say?"),
        (
            step('see = "dark"', "[[step]]", 'expect = { anser_contains = "x" }'),
            5,
            "anser_contains",
            "answer_contains?",
        ),
        (step("[step.say]", 'text = "a"', 'voise = "joe"'), 5, "voise", "did you mean voice?"),
        (step('wait = "anser"'), 3, "wait", "choose one of answer, speaking, listening, asleep"),
        (step('wait = { until = "anser" }'), 3, "until", "choose one of answer"),
        (step('press = "buton"'), 3, "press", "choose one of button"),
        (step('fault = "camra"'), 3, "fault", "did you mean camera?"),
        (step('say = { text = "hi", voice = "jo-high" }'), 3, "voice", "did you mean joe-high?"),
        (step('room = { noise = "pnk" }'), 3, "noise", "choose one of white, pink, babble"),
        (step('expect = { command = "halt" }'), 3, "command", "stop, never_mind"),
        # missing
        (step('see = "nowhere.jpg"'), 3, "see", "there is no picture at"),
        (step('see = { blur = 1, picture = "nowhere.jpg" }'), 3, "picture", "there is no picture at"),
        (step('see = "."', "[[step]]", 'see = "my.toml"'), 5, "see", "is not a picture"),
        (step('say = { wav = "nowhere.wav" }'), 3, "wav", "there is no sound at"),
        ("[[step]]\nwait = 1", 1, "title", "missing"),
        ('title = "x"', 1, "step", "missing"),
        ('title = "x"\nstep = []', 2, "step", "there are no steps"),
        (step('fault = "model"'), 3, "fault", "needs seconds"),
        (step("expect = {}"), 3, "expect", "nothing is expected"),
        (step('say = "..."'), 3, "say", "nothing to say"),
        # impossible times and numbers
        (step("wait = -1"), 3, "wait", "-1 is impossible; give 0 to 600 seconds"),
        (step("wait = 1e9"), 3, "wait", "impossible"),
        (step("wait = nan"), 3, "wait", "impossible"),
        (step("at = -0.5", "wait = 1"), 3, "at", "impossible"),
        (step("at = inf", "wait = 1"), 3, "at", "impossible"),
        (
            step("at = 5.0", "wait = 1", "[[step]]", "at = 4", "wait = 1"),
            6,
            "at",
            "does not go backwards; 4 s comes after 5",
        ),
        (step('wait = { until = "answer", within = 1000 }'), 3, "within", "impossible"),
        (step('see = { text = "EXIT", dark = 2 }'), 3, "dark", "impossible"),
        (step("expect = { evidence_covers = [0, 0, 2, 1] }"), 3, "evidence_covers", "is no box"),
        # of another kind
        (step("say = 5"), 3, "say", "must be a text or a table, not a whole number"),
        (step("say = { text = 5 }"), 3, "text", "must be a text"),
        (step('expect = { turns = "one" }'), 3, "turns", "must be a whole number, not a text"),
        (step("wait = true"), 3, "wait", "must be a number"),
        ('title = "x"\nstep = "a"', 2, "step", "must be a list"),
        # too much and too little
        (step('say = "a"', 'press = "button"'), 4, "press", "this one has say and press"),
        (step('say = { text = "a", wav = "b.wav" }'), 3, "wav", "give one of text, wav"),
        (step('fault = { what = "camera", seconds = 3 }'), 3, "seconds", "does not belong"),
        # no TOML at all
        ("title = \n", 1, "title", "not TOML"),
        ('title = "x"\ntitle = "y"', 2, "title", "overwrite"),
        (step('say = { text = "a"', "[[step]]"), 3, "say", "not TOML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(read, text, line, key, what):
    with pytest.raises(GlintError) as told:
        read(text)
    assert re.search(rf"my\.toml, line {line}, {key}: .*{re.escape(what)}", str(told.value)), told.value


def test_a_step_that_does_nothing_is_told_by_its_line(read):
    with pytest.raises(GlintError, match=r"my\.toml, line 4: every step does exactly one of .*; this one has none"):
        read(step("wait = 1", "[[step]]"))


def test_a_picture_that_is_none_is_told_before_anything_is_played(read, tmp_path):
    (tmp_path / "cut.jpg").write_bytes(PICTURE.read_bytes()[:3000])
    with pytest.raises(GlintError, match=r"line 3, see: .*cut short or damaged"):
        read(step('see = "cut.jpg"'))


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "my.toml").write_bytes(b'title = "x"\nabout = "\xff"\n')
    with pytest.raises(GlintError, match=r"my\.toml, line 2: this is not UTF-8"):
        read_scenario(tmp_path / "my.toml")


def test_names_files_and_all(tmp_path):
    known = that_come_along()
    assert find("all") == known
    assert find(known[0].stem) == [known[0]]
    (tmp_path / "mine.toml").write_text('title = "x"')
    assert find(str(tmp_path / "mine.toml")) == [tmp_path / "mine.toml"]
    with pytest.raises(GlintError, match=r"There is no scenario ordinary-descrbe; did you mean ordinary-describe\?"):
        find("ordinary-descrbe")
    with pytest.raises(GlintError, match="--list"):
        find("/nowhere/at-all.toml")


def test_those_that_come_along_can_be_read_and_expect_something():
    scenarios = [read_scenario(file) for file in that_come_along()]
    assert len(scenarios) >= 30
    assert len({scenario.title for scenario in scenarios}) == len(scenarios)
    assert {scenario.name.split("-")[0] for scenario in scenarios} == {"ordinary", "hard", "broken", "evidence"}
    for scenario in scenarios:
        assert any(isinstance(made.act, Expect) for made in scenario.steps), scenario.name
