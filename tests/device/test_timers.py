"""Timers by voice: what sets one, what is left, what takes one back, and what is about a timer in view."""

import pytest

from device.cards.card import Timer
from device.cards.of_answer import card_of
from device.skills.timers import FEW, Timers, ringing, seconds_in, spoken
from device.thinking.support import passed
from device.turn import Turn


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def timers(clock):
    return Timers(clock)


def said(timers, text):
    """What is said, after the gate, and done."""
    reply = timers.reply(text)
    reply.do()
    whole = passed(reply.answer.text, reply.answer.claims)
    assert whole == reply.answer.text, "the gate held something back"
    return whole


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("five minutes", 300),
        ("an hour and a half", 5400),
        ("half an hour", 1800),
        ("a quarter of an hour", 900),
        ("three quarters of an hour", 2700),
        ("two and a half minutes", 150),
        ("90 seconds", 90),
        ("1.5 hours", 5400),
        ("an hour and twenty-five minutes", 5100),
        ("a minute and thirty seconds", 90),
        ("one hundred and twenty seconds", 120),
        ("2 mins", 120),
        ("the pasta", None),
        ("ten", None),
    ],
)
def test_lengths_of_time_in_words_and_digits(text, seconds):
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("seconds", [1, 59, 60, 61, 3600, 3661, 86_399])
def test_what_is_spoken_is_understood(seconds):
    assert seconds_in(spoken(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Set a timer for five minutes.", "Timer set for 5 minutes."),
        ("Hey Glint, set a ten minute timer for the pasta", "Timer set for 10 minutes for the pasta."),
        ("Could you start a timer for 90 seconds please?", "Timer set for 1 minute 30 seconds."),
        ("a 5-minute timer", "Timer set for 5 minutes."),
        ("Remind me in twenty minutes to turn off the oven.", "Timer set for 20 minutes to turn off the oven."),
        ("Tell me when two minutes are over.", "Timer set for 2 minutes."),
        ("Count down thirty seconds.", "Timer set for 30 seconds."),
    ],
)
def test_setting_one(timers, clock, text, answer):
    assert said(timers, text) == answer
    assert timers.due() is None
    clock.now += seconds_in(answer.replace("Timer set for ", "")) + 1
    assert timers.due() is not None
    assert timers.due() is None


@pytest.mark.parametrize(
    "text",
    [
        "What does the timer say?",
        "Is there a timer on the table?",
        "What colour is the timer?",
        "Read the timer.",
        "Remind me in the kitchen.",
        "How many minutes does it have to cook?",
        "How much milk is left?",
        "How much time is left?",  # no timer runs: perhaps of what is in view
        "Tell me in which shop this is.",
        "Cancel.",
        "What is this?",
        "",
    ],
)
def test_what_is_about_the_picture_is_left_alone(timers, text):
    assert timers.reply(text) is None


def test_nothing_is_set_before_it_is_done(timers, clock):
    timers.reply("Set a timer for five minutes")
    clock.now += 1000
    assert timers.due() is None


def test_what_is_left_of_one_and_of_several(timers, clock):
    said(timers, "Set a timer for five minutes.")
    clock.now += 100
    assert said(timers, "How much time is left?") == "3 minutes 20 seconds left."
    said(timers, "Set a timer for ten minutes for the eggs.")
    assert said(timers, "How long is left on the timers?") == (
        "3 minutes 20 seconds left of the timer for 5 minutes and 10 minutes left of the timer for the eggs."
    )


def test_taking_one_back(timers, clock):
    assert said(timers, "Cancel the timer.") == "No timer is running."
    said(timers, "Set a timer for five minutes.")
    said(timers, "Set a timer for ten minutes for the eggs.")
    assert said(timers, "Cancel the timer.") == "Which one? The one for 5 minutes, or the one for the eggs?"
    assert said(timers, "Cancel the five minute timer.") == "The timer is cancelled."
    assert said(timers, "Stop the timer.") == "The timer is cancelled."
    clock.now += 1000
    assert timers.due() is None


def test_one_of_several_by_what_it_is_for(timers, clock):
    said(timers, "Set a timer for five minutes for the rice.")
    said(timers, "Set a timer for ten minutes for the eggs.")
    assert said(timers, "Cancel the eggs timer.") == "The timer is cancelled."
    clock.now += 1000
    assert ringing(timers.due()).text == "The timer for the rice is over."
    said(timers, "Set a timer for one minute.")
    said(timers, "Set a timer for two minutes.")
    assert said(timers, "Cancel all timers.") == "All timers are cancelled."


def test_the_first_to_end_rings_first(timers, clock):
    said(timers, "Remind me in two minutes to call Mum.")
    said(timers, "Set a timer for 30 seconds.")
    clock.now += 500
    rung = [ringing(timers.due()) for _ in range(2)]
    assert [answer.text for answer in rung] == ["The timer for 30 seconds is over.", "It is time to call mum."]
    assert all(passed(answer.text, answer.claims) == answer.text for answer in rung)


def test_what_cannot_be_set_is_said_in_one_sentence(timers):
    assert said(timers, "Set a timer.").startswith("For how long?")
    assert said(timers, "Set a timer for two days.") == "I only set timers of up to a day."
    for _ in range(FEW):
        said(timers, "Set a timer for an hour.")
    assert said(timers, "Set a timer for an hour.") == "There are too many timers already; cancel some first."


def test_the_card_counts_down(timers, clock):
    reply = timers.reply("Set a timer for five minutes for the tea.")
    (part,) = reply.card.parts
    assert isinstance(part, Timer)
    assert part.label == "for the tea"
    assert part.seconds == 300
    turn = Turn(
        transcript="Set a timer", answer=reply.answer.text, answered_by="timer", evidence=[*reply.answer.claims]
    )
    assert card_of(turn).text == reply.answer.text
