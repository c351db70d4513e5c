import struct

import numpy as np
import pytest
import soundfile

from models.audio import Sound, read_sound, to_int16, write_wav
from models.errors import GlintError


def tone(rate: int, seconds: float = 0.5) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def test_wav_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "tone.wav"
    write_wav(path, Sound(tone(22_050), 22_050))
    sound = read_sound(path)
    assert sound.rate == 22_050
    assert sound.seconds == pytest.approx(0.5)
    assert sound.name == str(path)
    np.testing.assert_allclose(sound.samples, tone(22_050), atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "IMA_ADPCM"])
def test_any_rate_and_format_gives_the_same_sound(tmp_path, rate, subtype):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(rate), rate, subtype)
    samples = read_sound(path).resampled(16_000).samples
    middle = slice(1_000, 7_000)
    assert np.abs(samples[middle] - tone(16_000)[middle]).max() < 0.05


@pytest.mark.parametrize("channels", [2, 3, 6])
def test_channels_are_averaged(tmp_path, channels):
    path = tmp_path / "tone.wav"
    weights = np.arange(1, channels + 1) / channels
    soundfile.write(path, tone(16_000)[:, None] * weights, 16_000, "FLOAT")
    np.testing.assert_allclose(read_sound(path).samples, tone(16_000) * weights.mean(), atol=1e-6)


def test_float_file_beyond_full_scale_is_brought_back(tmp_path):
    path = tmp_path / "loud.wav"
    soundfile.write(path, tone(16_000) * 20_000, 16_000, "FLOAT")
    np.testing.assert_allclose(read_sound(path).samples, tone(16_000) * 2, atol=1e-4)


def test_integers_are_clipped_not_wrapped():
    assert to_int16(np.array([-2.0, -1.0, 0.0, 1.0, 2.0], np.float32)).tolist() == [-32767, -32767, 0, 32767, 32767]


def test_size_left_unknown_by_a_pipe_is_read_to_the_end(tmp_path):
    path = tmp_path / "piped.wav"
    write_wav(path, Sound(tone(16_000), 16_000))
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(data)
    assert read_sound(path).seconds == pytest.approx(0.5)


def wav(tmp_path, change) -> str:
    path = tmp_path / "bad.wav"
    write_wav(path, Sound(tone(16_000), 16_000))
    path.write_bytes(change(path.read_bytes()))
    return str(path)


def with_field(data: bytes, offset: int, code: str, value: int) -> bytes:
    return data[:offset] + struct.pack(code, value) + data[offset + struct.calcsize(code) :]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: data[:20], "damaged or is not a sound file"),
        (lambda data: data[:4_000], "cut short by 12044 bytes"),
        (lambda data: b"not a sound at all " * 100, "damaged or is not a sound file"),
        (lambda data: data[:44].replace(b"WAVE", b"WOVE") + data[44:], "damaged or is not a sound file"),
        (lambda data: with_field(data[:44], 40, "<I", 0), "holds no samples"),
        (lambda data: with_field(data, 24, "<I", 3), "3 samples a second"),
    ],
)
def test_bad_file_is_one_sentence(tmp_path, change, says):
    path = wav(tmp_path, change)
    with pytest.raises(GlintError, match=says) as error:
        read_sound(path)
    assert path in str(error.value)
    assert "\n" not in str(error.value)


def test_no_file(tmp_path):
    with pytest.raises(GlintError, match="There is no sound file at"):
        read_sound(tmp_path / "none.wav")


def test_folder_is_no_file(tmp_path):
    with pytest.raises(GlintError, match="There is no sound file at"):
        read_sound(tmp_path)


def test_samples_that_are_not_numbers(tmp_path):
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.full(1_000, np.nan), 16_000, "FLOAT")
    with pytest.raises(GlintError, match="not numbers"):
        read_sound(path)


def test_absurd_length(tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(3_700 * 1_000, np.int16), 1_000, "PCM_U8")
    with pytest.raises(GlintError, match="lasts 62 minutes"):
        read_sound(path)


def test_place_that_cannot_be_written(tmp_path):
    with pytest.raises(GlintError, match="cannot be written"):
        write_wav(tmp_path / "no" / "such" / "folder.wav", Sound(tone(16_000), 16_000))
