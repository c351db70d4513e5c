"""Sounds whose pitch can be told again."""

import numpy as np


def tone(seconds, rate, hertz=440.0, height=0.5):
    """float32 [seconds * rate]."""
    return (height * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def pitch(samples, rate=16_000):
    """Hz, of the loudest."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(np.argmax(spectrum)) * rate / (8 * len(samples))
