import pytest

from models.spoken_text import LONGEST, clauses, pieces, readable


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**A cup** of `tea`\n- and a #bun", "A cup of tea - and a bun"),
        ("3.5 km or 20cm, 5 m", "3.5 kilometres or 20 centimetres, 5 metres"),
        ("21 °C at 30 km/h", "21 degrees Celsius at 30 kilometres per hour"),
        ("5 men", "5 men"),
    ],
)
def test_readable(written, said):
    assert readable(written) == said


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Yes, it is.", ["Yes,", "it is."]),
        ("It costs 3.50, at 10:30. Really?", ["It costs 3.50,", "at 10:30.", "Really?"]),
        ("Mr. Smith comes at 5 p.m. today.", ["Mr. Smith comes at 5 p.m. today."]),
        ('He said "stop." Then left', ['He said "stop."', "Then left"]),
        ("Well... no!", ["Well...", "no!"]),
        ("... , !", []),
        ("", []),
    ],
)
def test_clauses(text, parts):
    assert clauses(text) == parts


def test_first_piece_is_short_and_the_rest_are_sentences():
    assert pieces("On the table, there is a cup, and a plate. It is hot, careful.") == [
        "On the table,",
        "there is a cup, and a plate.",
        "It is hot, careful.",
    ]


def test_one_short_word_takes_the_next_clause_along():
    assert pieces("Yes, there is.") == ["Yes, there is."]


def test_no_piece_is_long_and_no_word_is_lost():
    text = "word " * 200 + "end. " + "clause with words, " * 30
    found = pieces(text)
    assert all(len(piece) <= LONGEST for piece in found)
    assert " ".join(found).split() == text.split()
