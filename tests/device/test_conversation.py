"""What is remembered of an answer that was heard, or cut off."""

import numpy as np
import pytest

from device.thinking.attempt import Attempt
from device.thinking.conversation import Conversation

RATE = 1000
CLAUSES = ("On the table,", "there is a mug,", "and behind it a plant.")


@pytest.fixture
def over():
    return []


@pytest.fixture
def talk(over):
    return Conversation(over.append)


def answer(utterance: int = 0) -> Attempt:
    """Three clauses, each of two stretches that last a second."""
    attempt = Attempt(np.zeros(utterance, np.float32), None, None, lambda samples, rate: None)
    attempt.view = "view"
    attempt.release()
    for clause in CLAUSES:
        attempt.say(clause, np.full(RATE, 0.1, np.float32), RATE)
        attempt.say("", np.full(RATE, 0.2, np.float32), RATE)
    return attempt


def test_an_answer_that_was_heard_is_over_and_can_be_leant_on(talk, over):
    attempt = answer()
    attempt.turn.answer = attempt.all_text
    talk.finish(attempt)
    assert over == [attempt.turn]
    assert talk.past.view == "view"
    assert talk.last_words() == "On the table, there is a mug, and behind it a plant."


@pytest.mark.parametrize(("unheard_s", "heard"), [(5.5, 1), (4.1, 1), (3.5, 2), (2.5, 2), (1.5, 3), (0.2, 3)])
def test_what_was_cut_off_keeps_the_clauses_that_were_heard(talk, over, unheard_s, heard):
    attempt = answer()
    talk.interrupt(attempt, unheard_s, goes_on=False)
    assert attempt.turn.answer == " ".join(CLAUSES[:heard])
    assert over == []
    talk.move_on()
    assert over == [attempt.turn]


def test_what_was_no_interruption_goes_on_with_the_clause_that_was_cut(talk):
    played = []
    attempt = answer()
    talk.interrupt(attempt, 2.5, goes_on=False)
    rest = talk.rest(lambda samples, rate: played.append(samples))
    assert len(played) == 4  # both stretches of the second and the third clause
    assert played[0][0] == np.float32(0.1)
    assert rest.turn is attempt.turn
    assert rest.turn.answer == " ".join(CLAUSES)
    assert rest.finished.is_set()


def test_half_a_question_is_not_a_turn(talk, over):
    attempt = answer(utterance=5)
    talk.interrupt(attempt, 5.5, goes_on=True)
    assert talk.past is None
    assert len(talk.first_half) == 5
    talk.move_on(to_answer=True)
    assert over == []


def test_an_answer_that_is_silenced_as_soon_as_it_begins_is_a_turn(talk, over):
    attempt = answer(utterance=5)
    talk.interrupt(attempt, 5.5, goes_on=True)
    talk.move_on()
    assert over == [attempt.turn]
    assert talk.first_half is None


def test_repeat_after_an_interruption_means_the_whole_answer(talk):
    talk.interrupt(answer(), 5.5, goes_on=False)
    assert talk.last_words() == " ".join(CLAUSES)


def test_a_conversation_that_is_over_leaves_nothing_to_lean_on(talk, over):
    talk.interrupt(answer(), 2.5, goes_on=False)
    talk.forget()
    assert talk.past is None
    assert len(over) == 1
    assert talk.last_words() == ""
