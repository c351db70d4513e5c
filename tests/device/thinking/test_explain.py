"""What "why?" and "show me" say of the claims that the answer before rests on."""

from dataclasses import replace

import pytest

from device.evidence import Basis, Claim
from device.steps import Act, Step
from device.thinking.explain import NOTHING, account, doubts, explained, place
from device.thinking.support import passed

SIGN = Claim("text", "EXIT", 0.95, Basis.VERBATIM, (0.7, 0.0, 0.9, 0.1), "EXIT")
PROTEIN = Claim("labels", "6.2 grams", 0.9, Basis.MEASURED, (0.1, 0.4, 0.5, 0.5), "Protein 6.2 g")
LOOKED, FOR_TEXT = Step(Act.LOOKED, "the whole picture", ms=200), Step(Act.LOOKED, "for text")
ASKED = Step(Act.ASKED, "the language model", tokens=4)
DOG = Claim("finder", "dog", 0.9, Basis.INFERRED, (0.0, 0.3, 0.2, 0.6))


@pytest.mark.parametrize(
    "question", ["Why?", "How do you know?", "Are you sure about that?", "Glint, what makes you say that?", "How come?"]
)
def test_why_tells_what_was_read(question):
    assert explained(question, [SIGN]).text == 'I read "EXIT" at the top right.'


def test_a_measurement_names_its_line():
    assert explained("why", [PROTEIN]).text == 'I measured 6.2 grams from "Protein 6.2 g" on the left.'


def test_an_opinion_is_told_as_one():
    assert explained("why", [DOG]).text == "I am quite sure that I see this on the left: dog."


def test_what_was_read_comes_before_opinions_and_two_are_enough():
    answer = explained("why", [DOG, DOG, PROTEIN, SIGN])
    assert [claim.source for claim in answer.claims] == ["text", "labels"]


def test_without_evidence_it_says_so():
    assert explained("why", []).text == NOTHING


def test_show_me_says_where_and_gives_the_box():
    answer = explained("Show me.", [SIGN])
    assert answer.text == '"EXIT" is at the top right of the picture.'
    assert answer.claims == (SIGN,)
    assert "cannot point" in explained("show me", [Claim("names", "Pineapple", 0.9)]).text


@pytest.mark.parametrize("question", ["Why is the man running?", "What is this?", "Show me the way to the station"])
def test_other_questions_are_not_about_the_answer(question):
    assert explained(question, [SIGN]) is None


def test_what_it_says_passes_the_gate():
    for claims in ([SIGN], [PROTEIN], [DOG]):
        for question in ("why", "show me"):
            answer = explained(question, claims)
            assert passed(answer.text, answer.claims) == answer.text


def test_places():
    assert place((0.4, 0.4, 0.6, 0.6)) == "in the middle"
    assert place((0.0, 0.8, 0.2, 1.0)) == "at the bottom left"
    assert place((0.4, 0.0, 0.6, 0.1)) == "at the top"


@pytest.mark.parametrize(
    ("claims", "steps", "text"),
    [
        ([SIGN], [LOOKED, FOR_TEXT], 'I looked at the whole picture and read "EXIT" at the top right.'),
        (
            [SIGN, PROTEIN],
            [LOOKED, FOR_TEXT, Step(Act.COMPARED, "the products")],
            'I looked at the whole picture, read "EXIT" at the top right, measured 6.2 grams from "Protein 6.2 g" '
            "on the left and compared the products.",
        ),
        ([SIGN, SIGN], [LOOKED], 'I looked at the whole picture and read "EXIT" at the top right.'),
        ([], [LOOKED, FOR_TEXT], f"I looked at the whole picture and for text. {NOTHING}"),
        (
            [DOG],
            [LOOKED, Step(Act.FOUND, "signs of dog"), ASKED],
            "I looked at the whole picture and asked the language model. "
            "I am quite sure that I see this on the left: dog.",
        ),
        (
            [],
            [LOOKED, ASKED, Step(Act.AGREED, "the answer", votes=(6, 8))],
            "I looked at the whole picture and asked the language model. 6 of 8 ways agreed.",
        ),
        ([], [], NOTHING),
    ],
)
def test_how_do_you_know_tells_the_steps_in_one_or_two_sentences(claims, steps, text):
    answer = account(claims, steps)
    assert answer.text == text
    assert passed(answer.text, answer.claims) == text
    assert explained("How do you know that?", claims, steps) == answer
    assert {claim for claim in answer.claims if claim.source != "steps"} <= set(claims)


def test_why_tells_the_reasons_without_the_steps():
    assert explained("Why?", [SIGN], [LOOKED, FOR_TEXT]).text == 'I read "EXIT" at the top right.'


def test_a_doubt_is_told_from_a_why():
    assert doubts("Are you sure?")
    assert doubts("Glint, are you really certain about that?")
    assert not doubts("Why?")
    assert not doubts("Are you sure the door is open?")


@pytest.mark.parametrize(
    ("chance", "said"), [(0.05, "No. That was only a guess"), (0.3, "Not very."), (0.9, "Fairly, but I am wrong")]
)
def test_how_sure_it_is_goes_by_the_chance_of_the_answer(chance, said):
    answer = explained("Are you sure?", [DOG], [LOOKED, replace(ASKED, chance=chance)])
    assert answer.text.startswith(said)
    assert answer.text.endswith("that I see this on the left: dog.")
    assert passed(answer.text, answer.claims) == answer.text


def test_an_answer_of_chance_alone_has_no_other_reasons():
    assert explained("Are you sure?", [], [replace(ASKED, chance=0.3)]).text == "Not very. I may well be wrong."
