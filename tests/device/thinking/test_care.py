"""Which questions ask for more thought, and what they ask then."""

import pytest

from device.thinking.care import with_care


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Think carefully: what is behind the bottle?", "what is behind the bottle?"),
        ("Think carefully. What is this?", "What is this?"),
        ("Please think hard and tell me what this is.", "what this is."),
        ("Look closely, how many chairs are there?", "how many chairs are there?"),
        ("Take your time. Is the door open?", "Is the door open?"),
        ("What is on the table? Think carefully.", "What is on the table?"),
        ("How many are there, and look again please", "How many are there?"),
        ("Look again.", ""),
        ("Hey Glint, think twice!", ""),
    ],
)
def test_the_wish_is_taken_out(said, question):
    assert with_care(said) == (question, True)


@pytest.mark.parametrize(
    "said",
    ["What is this?", "What do you think about it all?", "Is she looking again at us?", "Look at the sign"],
)
def test_what_only_sounds_like_it_stays(said):
    assert with_care(said) == (said, False)
