import json
from itertools import islice, pairwise

import numpy as np
import pytest

import models.piper
from models.errors import GlintError
from models.fetch import ensure
from models.piper import Piper


@pytest.fixture(scope="module")
def piper() -> Piper:
    return Piper(ensure("piper-joe-medium"))


@pytest.fixture(scope="module")
def steady(tmp_path_factory) -> Piper:
    """The voice without chance in it: it says a text the same way each time."""
    folder = tmp_path_factory.mktemp("steady")
    for file in ensure("piper-joe-medium").iterdir():
        (folder / file.name).symlink_to(file)
    (about,) = folder.glob("*.onnx.json")
    settings = json.loads(about.read_text())
    settings["inference"] |= {"noise_scale": 0, "noise_w": 0}
    about.unlink()
    about.write_text(json.dumps(settings))
    return Piper(folder)


def clauses(voice, text):
    """What is said with everything of a clause made at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models.piper, "FIRST_STRETCH", 1e3)
        return list(voice.speak(text))


def test_speaks_every_clause(piper):
    chunks = clauses(piper, "On the table, there is a red mug. It is hot.")
    assert len(chunks) == 3
    assert 2 < sum(map(len, chunks)) / piper.rate < 7
    assert all(np.abs(chunk).max() > 0.05 for chunk in chunks)


LONG = "There is a wooden table with a red mug in front of a white wall that has a small window with plants in it."


@pytest.mark.parametrize("text", ["No.", "It is hot, careful! Is it?", LONG])
def test_in_stretches_it_sounds_as_it_does_at_once(steady, text):
    at_once, stretches = np.concatenate(clauses(steady, text)), list(steady.speak(text))
    joined = np.concatenate(stretches)
    assert len(joined) == len(at_once)
    assert np.abs(joined - at_once).max() < 1e-4
    assert np.abs(at_once).max() > 0.05


def test_the_first_stretch_is_short_and_every_one_is_made_while_the_one_before_is_heard(piper):
    lengths = [len(stretch) / piper.rate for stretch in piper.speak(LONG)]
    assert len(lengths) > 3
    assert lengths[0] < 0.3
    assert all(later < 2.6 * earlier for earlier, later in pairwise(lengths))


def test_clauses_meet_without_a_click(piper):
    for chunk in clauses(piper, "On the table, there is a red mug. It is hot, careful! Is it?"):
        assert chunk[0] == 0
        assert chunk[-1] == 0
        assert np.abs(chunk).max() <= 1


def test_cancelled_midway_and_used_again(piper):
    speech = piper.speak("This is the first sentence. This is the next. " * 100)
    assert len(list(islice(speech, 1))) == 1
    speech.close()
    assert list(speech) == []
    assert sum(map(len, piper.speak("Yes."))) > 0


@pytest.mark.parametrize("text", ["", "   ", "...", "?!"])
def test_nothing_to_say_yields_nothing(piper, text):
    assert list(piper.speak(text)) == []


def test_what_has_no_sound_in_it_does_no_harm(piper):
    assert sum(map(len, piper.speak("☃ 你好 😀 naïve café"))) > 0


def test_pace_stretches(piper):
    slow = Piper(ensure("piper-joe-medium"), pace=1.5)
    text = "There is a red mug on the table in front of you."
    assert sum(map(len, slow.speak(text))) > 1.2 * sum(map(len, piper.speak(text)))


@pytest.mark.parametrize("damage", ["missing", "cut", "decoder.weights", "flow.weights"])
def test_damaged_folder_is_one_sentence(tmp_path, damage):
    for file in ensure("piper-joe-medium").iterdir():
        if damage == "cut" or file.name == damage:
            (tmp_path / file.name).write_bytes(file.read_bytes()[:1_000])
        elif damage != "missing":
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(GlintError, match="missing or damaged"):
        Piper(tmp_path)
