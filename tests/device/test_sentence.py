"""What the words alone say about whether a question is over. None of these are the benchmark's."""

import pytest

from device.hearing.sentence import Sentence, asks_nothing, sentence


@pytest.mark.parametrize(
    "words",
    [
        "What's this?",
        "What does the sign say?",
        "Which one is cheaper?",
        "How much sugar is in it?",
        "Where's the exit?",
        "Can you read the label?",
        "Is the light green?",
        "Read the first line.",
        "Describe this.",
        "And the other one?",
        "And what colour is the cup?",
        "What about the blue one?",
        "Tell me what it is.",
        "Stop.",
        "Louder, please.",
        "What colors the clock?",
        "How many wheels does the cart have?",
        "Can you tell me where the exit is?",
        "What an on the right side now?",
        "I have two bags here, which one is heavier?",
        "Excuse me. So please tell me where the exit is.",
    ],
)
def test_a_whole_question(words):
    assert sentence(words) is Sentence.WHOLE


@pytest.mark.parametrize(
    "words",
    [
        "What is the",
        "What colour is",
        "Can you tell me how",
        "In this picture,",
        "Is there a cup of",
        "Read the label and",
        "Do you know",
        "Tell me about the",
        "Which of",
        "How many",
        "Where is my",
        "Is it because",
        "How many cups are in",
        "Is there a cup on",
        "Tell me where is",
    ],
)
def test_something_must_follow(words):
    assert sentence(words) is Sentence.OPEN


@pytest.mark.parametrize(
    "words",
    [
        "",
        "...",
        "I am lost.",
        "What is the man standing on?",
        "Is the lamp on?",
        "What kind of the cups",
        "Well, the door",
        "Is the door",
        "The red cup",
        "Bananas",
        "Describe",
        "What is this for?",
    ],
)
def test_it_cannot_be_told(words):
    assert sentence(words) is Sentence.UNCLEAR


@pytest.mark.parametrize("heard", ["Stop.", "Dot.", "Yeah.", "Tap", "Start talking.", "Shh!", "Thank you."])
def test_a_word_or_two_over_an_answer_ask_nothing(heard):
    assert asks_nothing(heard)


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "Why?",
        "What's this?",
        "How much?",
        "Is it?",
        "Read it.",
        "On the left",
        "And blue?",
        "The red one",
        "It is?",
    ],
)
def test_what_is_or_continues_a_question_does(heard):
    assert not asks_nothing(heard)
