"""Tries to get numbers, prices, dates and names past the gate, and sees that what is borne out passes as it is."""

import pytest

from device.evidence import Basis, Claim
from device.thinking.support import Gate, Sayable, own_words, passed, passed_clauses

LABEL = Claim("labels", "6.2 grams per 100 grams", 0.9, Basis.VERBATIM, line="Protein 6.2 g")


@pytest.mark.parametrize(
    "smuggled",
    [
        "There are 3 dogs.",
        "There are three dogs.",
        "There are twenty-one dogs.",
        "There are half a dozen dogs.",
        "There are a hundred and five dogs.",
        "There are \uff13 dogs.",  # full width
        "There are \u0663 dogs.",  # Arabic-Indic
        "There are th\u200bree dogs.",  # with a space that nobody sees
        "There are t\u0301hree dogs.",
        "There are ½ dogs.",
        "There are ² dogs.",
        "There are thr\u0435\u0435 dogs.",  # Cyrillic e
        "The king is Henry VIII.",
        "The man wears a Nike shirt.",
        "Somebody drinks pepsi from a can.",
        "A can of Blorvo stands there.",
        "A box of eBorg stands there.",
        "There is one dog on the grass.",
    ],
)
def test_a_fact_without_a_claim_is_said_to_be_a_guess(smuggled):
    assert passed(smuggled).startswith("I think ")


@pytest.mark.parametrize(
    ("smuggled", "said"),
    [
        ("It costs 3 dollars.", "I cannot read a price there."),
        ("It costs $3.", "I cannot read a price there."),
        ("It costs three euros and it is red.", "I cannot read a price there."),
        ("It was made on Monday.", "I cannot read a date there."),
        ("It is good until 12.03.2027.", "I cannot read a date there."),
        ("It is good until 4 May.", "I cannot read a date there."),
        ("It is 10:30.", "I cannot read the time there."),
        ("10:55", "I cannot read the time there."),
        ("1 800 800 1000", "I cannot read a number there, and will not guess one."),
        ("Call 555-0199 2.", "I cannot read a number there, and will not guess one."),
        ("Bus stop 46021.", "I cannot read a number there, and will not guess one."),
        ("This is Paracetamol.", "I cannot read for certain which medicine that is, and will not guess."),
        ("Amoxicillin.", "I cannot read for certain which medicine that is, and will not guess."),
        ("Take two tablets a day.", "I cannot read for certain which medicine that is, and will not guess."),
        ("It has 500 mg in it.", "I cannot read for certain which medicine that is, and will not guess."),
    ],
)
def test_what_nobody_should_guess_is_not_said(smuggled, said):
    assert passed(smuggled) == said


def test_a_fragment_becomes_a_sentence():
    assert passed("2") == "My guess is 2"
    assert passed("One.") == "My guess is one."
    assert passed("Two.") == "My guess is two."
    assert passed("Granny Smith.") == "My guess is Granny Smith."


@pytest.mark.parametrize(
    "harmless",
    [
        "A dog runs over the grass.",
        "No one is there.",
        "One of the men wears a hat, the other one does not.",
        "A couple of people sit on a bench.",
        "The man may march.",
        "Yes.",
        "I see a TV and a T-shirt.",
        "A QR code with a link to a shop.",
        "A pair of shoes.",
        "If there is one, hold it closer.",
        "A CD lies beside the TV.",
    ],
)
def test_what_is_no_fact_passes(harmless):
    assert passed(harmless) == harmless


def test_a_claim_supports_its_number_however_it_is_written():
    assert passed("It has 6.2 g of protein.", [LABEL]) == "It has 6.2 g of protein."
    assert passed("It has 6,2 g of protein.", [LABEL]) == "It has 6,2 g of protein."
    two = Claim("finder", "2 dogs", 0.9)
    assert passed("Two dogs run.", [two]) == "Two dogs run."


def test_another_number_or_another_thing_is_not_supported():
    assert passed("It has 6.3 g of protein.", [LABEL]).startswith("I think")
    assert passed("Two cats are sleeping there.", [Claim("finder", "2 dogs", 0.9)]).startswith("I think")


def test_capitals_that_were_read():
    assert passed("It says: CLUB313.", [Claim("text", "CLUB313", 0.9, Basis.VERBATIM)]) == "It says: CLUB313."


def test_a_claim_that_is_unsure_supports_nothing():
    assert passed("Two dogs run there.", [Claim("finder", "2 dogs", 0.4)]).startswith("I think")


def test_prices_and_medicines_that_were_read_are_said():
    price = Claim("labels", "£2.50", 0.9, Basis.VERBATIM, line="Cola £2.50")
    assert passed("It costs £2.50.", [price]) == "It costs £2.50."
    drug = Claim("text", "Paracetamol 500 mg", 0.9, Basis.VERBATIM, line="Paracetamol 500 mg")
    assert passed("It says: Paracetamol 500 mg.", [drug]) == "It says: Paracetamol 500 mg."


def test_i_think_is_said_once_a_sentence():
    clauses = ["Three dogs run,", "two cats sleep.", "Four birds sing along."]
    assert list(passed_clauses(clauses)) == [
        "I think three dogs run,",
        "two cats sleep.",
        "I think four birds sing along.",
    ]


def test_a_fact_in_the_middle_of_a_sentence():
    assert list(passed_clauses(["A man walks there,", "and three dogs follow."])) == [
        "A man walks there,",
        "and perhaps three dogs follow.",
    ]


def test_a_refusal_is_said_once():
    gate = Gate()
    assert gate.passed("It costs 3 dollars.") == "I cannot read a price there."
    assert gate.passed("Or 4 dollars.") == ""
    assert gate.passed("It is red.") == "It is red."


def test_what_comes_out_is_what_voice_and_display_take():
    assert isinstance(passed("A dog."), Sayable)
    assert isinstance(own_words("I cannot see anything."), Sayable)


def test_the_assistants_own_words_may_not_state_facts():
    with pytest.raises(ValueError, match="3"):
        own_words("There are 3 dogs.")


def test_what_has_passed_passes_again_as_it_is():
    for text in ("There are three dogs.", "2", "It costs 3 dollars.", "A man walks there."):
        assert passed(passed(text)) == passed(text)


def test_verbatim_text_stays_as_it_is_written():
    sign = Claim("text", "Öffnungszeit 9\u00bd Uhr", 0.9, Basis.VERBATIM)
    assert passed("It says: Öffnungszeit 9\u00bd Uhr.", [sign]) == "It says: Öffnungszeit 9\u00bd Uhr."
