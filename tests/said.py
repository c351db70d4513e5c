"""Speech to listen to, made by Piper."""

from functools import cache

import numpy as np
import onnxruntime

from models.audio import Sound
from models.fetch import ensure
from models.piper import Piper

RATE = 16_000


@cache
def said(text: str) -> np.ndarray:
    """float32 [n] at 16 kHz, from the first to the last audible sample; the same in every run."""
    onnxruntime.set_seed(1)  # Piper reads a sentence differently each time; the seed counts when it is opened
    piper = Piper(ensure("piper-joe-medium"))
    samples = Sound(np.concatenate(list(piper.speak(text))), piper.rate).resampled(RATE).samples
    audible = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[audible[0] : audible[-1] + 1]


def room(seconds: float, level: float = 2e-3) -> np.ndarray:
    """float32 [n] at 16 kHz: what a quiet room sounds like."""
    return np.random.default_rng(1).normal(0, level, int(seconds * RATE)).astype(np.float32)
