"""Scenarios played to the real loop with all real models: both ways the same, and what does not hold is told."""

from collections.abc import Iterator

import pytest

from device.cli.run import load
from device.hearing.ears import Ears
from device.thinking.mind import Mind
from models.evaluation.word_error_rate import spoken_words
from sim.benchmark.utterances import Studio
from sim.scenario.play import play
from sim.scenario.read import FOLDER, find, read_scenario
from sim.scenario.sounds import Sounds, lines_of

pytestmark = [pytest.mark.slow, pytest.mark.real_time]

BOTH_WAYS = ("ordinary-follow-up", "ordinary-three-shelves", "broken-microphone-during")
AS_FAST_AS_POSSIBLE = ("ordinary-by-button", "hard-no-network", "hard-dark", "broken-speaker", "broken-disk")
WRONG = """
title = "What does not hold"

[[step]]
see = "{pictures}/banana.jpg"

[[step]]
press = "button"

[[step]]
wait = {{ until = "speaking", within = 1.0 }}

[[step]]
say = "What is this?"

[[step]]
wait = "answer"

[[step]]
expect = {{ answer_contains = "submarine", command = "stop", first_audio_within_s = 20.0 }}

[[step]]
at = 1.5
press = "button"
"""


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    file = tmp_path_factory.mktemp("scenarios") / "wrong.toml"
    file.write_text(WRONG.format(pictures=FOLDER / "pictures"))
    return read_scenario(file)


@pytest.fixture(scope="module")
def parts() -> Iterator[tuple[Mind, Ears]]:
    mind, ears = load()
    yield mind, ears
    mind.close()


@pytest.fixture(scope="module")
def played(parts, wrong):
    """Plays one of those that come along, or `wrong`; all sentences are spoken once."""
    scenarios = {name: read_scenario(*find(name)) for name in (*BOTH_WAYS, *AS_FAST_AS_POSSIBLE)} | {"wrong": wrong}
    lines = dict.fromkeys(line for scenario in scenarios.values() for line in lines_of(scenario))
    with Studio(alone=True) as studio:
        takes = list(studio.takes(list(lines)))

        def played(name, realtime=False):
            scenario = scenarios[name]
            return play(scenario, Sounds(scenario, takes), *parts, realtime)

        yield played


def transcript(played):
    """What was heard and answered, as it sounds: whether a sentence begins with a capital is not heard."""
    return [(spoken_words(past.turn.transcript), past.turn.answer) for past in played.turns]


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_in_real_time_and_as_fast_as_possible_the_same_is_heard_and_answered(played, name):
    fast, slow = played(name), played(name, realtime=True)
    for way in (fast, slow):
        assert way.passed, way.failures
    assert transcript(fast) == transcript(slow)
    assert fast.turns
    assert slow.took_s == pytest.approx(slow.seconds, abs=6)
    assert fast.took_s < slow.took_s


@pytest.mark.parametrize("name", AS_FAST_AS_POSSIBLE)
def test_some_of_those_that_come_along(played, name):
    way = played(name)
    assert way.passed, way.failures
    assert way.held > 0


def test_what_does_not_hold_is_told_with_its_line_and_the_rest_goes_on(played, parts):
    way = played("wrong")
    assert not way.passed
    assert [(failure.line, failure.miss.expected) for failure in way.failures] == [
        (11, "to be speaking within 1 s"),
        (20, "the answer to contain 'submarine'"),
        (20, "the command stop"),
        (24, "this at 1.5 s"),
    ]
    assert "anana" in way.failures[1].miss.was
    assert way.held == 1  # it was heard in time
    (turn,) = way.as_dict()["turns"]
    assert turn["asked_s"] < turn["sounded_s"] < turn["ended_s"] <= way.seconds
    assert turn["picture"].startswith("frame at ")
    mind, _ = parts
    assert type(mind.voice).__module__ == "models.piper"  # what was put around the models is gone
    assert type(mind.model).__module__ == "models.vision_language"
