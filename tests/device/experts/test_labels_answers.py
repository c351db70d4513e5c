"""What is asked about labels and shelves, and what is answered; the text is given, as wording is what is tested."""

from datetime import date

import numpy as np
import pytest

from device.evidence import Basis
from device.experts.instruments import open_instruments
from device.experts.labels import INTENTS
from device.experts.scene import Scene
from device.thinking.support import passed
from tests.device.experts.label_text import printed

YOGHURT = printed(
    """
    Typical values      per 100g     per pot (150g)
    Energy              409kJ        614kJ
                        97kcal       146kcal
    Fat                 5.0g         7.5g
    Carbohydrate        4.0g         6.0g
    of which sugars     4.0g         6.0g
    Protein             9.0g         14g
    """
)
CEREAL = printed(
    """
    Nutrition Facts
    Serving size   1 cup (40g)
    Calories       160
    Total Fat 2.5g
    Sodium 125mg            5%
    Total Carbohydrate 30g  5%
    Total Sugars 12g
    Protein 4g              16%
    """
)
BISCUITS = printed(
    """
    Choco Oat
    Ingredients: Oat flakes, sugar, skimmed milk powder,
    cocoa butter, honey, soya lecithin.
    May contain nuts and sesame.
    500 g e
    Best before: 12.03.2026
    """
)
JUICE = printed("Orange Juice\n1 L\n£1.80\n£0.18 per 100ml")
DRINK = printed("Juice drink\n2 L\n£2.60\n3 for £6")


def scene(lines=(), before=None, today=date(2026, 3, 15)) -> Scene:
    made = Scene(np.zeros((720, 1280, 3), np.uint8), open_instruments(), before, today)
    made.__dict__["lines"] = tuple(lines)  # as if they had been read
    return made


def asked(question: str, where: Scene):
    for intent in INTENTS:
        words = intent.match(question)
        if words is not None and (answer := intent.answer(where, words)) is not None:
            return answer
    return None


@pytest.mark.parametrize(
    ("lines", "question", "answer"),
    [
        (YOGHURT, "How much protein is in it?", "It says protein 9 g per 100 g."),
        (YOGHURT, "how much sugar per pot or per serving", "It says sugar 6 g per serving of 150 g."),
        (YOGHURT, "How many calories does this have?", "It says 97 kilocalories per 100 g."),
        (YOGHURT, "how much fibre is in this", "I can read nutrition facts, but not how much fibre there is."),
        (
            CEREAL,
            "How much fat is in it?",
            "By the serving's size I work out fat 6.25 g per 100 g. It says 2.5 g per serving of 40 g.",
        ),
        (CEREAL, "how much sodium per serving", "It says sodium 125 milligrams per serving of 40 g."),
        (BISCUITS, "Is it vegan?", "I read milk and honey in the ingredients, so it is not vegan."),
        (
            BISCUITS,
            "is this vegetarian",
            "I see nothing that is not vegetarian in the ingredients I could read, but I may have missed some.",
        ),
        (
            BISCUITS,
            "does it contain nuts?",
            "It says: May contain nuts and sesame. I see no nuts in the ingredients I could read, "
            "but I may have missed some.",
        ),
        (
            BISCUITS,
            "is it safe with a nut allergy",
            "I can't tell you whether it is safe. In what I could read: gluten from oat, soya and milk. "
            "It says: May contain nuts and sesame. I may have missed some.",
        ),
        (BISCUITS, "how much is in it?", "It says 500 g."),
        (BISCUITS, "Is it past its date?", "It says best before: 12 March 2026. That was 3 days ago."),
        (JUICE, "How much does it cost?", "It says 1.80 pounds, that is 18 pence per 100 ml."),
        (DRINK, "what's the price?", "It says 2.60 pounds. There is an offer: 3 for £6."),
        ((), "how much protein is in it", "I can't read any nutrition facts here. "
         "Turn to the table on the back, and hold it close and straight."),
        ((), "is it gluten free", "I can't read a list of ingredients here. Show me the back, close and straight."),
        ((), "how much is it", "I can't read a price here. Point at the tag, and come closer."),
        ((), "when does it expire", "I can't read a date here. It is often on the lid, the edge or the bottom."),
    ],
)  # fmt: skip
def test_one_label(lines, question, answer):
    assert asked(question, scene(lines)).text == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which has less sugar?", "The one before has less sugar: 4 g against 30 g per 100 g."),
        ("which one has more protein", "This one has more protein: 10 g against 9 g per 100 g."),
    ],
)
def test_compares_with_the_picture_before(question, answer):
    assert asked(question, scene(CEREAL, scene(YOGHURT))).text == answer


def test_compares_two_labels_in_one_picture():
    left = printed("per 100 g\nEnergy    200 kcal\nFat       5 g\nSugars    12 g")
    right = printed("per 100 g\nEnergy    300 kcal\nFat       9 g\nSugars    6,5 g", x=700)
    answer = asked("which has less sugar?", scene((*left, *right)))
    assert answer.text == "The right one has less sugar: 6.5 g against 12 g per 100 g."
    assert passed(answer.text, answer.claims) == answer.text
    each = asked("how much fat is in it", scene((*left, *right)))
    assert each.text == "On the left: it says fat 5 g per 100 g. On the right: it says fat 9 g per 100 g."
    assert passed(each.text, each.claims) == each.text
    assert answer.claims[0].box != answer.claims[1].box
    assert answer.claims[-1].basis is Basis.MEASURED


@pytest.mark.parametrize(
    "question",
    [
        *("how much sugar's in this", "the calories", "is it high in sugar", "how many grams of protein per serving"),
        *("does this have a lot of sugar", "what's the sugar content of this yoghurt", "is there sugar in it"),
    ],
)
def test_ways_to_ask_for_a_nutrient(question):
    assert asked(question, scene(YOGHURT)).text.startswith("It says")


@pytest.mark.parametrize(
    "question",
    [
        *("can a vegan eat this", "Is this chocolate vegan?", "is it suitable for vegans", "has it got milk in it"),
        *("can I eat this if I'm vegan", "does this contain dairy", "is there any milk in this"),
    ],
)
def test_ways_to_ask_for_what_is_in_it(question):
    assert asked(question, scene(BISCUITS)).text.startswith("I read milk")


def test_compares_prices_by_the_litre():
    answer = asked("Which is cheaper?", scene(JUICE, scene(DRINK)))
    assert answer.text == "The one before is cheaper: 1.30 pounds against 1.80 pounds per litre."


def test_does_not_compare_what_cannot_be_compared():
    rice = printed("Rice\n1 kg\n2,00 €")
    answer = asked("which is cheaper", scene(JUICE, scene(rice)))
    assert answer.text == "I read 1.80 pounds and 2 euros, but they are not in the same units, so I can't compare."
    alone = asked("which has less sugar", scene(YOGHURT))
    assert alone.text.startswith("I can read only a single label")


@pytest.mark.parametrize(
    ("text", "today", "answer"),
    [
        (
            "Best before 03/04/26",
            date(2026, 3, 15),
            "It says best before: 3 April 2026, or 4 March 2026 if the month comes first; I can't tell which.",
        ),
        (
            "Best before 03/04/26",
            date(2026, 5, 1),
            "It says best before: 3 April 2026, or 4 March 2026 if the month comes first; I can't tell which. "
            "Both have passed.",
        ),
        ("USE BY\n15 MAR", date(2026, 3, 15), "It says use by: 15 March 2026. That is today."),
        ("EXP 05/2026", date(2026, 5, 30), "It says expires: May 2026. That is in 1 day."),
        ("BBE24.12.2026 L3", date(2026, 12, 20), "It says best before: 24 December 2026. That is in 4 days."),
        (
            "Packed on 20/02/26",
            date(2026, 3, 15),
            "I can read only when it was made, no date to use it by. It is often on the lid, the edge or the bottom.",
        ),
    ],
)
def test_dates(text, today, answer):
    assert asked("is it past its date", scene(printed(text), today=today)).text == answer


def test_claims_cite_the_line_and_its_place():
    claim = asked("how much protein is in it", scene(YOGHURT)).claims[0]
    assert claim.source == "labels"
    assert claim.line == "Protein 9.0g 14g"
    assert claim.basis is Basis.VERBATIM
    assert claim.confidence == pytest.approx(0.98)
    left, top, right, bottom = claim.box
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1


@pytest.mark.parametrize("lines", [YOGHURT, CEREAL, BISCUITS, JUICE, DRINK])
@pytest.mark.parametrize(
    "question",
    [
        *("how much protein is in it", "what are the nutrition facts", "what are the ingredients", "how much is it"),
        *("how much is in it", "when does it expire", "how much salt per serving", "which is cheaper", "is it vegan"),
        *("which has less sugar", "how many calories are in it", "what allergens are in it", "is it gluten free"),
    ],
)
def test_claims_bear_out_every_fact_that_is_spoken(lines, question):
    answer = asked(question, scene(lines, scene(DRINK, scene(YOGHURT))))
    if question == "how much is in it" and lines in (YOGHURT, CEREAL):
        assert answer is None  # no size is printed; it may be about something else
        return
    assert passed(answer.text, answer.claims) == answer.text


def test_an_unsure_reading_is_said_to_be_unsure():
    shaky = printed("per 100 g\nEnergy 97 kcal\nProtein 9.0g", confidence=0.5)
    assert asked("how much protein is in it", scene(shaky)).text.endswith("I am not sure I read it right.")


def test_a_value_that_cannot_be_right_is_not_given():
    lines = printed("per 100g\nEnergy 200kcal\nFat 10g\nSaturates 160g")
    assert asked("how much saturated fat is in it", scene(lines)).text == "I can't read the saturated fat for certain."


def test_a_contradiction_is_said():
    wrong = printed("per 100 g\nEnergy 97 kcal\nCarbohydrate 4 g\nSugars 40 g")
    text = asked("how much sugar is in it", scene(wrong)).text
    assert "the label contradicts itself: sugars 40 g are more than carbohydrate 4 g" in text


@pytest.mark.parametrize(
    "question",
    [
        *("what is this", "how much sugar is in an apple", "how much protein should I eat a day", "where is the milk"),
        *("is there a dog in the picture", "what is the date today", "how many people are there", "read this"),
        *("is it red", "how old is it", "what does the sign say", "what is in the bowl", "how big is it"),
        *("which is bigger", "is it open", "how much time do I have", "does it have a handle"),
    ],
)
def test_other_questions_are_left_alone(question):
    assert asked(question, scene()) is None
