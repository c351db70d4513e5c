import pytest

from models.evaluation.answers import is_exact, names_it, normalise, vqa_accuracy


@pytest.mark.parametrize(
    ("answer", "accepted", "right"),
    [
        ("Yes.", ["yes"], True),
        ("The dog", ["a dog"], True),
        ("2", ["2", "3"], True),
        ("two", ["2"], False),
        ("dogs", ["dog"], False),
        ("", ["no"], False),
        ("t-shirt", ["T shirt"], True),
    ],
)
def test_exact(answer, accepted, right):
    assert is_exact(answer, accepted) is right


def test_a_name_must_stand_as_whole_words():
    assert names_it("A Granny Smith apple.", ["Granny Smith"])
    assert names_it("It is a sofa.", ["couch", "sofa"])
    assert not names_it("A pineapple.", ["apple"])
    assert not names_it("", [""])


def test_vqa_accuracy_leaves_each_voter_out_in_turn():
    assert vqa_accuracy("cat", {"cat": 9, "human": 1}) == 1
    assert vqa_accuracy("human", {"cat": 9, "human": 1}) == pytest.approx(0.3)
    assert vqa_accuracy("two", {"two": 3, "three": 7}) == pytest.approx((3 * 2 / 3 + 7 * 1) / 10)
    assert vqa_accuracy("dog", {"cat": 10}) == 0


def test_normalise():
    assert normalise("  The  Big, red BUS! ") == "big red bus"
