"""The rows of all experts together: who answers what, who stays out of what, and that no picture breaks any of them."""

import numpy as np
import pytest

from device.evidence import Answer
from device.experts.instruments import open_instruments
from device.experts.scene import Scene
from device.experts.table import consult, intents, matches
from device.thinking.support import passed

QUESTIONS = {
    "What is the wifi password?": "wifi password",
    "What is the code?": "what code",
    "What does the QR code say?": "scan",
    "Is there a code?": "is there a code",
    "How much protein is in it?": "nutrient",
    "What are the nutrition facts?": "nutrition facts",
    "Which has less sugar?": "compare nutrition",
    "Which one is cheaper per litre?": "cheaper",
    "Is it vegan?": "diet",
    "Does it contain nuts?": "contains",
    "What are the allergens?": "allergens",
    "What are the ingredients?": "ingredients",
    "How big is the bottle?": "size",
    "How much does it cost?": "price",
    "When does it expire?": "date",
    "What is the title of the chart?": "chart title",
    "What is this chart about?": "chart subject",
    "What does the x axis show?": "chart axis",
    "Which bar is the highest?": "chart highest",
    "What is the highest value?": "chart highest value",
    "What is the value for March?": "chart value",
    "What is the trend?": "chart trend",
    "What kind of chart is this?": "chart kind",
    "Describe the chart.": "chart description",
    "Read the second line.": "read line",
    "Read this.": "read",
    "What does the sign say?": "read",
    "How many lines are there?": "count lines",
    "Spell it.": "spell",
    "Find the word exit.": "find word",
    "What colour is this?": "what colour",
    "What colour is the car?": "what colour is the thing",
    "Are these the same colour?": "same colour",
    "Is it red?": "is it a colour",
    "Where is the cat?": "where is it",
    "Is there a dog?": "is there one",
    "How many people are there?": "how many",
    "Is the picture sharp?": "picture quality",
    "Is it safe to cross?": "is it safe",
    "Can I eat this mushroom?": "is it safe",
    "Is the road clear?": "is it safe",
}

PICTURES = {
    "black": np.zeros((480, 640, 3), np.uint8),
    "white": np.full((480, 640, 3), 255, np.uint8),
    "one pixel": np.full((1, 1, 3), 90, np.uint8),
    "one row": np.full((1, 900, 3), 200, np.uint8),
    "noise": np.random.default_rng(1).integers(0, 256, (300, 200, 3), np.uint8),
}


@pytest.fixture(scope="module")
def instruments():
    return open_instruments()


@pytest.mark.parametrize(("question", "row"), QUESTIONS.items())
def test_who_is_asked(question, row):
    assert row in [intent.name for intent, _ in matches(question)]


@pytest.mark.parametrize(
    "question",
    [
        "What is this?",
        "Describe what you see.",
        "What is the man doing?",
        "What is on the table?",
        "Is the door open?",
        "What kind of fruit is that?",
        "Which of these two is bigger?",
        "Why is the man running?",
        "Tell me about this place.",
        "Is it raining?",
        "What is he wearing?",
        "What should I do?",
    ],
)
def test_what_is_left_to_the_model(question):
    assert list(matches(question)) == []


def test_names_of_rows_are_names():
    assert all(intent.name and intent.name == intent.name.lower() for intent in intents())


@pytest.mark.slow
@pytest.mark.parametrize("kind", PICTURES)
def test_no_picture_breaks_an_expert(kind, instruments):
    scene = Scene(PICTURES[kind], instruments, before=Scene(PICTURES["noise"], instruments))
    for question in QUESTIONS:
        found = consult(question, scene)
        assert found is None or isinstance(found[1], Answer)
        if found is not None:
            assert found[1].text[-1] in ".!?"
            assert passed(found[1].text, found[1].claims) == found[1].text, question
