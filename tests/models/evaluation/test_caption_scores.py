import pytest

from models.evaluation.caption_scores import bleu_4, cider, words

CAPTIONS = ["A dog runs across the grass.", "Two men play soccer.", "A red bus on a street."]
REFERENCES = [
    ["A brown dog runs through the grass.", "A dog is running on grass."],
    ["Two men are playing soccer on a field.", "Men play football.", "Two soccer players fight for the ball."],
    ["A bus drives down the street.", "A red double decker bus on a city street."],
]


def test_cider_equals_the_reference_implementation():
    assert cider(CAPTIONS, REFERENCES) == pytest.approx(1.990136379485369, abs=1e-9)  # printed by pycocoevalcap 1.2


def test_bleu_equals_the_reference_implementation():
    captions = ["a black dog is running through the snow", "two men are playing soccer on a field today"]
    references = [["a black dog running through the deep snow", "a dog is running through the snow"], REFERENCES[1]]
    assert bleu_4(captions, references) == pytest.approx(0.8574595034585853, abs=1e-8)  # by pycocoevalcap 1.2


def test_a_caption_that_repeats_a_reference_scores_more_than_one_that_does_not():
    same = [group[0] for group in REFERENCES]
    assert bleu_4(same, REFERENCES) == pytest.approx(1)
    assert cider(same, REFERENCES) > cider(CAPTIONS, REFERENCES) > cider(CAPTIONS[1:] + CAPTIONS[:1], REFERENCES)


def test_no_common_words_scores_nothing():
    assert cider(["xylophone"] * 3, REFERENCES) == 0
    assert bleu_4(["xylophone"] * 3, REFERENCES) == 0


def test_words_drop_case_and_punctuation():
    assert words("A man's hat, red-brown!") == ["a", "man's", "hat", "red", "brown"]
