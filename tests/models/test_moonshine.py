from itertools import islice

import numpy as np
import pytest
import soundfile

from models.audio import Sound, read_sound
from models.errors import GlintError
from models.evaluation.word_error_rate import spoken_words, word_error_rate
from models.fetch import ensure
from models.moonshine import TOKENS_PER_SECOND, Moonshine, _read_vocabulary
from models.speech import NoSpeech

BECKETT = "ever tried ever failed no matter try again fail again fail better"


@pytest.fixture(scope="module")
def moonshine() -> Moonshine:
    return Moonshine(ensure("moonshine-tiny-en"))


@pytest.fixture(scope="module")
def reading() -> Sound:
    return read_sound(ensure("moonshine-recordings") / "beckett.wav")


def test_hears_a_recording(moonshine, reading):
    transcript = moonshine.transcribe(reading)
    assert spoken_words(transcript.text) == BECKETT
    assert transcript.seconds == pytest.approx(9.96, abs=0.01)
    assert set(transcript.timings_ms) == {"voice_activity", "recognise"}


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [(8_000, 1, "PCM_16"), (22_050, 2, "FLOAT"), (44_100, 2, "PCM_24"), (48_000, 4, "PCM_16"), (16_000, 1, "ULAW")],
)
def test_hears_the_same_at_any_rate_channels_and_format(tmp_path, moonshine, reading, rate, channels, subtype):
    path = tmp_path / "reading.wav"
    soundfile.write(path, np.repeat(reading.resampled(rate).samples[:, None], channels, axis=1), rate, subtype)
    # Telephone quality costs a word at most.
    assert word_error_rate([BECKETT], [moonshine.transcribe(read_sound(path)).text]) <= 1.01 / len(BECKETT.split())


def test_hears_quiet_speech(moonshine, reading):
    transcript = moonshine.transcribe(Sound(reading.samples * 0.02, reading.rate))
    assert word_error_rate([BECKETT], [transcript.text]) <= 0.1


def test_silence_is_not_made_into_words(moonshine):
    with pytest.raises(NoSpeech):
        moonshine.transcribe(Sound(np.zeros(32_000, np.float32), 16_000))


def test_tokens_come_one_by_one_and_never_faster_than_speech(moonshine, reading):
    assert len(list(islice(moonshine.tokens(reading.samples), 3))) == 3
    noise = np.random.default_rng(1).normal(0, 0.3, 16_000 * 4)
    assert len(list(moonshine.tokens(noise))) <= TOKENS_PER_SECOND * 4
    assert list(moonshine.tokens(noise[:500])) == []


def test_vocabulary_record_longer_than_one_byte_can_say():
    long = b"x" * 300
    data = b"\x03<s>" + b"\x02hi" + bytes([128 + 300 % 128, 300 // 128]) + long + b"\x00" + b"\x01<"
    assert _read_vocabulary(data) == [b"", b"hi", long, b"", b"<"]


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_damaged_folder_is_one_sentence(tmp_path, damage):
    if damage == "cut":
        for file in ensure("moonshine-tiny-en").iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes()[:1_000])
    with pytest.raises(GlintError, match="missing or damaged"):
        Moonshine(tmp_path)
