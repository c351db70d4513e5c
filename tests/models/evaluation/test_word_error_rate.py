import pytest

from models.evaluation.word_error_rate import spoken_words, word_error_rate


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("There's a well-known CAFÉ!", "there is a well known café"),
        ("I can\u2019t see 12 cups.", "i can not see twelve cups"),
        (
            "1,234 people, 20% of 3.5 km",
            "one thousand two hundred thirty four people twenty percent of three point five km",
        ),
        ("90210 and 1234567", "ninety thousand two hundred ten and one two three four five six seven"),
        ("?!", ""),
    ],
)
def test_spoken_words(written, said):
    assert spoken_words(written) == said


def test_errors_per_word_of_all_references():
    references = ["the cat sat", "on the 2 mats now"]
    assert word_error_rate(references, ["The cat sat.", "On the two mats, now!"]) == 0
    assert word_error_rate(references, ["the bat sat", "on two mats now or"]) == pytest.approx(3 / 8)
    assert word_error_rate(references, ["", ""]) == 1
