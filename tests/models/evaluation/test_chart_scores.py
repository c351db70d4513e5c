"""When an answer about a chart counts as right."""

import pytest

from models.evaluation.charts import Said, evaluate_charts, is_right, stands_in

NUMBER = {"file": "a.jpg", "path": "a.jpg", "question": "What is the highest value?", "answer": "40", "tolerance": 2.0}
NAME = {"file": "a.jpg", "path": "a.jpg", "question": "Which is the highest?", "answer": "Oslo", "kind": "largest"}


@pytest.mark.parametrize(
    ("finding", "right"), [("40", True), ("41.9", True), ("42.1", False), ("$40", True), ("", False)]
)
def test_a_number_within_the_tolerance_is_right(finding, right):
    assert is_right(finding, NUMBER) is right


def test_a_finding_with_two_numbers_or_more_words_is_not_exact():
    assert not is_right("40 or 10", NUMBER)
    assert not is_right("Oslo and Lima", NAME)
    assert is_right("oslo.", NAME)


def test_the_language_model_may_say_it_in_a_sentence():
    assert stands_in("The highest is Oslo.", NAME)
    assert stands_in("It is 1,000 or 39.", NUMBER)
    assert not stands_in("The highest is Lima.", NAME)


def test_figures_of_expert_and_model_side_by_side():
    said = {NUMBER["question"]: Said("39", "It is about 39.", 0.5), NAME["question"]: Said(None, "", 0.1)}
    report = evaluate_charts([NUMBER, NAME], lambda path, question: said[question], lambda path, question: "Oslo")
    assert report.figures == {
        "exact": 0.5,
        "wrong": 0.0,
        "refused": 0.5,
        "exact_largest": 0.0,
        "seconds_per_image": 0.5,
        "exact_model_alone": 0.5,
        "exact_largest_model_alone": 1.0,
        "questions": 2,
        "pictures": 1,
    }
    assert [record["outcome"] for record in report.answers] == ["exact", "refused"]
