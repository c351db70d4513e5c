"""What is made of a transcript before the model sees it: wake phrases, commands, follow-ups, its own voice."""

import pytest

from device.hearing.own_voice import has_only_words_of, is_own_voice
from device.hearing.wake_phrase import after_wake_phrase, without_wake_word
from device.skills.commands import Command, command_in
from device.thinking.follow_up import complete, leans_back


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("Hey Glint, what is this?", "what is this?"),
        ("Hey, Glenn, describe what you see.", "describe what you see."),
        ("Hey Clint.", ""),
        ("Okay, Glynt, stop", "stop"),
    ],
)
def test_the_name_wakes(said, rest):
    assert after_wake_phrase(said) == rest


@pytest.mark.parametrize(
    "said", ["", "Hey", "Hey there, what is this?", "The glint of the sea", "Hey Glad to see you", "They went home"]
)
def test_other_words_do_not(said):
    assert after_wake_phrase(said) is None


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Hey Jarvis, what is this?", "what is this?"),
        ("Jarvis. What colour is it?", "What colour is it?"),
        ("Okay Nabu", ""),
        ("A. Jarvis.", ""),
        ("Hey, what is this?", "what is this?"),
        ("Is this Jarvis Street?", "Is this Jarvis Street?"),
    ],
)
def test_wake_words_are_no_part_of_the_question(said, question):
    assert without_wake_word(said) == question


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("Stop.", Command.STOP),
        ("Stop, stop, stop!", Command.STOP),
        ("Never mind.", Command.NEVER_MIND),
        ("Please repeat that.", Command.REPEAT),
        ("What did you say?", Command.REPEAT),
        ("Louder, please.", Command.LOUDER),
        ("Slower", Command.SLOWER),
        ("Describe that again in detail.", Command.MORE),
        ("Tell me more", Command.MORE),
    ],
)
def test_commands(said, command):
    assert command_in(said) is command


@pytest.mark.parametrize(
    "said", ["Is this a bus stop?", "Stop signs are red, right?", "What is louder?", "", "Describe it"]
)
def test_questions_are_no_commands(said):
    assert command_in(said) is None


def test_a_follow_up_gets_what_it_leaves_out():
    assert leans_back("And what color is it?")
    assert complete("And what color is it?", "What is this?", "A pineapple.") == "What color is the pineapple?"


def test_a_description_stands_for_no_name():
    answer = "A man in a red shirt rides a horse on the beach."
    assert complete("And what color is it?", "Describe this.", answer) == "What color is it?"


@pytest.mark.parametrize("question", ["What is this?", "How many people are there?", "What time is it?"])
def test_a_question_of_its_own_looks_anew(question):
    assert not leans_back(question)


def test_its_own_answer_is_not_a_question():
    answer = "A man in a red shirt rides a brown horse on the beach."
    assert is_own_voice("man in a red shirt rides", answer)
    assert is_own_voice("a brown house on the beach", answer)
    assert not is_own_voice("stop", answer)
    assert not is_own_voice("what colour is the horse", answer)
    assert not is_own_voice("", answer)


def test_a_word_that_it_says_itself_may_be_its_own():
    assert has_only_words_of("Hat.", "A man wearing a red hat.")
    assert not has_only_words_of("Stop.", "A man wearing a red hat.")
