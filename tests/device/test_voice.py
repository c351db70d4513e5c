from pathlib import Path

import pytest

from device.hearing.recognizer import open_recognizer
from device.speaking.voice import VOICES, open_voice, say
from models.audio import read_sound
from models.errors import GlintError
from models.evaluation.speech import evaluate_speech, read_utterances

DATA = Path(__file__).parents[1] / "data" / "speech.jsonl"


@pytest.mark.parametrize("name", VOICES)
def test_says_into_a_file(tmp_path, name):
    path = tmp_path / "answer.wav"
    spoken = say(open_voice(name), "There is a red mug on the table. It is hot.", path)
    sound = read_sound(path)
    assert sound.seconds == pytest.approx(spoken.seconds, abs=0.001)
    assert 1.5 < spoken.seconds < 7
    assert 0 < spoken.first_audio_ms <= spoken.total_ms


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bound"), [("piper", 0.12), ("espeak", 0.35), ("system", 0.4)])
def test_voice_is_understood(tmp_path, name, bound):
    sentences = tmp_path / "sentences.jsonl"
    sentences.write_text("".join(line for line in DATA.open() if '"file"' not in line))
    assert len(read_utterances(sentences)) == 20
    figures = evaluate_speech(sentences, open_recognizer(), {name: open_voice(name)})
    assert figures["sentences"] == 20
    assert figures[f"wer_{name}"] <= bound


def test_nothing_to_say_writes_no_file(tmp_path):
    path = tmp_path / "answer.wav"
    with pytest.raises(GlintError, match="nothing to say"):
        say(open_voice("espeak"), " ... ", path)
    assert not path.exists()


def test_place_that_cannot_be_written(tmp_path):
    with pytest.raises(GlintError, match="cannot be written"):
        say(open_voice("espeak"), "Hello.", tmp_path / "no" / "answer.wav")


def test_unknown_name():
    with pytest.raises(GlintError, match=r"'siri'; choose one of piper, espeak, system\."):
        open_voice("siri")
