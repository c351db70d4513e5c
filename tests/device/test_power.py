"""What is spared when the battery runs low or the glasses get hot."""

import pytest

from device.glasses import Condition
from device.habits import Habits
from device.power import Power, Thrift


@pytest.mark.parametrize(
    ("battery", "celsius", "thrift"),
    [
        (1.0, 25, Thrift.NONE),
        (0.16, 42, Thrift.NONE),
        (0.15, 25, Thrift.SOME),
        (1.0, 43, Thrift.SOME),
        (0.03, 25, Thrift.ALL),
        (1.0, 60, Thrift.ALL),
        (0.1, 70, Thrift.ALL),
    ],
)
def test_what_is_spared(battery, celsius, thrift):
    power = Power()
    said = power.update(Condition(battery, celsius))
    assert power.thrift is thrift
    assert (said is None) == (thrift is Thrift.NONE)


def test_it_is_said_once_and_says_how_much():
    power = Power()
    assert power.update(Condition(0.14)) == "Battery low, 14 %."
    assert power.update(Condition(0.13)) is None
    assert power.update(Condition(0.02)) == "Battery empty, 2 %: charge me."
    assert power.update(Condition(0.9)) == "Back to full power."


def test_a_reading_that_hovers_does_not_switch_all_the_time():
    power = Power()
    said = [power.update(Condition(1.0, celsius)) for celsius in (43.1, 42.9, 43.1, 42.5, 43.2, 41.5)]
    assert [bool(text) for text in said] == [True, False, False, False, False, False]
    assert power.thrift is Thrift.SOME
    assert power.update(Condition(1.0, 40.9)) == "Back to full power."


def test_sparing_habits_look_less_often_and_show_no_words_while_they_form():
    usual = Habits()
    sparing = usual.sparing()
    assert sparing.look_every_s > usual.look_every_s
    assert sparing.partial_every_s == float("inf")
    assert sparing.patience_s == usual.patience_s
