"""What else there is to hear: hiss, rumble and a room full of people talking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.benchmark.utterances import LEVEL, Take

_VOICES = 5  # talking at once; with fewer one can be followed, and listening to it would be no mistake


class Noises:
    """Noise `noise_db` decibels below speech of LEVEL. `talk`: what the people in the room say, mixed into babble."""

    def __init__(self, noise_db: float, talk: Sequence[Take], seed: int = 0) -> None:
        self._level = LEVEL * 10 ** (-noise_db / 20)
        self._talk, self._random = talk, np.random.default_rng(seed)

    def noise(self, number: int, count: int) -> np.ndarray:
        """float32 [count]: babble for every other number, white and pink noise in turn for those between."""
        if number % 2:
            made = self._babble(count)
        else:
            made = white(count, self._random) if number % 4 else pink(count, self._random)
        return (made * (self._level / np.sqrt(np.mean(np.square(made))))).astype(np.float32)

    def _babble(self, count: int) -> np.ndarray:
        mixed = np.zeros(count, np.float32)
        for take in self._random.choice(len(self._talk), _VOICES, replace=False):
            said = self._talk[int(take)].samples()
            mixed += np.roll(np.resize(said, count), int(self._random.integers(count)))
        return mixed


def white(count: int, random: np.random.Generator) -> np.ndarray:
    """As much power in every Hz: float32 [count]."""
    return random.normal(0, 1, count).astype(np.float32)


def pink(count: int, random: np.random.Generator) -> np.ndarray:
    """As much power in every octave, as wind and traffic have: float32 [count]."""
    spectrum = np.fft.rfft(random.normal(0, 1, count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return np.fft.irfft(spectrum, count).astype(np.float32)
