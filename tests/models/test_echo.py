import sys

import numpy as np
import pytest
from said import RATE, room, said

from models.audio import read_sound
from models.echo import LATENCY, EchoCanceller
from models.errors import GlintError
from models.fetch import ensure
from models.voice_activity import START, probabilities

CHUNK = 512
LEARNT = 4 * RATE  # samples after which the canceller knows the room
DELAY = 50  # milliseconds from the speaker to the microphone


@pytest.fixture(scope="module")
def played() -> np.ndarray:
    """At least 12 s of the assistant."""
    text = (
        "On the table in front of you there is a red mug. Next to it lies a pair of glasses, and behind them stands a "
        "bottle. The bottle is green, and its label says that it holds olive oil. To the left there is a window, and "
        "through it you can see a street with two parked cars."
    )
    return said(text)


@pytest.fixture(scope="module")
def echo(played) -> np.ndarray:
    """What the microphone hears of it: a small loudspeaker that distorts, in a room that reverberates for 0.3 s."""
    rng = np.random.default_rng(3)
    length = int(0.3 * RATE)
    reverberation = rng.normal(0, 1, length) * 10.0 ** (-3 * np.arange(length) / length)
    reverberation[0] = 3
    path = np.concatenate([np.zeros(DELAY * RATE // 1000), reverberation / np.linalg.norm(reverberation)])
    heard = 0.3 * np.convolve(np.tanh(2 * played) / 2, path)[: len(played)]
    return heard.astype(np.float32) + room(len(played) / RATE + 1, 3e-4)[: len(played)]


@pytest.fixture(scope="module")
def wearer() -> np.ndarray:
    """Four seconds of somebody else, at the loudness of the echo."""
    return read_sound(ensure("moonshine-recordings") / "two_cities.wav").resampled(RATE).samples[RATE : 5 * RATE]


def cancelled(heard: np.ndarray, played: np.ndarray, piece: int = CHUNK, **options) -> np.ndarray:
    canceller = EchoCanceller(**options)
    starts = range(0, len(heard), piece)
    return np.concatenate([canceller.cancel(heard[at : at + piece], played[at : at + piece]) for at in starts])


def decibels(samples: np.ndarray) -> float:
    return 10 * np.log10(np.mean(samples.astype(np.float64) ** 2))


def spectra(samples: np.ndarray) -> np.ndarray:
    """How loud each frequency is in each 10 ms, whatever its phase, which the engine's high-pass filter turns."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160]
    return np.abs(np.fft.rfft(windows * np.hanning(400))).ravel()


def longest_run(marks: np.ndarray) -> int:
    return max(map(len, "".join("x" if mark else " " for mark in marks).split()), default=0)


def test_the_echo_is_weakened_by_15_db_and_no_longer_sounds_like_speech(played, echo):
    left = cancelled(echo, played)
    assert decibels(left[LEARNT:]) < decibels(echo[LEARNT:]) - 15
    assert (probabilities(echo[LEARNT:]) > START).mean() > 0.5
    assert (probabilities(left[LEARNT:]) > START).mean() < 0.05


def test_who_speaks_after_the_assistant_is_heard_unharmed(played, echo, wearer):
    silence = np.zeros(len(wearer), np.float32)
    pause = room(1, 3e-4)
    clean = cancelled(np.concatenate([echo, pause, wearer]), np.concatenate([played, pause * 0, silence]))
    voice = clean[-len(wearer) + LATENCY :]
    assert decibels(voice) == pytest.approx(decibels(wearer), abs=1.5)
    assert np.corrcoef(spectra(voice), spectra(wearer[:-LATENCY]))[0, 1] > 0.95


def test_who_interrupts_is_noticed(played, echo, wearer):
    both = echo.copy()
    both[LEARNT : LEARNT + len(wearer)] += wearer
    clean = cancelled(both, played)[LEARNT:][: len(wearer)]
    assert decibels(clean) > decibels(wearer) - 12
    # While both speak the voice comes and goes, by another pattern each time; a stretch of it is what interrupts.
    assert longest_run(probabilities(clean) > START) * CHUNK > 0.25 * RATE


def test_noise_is_left_alone_unless_asked(played):
    noise = room(6, 0.02)
    nothing = np.zeros_like(noise)
    assert decibels(cancelled(noise, nothing)[LEARNT:]) > decibels(noise) - 3
    assert decibels(cancelled(noise, nothing, noise_suppression=True)[LEARNT:]) < decibels(noise) - 6


@pytest.mark.parametrize("piece", [1, 100, 160, 3_333, 10**6])
def test_the_length_of_the_pieces_does_not_matter(played, echo, piece):
    heard, spoken = echo[: 2 * RATE], played[: 2 * RATE]
    np.testing.assert_array_equal(cancelled(heard, spoken, piece), cancelled(heard, spoken))


def test_it_is_late_by_what_it_says():
    click = np.zeros(2 * RATE, np.float32)
    click[RATE] = 0.5
    clean = cancelled(click, click * 0)
    assert len(clean) == len(click)
    assert np.abs(clean).argmax() == RATE + LATENCY


def test_nothing_in_is_nothing_out_and_unequal_lengths_are_refused():
    canceller = EchoCanceller()
    assert len(canceller.cancel(np.zeros(0, np.float32), np.zeros(0, np.float32))) == 0
    with pytest.raises(ValueError, match="512 samples and played 160"):
        canceller.cancel(np.zeros(512, np.float32), np.zeros(160, np.float32))


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "livekit.rtc.apm", None)
    with pytest.raises(GlintError, match=r"needs livekit; run: pip install 'glint\[laptop\]'\."):
        EchoCanceller()
