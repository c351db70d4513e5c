import json
from pathlib import Path

import numpy as np
import pytest

from models.audio import Sound, write_wav
from models.errors import GlintError
from models.espeak import Espeak
from models.evaluation.speech import evaluate_speech, read_utterances
from models.fetch import ensure
from models.moonshine import Moonshine

DATA = Path(__file__).parents[2] / "data" / "speech.jsonl"


@pytest.fixture(scope="module")
def moonshine() -> Moonshine:
    return Moonshine(ensure("moonshine-tiny-en"))


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.slow
def test_known_reading_is_heard_nearly_without_errors(moonshine):
    figures = evaluate_speech(DATA, moonshine, {}, limit=1)
    assert figures["wer"] <= 0.06
    assert figures["utterances"] == 1
    assert figures["audio_seconds"] == pytest.approx(44.37)
    assert figures["rtf"] > 0


def test_wrong_text_counts_and_silence_is_all_left_out(tmp_path, moonshine):
    recording = str(ensure("moonshine-recordings") / "beckett.wav")
    write_wav(tmp_path / "silence.wav", Sound(np.zeros(16_000, np.float32), 16_000))
    data = write(
        tmp_path / "data.jsonl",
        {"file": recording, "text": "Ever tried. Ever failed. No matter. Try again. Fail again. Fail worse."},
        {"file": "silence.wav", "text": "Nobody said these."},
    )
    assert evaluate_speech(data, moonshine, {})["wer"] == pytest.approx(4 / 15, abs=1e-4)


def test_round_trip_measures_every_voice(tmp_path, moonshine, capsys):
    texts = ["I can see two people and a small dog.", "The traffic light has just turned green.", "Stop."]
    data = write(tmp_path / "data.jsonl", *({"text": text} for text in texts))
    figures = evaluate_speech(
        data, moonshine, {"slow": Espeak(words_per_minute=130), "fast": Espeak(words_per_minute=450)}, limit=2
    )
    assert figures["sentences"] == 2
    assert figures["wer_slow"] < figures["wer_fast"]
    assert figures["first_audio_ms_slow"] > 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has no lines"),
        (b'{"text": "fine"}\n{"file": "x.wav"}\n', "line 2: expected"),
        (b'{"text": 3}', "line 1: expected"),
        (b'{"text": "..."}', "line 1: expected"),
        (b"[1]", "line 1: expected"),
        (b"nonsense", "line 1: expected"),
        (b"\xff\xfe\xff", "not text in UTF-8"),
    ],
)
def test_bad_file_is_one_sentence(tmp_path, content, says):
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    with pytest.raises(GlintError, match=says):
        read_utterances(path)


def test_no_file(tmp_path):
    with pytest.raises(GlintError, match="cannot be read"):
        read_utterances(tmp_path / "none.jsonl")


def test_missing_recording_is_named(tmp_path, moonshine):
    data = write(tmp_path / "data.jsonl", {"file": "none.wav", "text": "Hello."})
    with pytest.raises(GlintError, match=r"no sound file at .*none\.wav"):
        evaluate_speech(data, moonshine, {})
