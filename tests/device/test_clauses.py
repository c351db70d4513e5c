from device.speaking.clauses import clauses_as_written


def test_a_clause_comes_as_soon_as_the_next_begins():
    taken = []

    def pieces():
        for piece in ["A dog", " runs", " fast", ",", " and", " a cat", " sleeps", "."]:
            taken.append(piece)
            yield piece

    stream = clauses_as_written(pieces())
    assert next(stream) == "A dog runs fast,"
    assert taken[-1] == " and"
    assert list(stream) == ["and a cat sleeps."]


def test_short_clauses_and_numbers_stay_together():
    assert list(clauses_as_written("Yes, it is 3.5 kg heavy. Take care.")) == ["Yes, it is 3.5 kg heavy.", "Take care."]
    assert list(clauses_as_written(["Yes"])) == ["Yes"]


def test_every_word_is_said_once_however_the_text_arrives():
    text = "Well, no: there are two men, one woman; and a dog! What else? Nothing."
    for width in (1, 2, 5, 100):
        pieces = [text[i : i + width] for i in range(0, len(text), width)]
        assert " ".join(clauses_as_written(pieces)) == text


def test_nothing_is_said_of_nothing():
    assert list(clauses_as_written([])) == []
    assert list(clauses_as_written([" ", "\n"])) == []
