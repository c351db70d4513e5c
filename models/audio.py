"""Sound in memory, read from and written to files.

Every model below hears one kind of sound: mono, float32, at the rate it was trained for. This file turns any recording
into that, and knows nothing about what is said in it; whether anybody speaks at all is `models.voice_activity`'s
question.
"""

import struct
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.errors import GlintError

MAX_SECONDS = 3600.0
RATES = range(1_000, 768_001)
# What programs that write to a pipe put into the size fields, because they cannot know the size in advance.
UNKNOWN_SIZES = {0, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFF000, 0x80000000}


@dataclass(frozen=True)
class Sound:
    """Mono sound: `samples` float32 [n] within -1..1, `rate` in Hz, `name` as an error message would call it."""

    samples: np.ndarray
    rate: int
    name: str = "the recording"

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def resampled(self, rate: int) -> "Sound":
        """The same sound at `rate` Hz, by band-limited interpolation (libsoxr, high quality)."""
        if rate == self.rate:
            return self
        import soxr

        return Sound(soxr.resample(self.samples, self.rate, rate), rate, self.name)


def read_sound(path: str | Path) -> Sound:
    """Read a WAV (or FLAC, OGG, MP3) of any rate, channel count and sample format; channels are averaged.

    Raises GlintError for a file that is missing, empty, cut short, damaged, not audio, without samples, or longer
    than an hour.
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise GlintError(f"There is no sound file at {path}; give the path of a WAV file.")
    try:
        if path.stat().st_size == 0:
            raise GlintError(f"{path} is empty (0 bytes); record it again.")
        missing = _missing_bytes(path)
        if missing:
            raise GlintError(f"{path} is cut short by {missing} bytes; copy or record it again.")
        with soundfile.SoundFile(path) as file:
            rate, frames = file.samplerate, file.frames
            if rate not in RATES:
                raise GlintError(f"{path} claims {rate} samples a second, which no recorder makes; record it again.")
            if frames > MAX_SECONDS * rate:
                raise GlintError(f"{path} lasts {frames / rate / 60:.0f} minutes; give at most {MAX_SECONDS / 60:.0f}.")
            samples = file.read(dtype="float32", always_2d=True).mean(axis=1)
    except OSError as error:
        raise GlintError(f"{path} cannot be read: {error.strerror or error}.") from error
    except soundfile.SoundFileError as error:
        raise GlintError(f"{path} is damaged or is not a sound file; give a WAV file.") from error
    if not len(samples):
        raise GlintError(f"{path} holds no samples; record it again.")
    peak = float(np.abs(samples).max())
    if not np.isfinite(peak):
        raise GlintError(f"{path} is damaged: some of its samples are not numbers; record it again.")
    # Floating-point files may go beyond full scale, some (written by scipy from integers) by a factor of 32768.
    return Sound(samples / peak if peak > 1 else samples, rate, str(path))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """float32 [n] within -1..1 -> int16 [n], clipped; int16 passes through."""
    if samples.dtype == np.int16:
        return samples
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16)


def write_wav(path: str | Path, sound: Sound) -> None:
    """Write a 16-bit mono WAV. Raises GlintError where the place cannot be written."""
    with open_wav(path, sound.rate) as file:
        file.writeframes(to_int16(sound.samples).tobytes())


@contextmanager
def open_wav(path: str | Path, rate: int) -> Iterator[wave.Wave_write]:
    """Open a 16-bit mono WAV for writing frames as they come. Raises GlintError where they cannot be written."""
    try:
        with Path(path).open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            yield file
    except OSError as error:
        raise GlintError(f"{path} cannot be written: {error.strerror or error}.") from error


def _missing_bytes(path: Path) -> int:
    """How many bytes a RIFF file's sample data lacks. libsndfile reads what is there and says nothing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return 0
        file.seek(12)
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            if name == b"data":
                return 0 if length in UNKNOWN_SIZES else max(0, file.tell() + length - size)
            file.seek(length + length % 2, 1)
    return 0
