"""Whether something is safe is never judged, however it is asked; harmless questions go on to others."""

import pytest

from device.experts.caution import INTENTS


def asked(question):
    return any(intent.match(question) is not None for intent in INTENTS)


@pytest.mark.parametrize(
    "question",
    [
        "Is it safe to cross now?",
        "Hey Glint, can I cross the street?",
        "Is this mushroom poisonous?",
        "Are these berries edible?",
        "Is that dog dangerous?",
        "May I drink this?",
        "Should I touch it?",
        "Is it okay to go?",
        "Is the road clear?",
        "Are we in danger?",
        "Is this water safe to drink?",
        "Is the crossing free?",
        "Who is this?",
        "Who is the man on the left?",
        "What is her name?",
        "Do you recognise this person?",
    ],
)
def test_questions_about_safety_and_about_who_somebody_is(question):
    assert asked(question)


@pytest.mark.parametrize(
    "question",
    [
        "Is this a safe?",
        "What is this?",
        "Can I have this in red?",
        "Is it vegan?",
        "Is the bottle open?",
        "Is the sky clear?",
        "Is the chair free?",
        "Are there any cars coming?",
        "What can I do here?",
        "Can you see the road?",
        "Who makes this?",
        "What is its name?",
        "Do you know what this is?",
    ],
)
def test_other_questions(question):
    assert not asked(question)
