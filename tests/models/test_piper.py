from itertools import islice

import numpy as np
import pytest

from models.errors import GlintError
from models.fetch import ensure
from models.piper import Piper


@pytest.fixture(scope="module")
def piper() -> Piper:
    return Piper(ensure("piper-joe-medium"))


def test_speaks_clause_by_clause(piper):
    chunks = list(piper.speak("On the table, there is a red mug. It is hot."))
    assert len(chunks) == 3
    assert 2 < sum(map(len, chunks)) / piper.rate < 7
    assert all(np.abs(chunk).max() > 0.05 for chunk in chunks)


def test_chunks_meet_without_a_click(piper):
    for chunk in piper.speak("On the table, there is a red mug. It is hot, careful! Is it?"):
        assert chunk[0] == 0
        assert chunk[-1] == 0
        assert np.abs(chunk).max() <= 1


def test_cancelled_midway_and_used_again(piper):
    speech = piper.speak("This is the first sentence. This is the next. " * 100)
    assert len(list(islice(speech, 1))) == 1
    speech.close()
    assert list(speech) == []
    assert len(list(piper.speak("Yes."))) == 1


@pytest.mark.parametrize("text", ["", "   ", "...", "?!"])
def test_nothing_to_say_yields_nothing(piper, text):
    assert list(piper.speak(text)) == []


def test_what_has_no_sound_in_it_does_no_harm(piper):
    assert sum(map(len, piper.speak("☃ 你好 😀 naïve café"))) > 0


def test_pace_stretches(piper):
    slow = Piper(ensure("piper-joe-medium"), pace=1.5)
    text = "There is a red mug on the table in front of you."
    assert sum(map(len, slow.speak(text))) > 1.2 * sum(map(len, piper.speak(text)))


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_damaged_folder_is_one_sentence(tmp_path, damage):
    if damage == "cut":
        for file in ensure("piper-joe-medium").iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes()[:1_000])
    with pytest.raises(GlintError, match="missing or damaged"):
        Piper(tmp_path)
