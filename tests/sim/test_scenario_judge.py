"""Whether what is expected is so: records of turns, and what is said of them."""

import pytest

from device.evidence import Claim
from device.glasses import RATE
from device.privacy import Receipt
from device.turn import Turn
from sim.scenario.judge import Window, misses
from sim.scenario.record import Past, Record
from sim.scenario.script import Expect


@pytest.fixture
def record():
    """A question at 2 s that was answered from 3 s to 5 s, and "stop" at 4 s."""
    clock = [0.0]
    record = Record(lambda: clock[0])
    record.clock = clock
    record.cue_began_s, record.cue_ended_s = 1.0, 2.0
    clock[0] = 3.0
    record.played(2 * RATE, RATE)
    record.event("state", "speaking")
    clock[0] = 5.0
    turn = Turn(transcript="What's this?", answer="Two bananas.", receipt=Receipt(1, 1, 3, 120, ("10.0.0.1:80",)))
    turn.evidence = [Claim("names", "Banana", 0.9), Claim("finder", "fruit", 0.8, box=(0.1, 0.1, 0.6, 0.6))]
    record.turn(turn)
    record.event("state", "listening")
    record.event("command", "stop")
    record.event("note", "The camera is gone; plug it in again.")
    record.cue_began_s = record.cue_ended_s = 4.0
    clock[0] = 6.0
    return record


@pytest.mark.parametrize(
    ("holds", "does_not"),
    [
        ({"answer_contains": "BANANA"}, {"answer_contains": "apple"}),
        ({"answer_contains": ["2", "bananas"]}, {"answer_contains": ["two", "apples"]}),
        ({"answer_contains_any": ["apple", "banana"]}, {"answer_contains_any": ["apple", "pear"]}),
        ({"answer_lacks": "apple"}, {"answer_lacks": ["apple", "banana"]}),
        ({"heard_contains": "what is this"}, {"heard_contains": "what was"}),
        ({"evidence_contains": "banana"}, {"evidence_contains": "shelf"}),
        ({"evidence_covers": (0.2, 0.2, 0.5, 0.5)}, {"evidence_covers": (0.5, 0.5, 1.0, 1.0)}),
        ({"first_audio_within_s": 1.0}, {"first_audio_within_s": 0.9}),
        ({"silent_within_s": 1.0}, {"silent_within_s": 0.9}),
        ({"bytes_left": 120}, {"bytes_left": 0}),
        ({"command": "stop"}, {"command": "repeat"}),
        ({"note_contains": "camera is gone"}, {"note_contains": "speaker"}),
        ({"state": "listening"}, {"state": "asleep"}),
        ({"turns": 1}, {"turns": 2}),
        ({"no_turn": False}, {"no_turn": True}),
    ],
)
def test_each_key(record, holds, does_not):
    assert list(misses(Expect(**holds), record, Window())) == []
    (miss,) = misses(Expect(**does_not), record, Window())
    assert miss.expected
    assert miss.was


def test_every_key_is_tested_and_of_many_all_that_do_not_hold_are_told(record):
    keys = {mark for mark in test_each_key.pytestmark[0].args[1] for mark in mark[0]}
    assert keys == set(Expect.__struct_fields__)
    told = list(misses(Expect(answer_contains="apple", state="asleep", turns=1), record, Window()))
    assert [miss.expected for miss in told] == ["the answer to contain 'apple'", "to be asleep"]
    assert told[0].was == "'Two bananas.'"


def test_what_was_before_does_not_count(record):
    later = Window(len(record.events), len(record.turns))
    (miss,) = misses(Expect(answer_contains="banana"), record, later)
    assert miss.was == "there was no turn"
    assert [miss.was for miss in misses(Expect(command="stop", note_contains="camera"), record, later)] == [
        "there was none"
    ] * 2
    assert list(misses(Expect(no_turn=True, turns=0), record, later)) == []


def test_silence_that_nobody_waited_for_is_not_taken_for_silence(record):
    (miss,) = misses(Expect(silent_within_s=3.0), record, Window())
    assert "only 2.00 s have passed" in miss.was


def test_an_answer_that_nobody_heard_was_not_in_time(record):
    record.turn(Turn(answer="Two bananas."))
    (miss,) = misses(Expect(first_audio_within_s=60), record, Window())
    assert miss.was == "nothing was heard"


def test_signals_are_no_speech_and_what_was_stopped_was_not_heard():
    clock = [1.0]
    record = Record(lambda: clock[0])
    record.played(int(0.14 * RATE), RATE)  # an earcon
    record.played(3 * 22_050, 22_050)
    record.played(22_050, 22_050)
    assert record.first_speech_s(0.0) == pytest.approx(1.14)
    clock[0] = 2.0
    record.stopped()
    clock[0] = 9.0
    assert record.speech(0.0) == [(pytest.approx(1.14), 2.0)]
    assert record.speech(2.0) == []


def test_an_answer_that_goes_on_was_heard_when_it_began(record):
    record.cue_began_s, record.cue_ended_s, record.clock[0] = 6.0, 7.0, 8.0
    record.played(4 * RATE, RATE)
    record.event("state", "speaking")
    record.cue_began_s, record.cue_ended_s, record.clock[0] = 9.0, 9.5, 9.2
    record.stopped()
    record.event("note", "interrupted")
    record.event("note", "resumed")
    record.played(4 * RATE, RATE)
    record.event("state", "speaking")
    record.clock[0] = 14.0
    record.turn(Turn(answer="on and on"))
    past = record.turns[-1]
    assert (past.asked_s, past.sounded_s, past.ended_s) == (7.0, 8.0, 14.0)
    assert isinstance(past, Past)
    assert past.as_dict()["sounded_s"] == 8.0
