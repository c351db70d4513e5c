import pytest

from device.hearing.recognizer import open_recognizer
from models.audio import read_sound
from models.errors import GlintError
from models.fetch import ensure


def test_default_hears_english():
    sound = read_sound(ensure("moonshine-recordings") / "beckett.wav")
    assert "fail better" in open_recognizer().transcribe(sound).text.lower()


def test_vosk_needs_a_folder():
    with pytest.raises(GlintError, match="--vosk-model"):
        open_recognizer("vosk")


def test_folder_without_vosk_is_not_ignored(tmp_path):
    with pytest.raises(GlintError, match="--recognizer vosk"):
        open_recognizer("moonshine", tmp_path)


def test_unknown_name():
    with pytest.raises(GlintError, match=r"'whisper'; choose one of moonshine, vosk\."):
        open_recognizer("whisper")
