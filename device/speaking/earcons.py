"""The short sounds that tell the wearer what the glasses are doing. Soft, under a third of a second, never speech."""

from __future__ import annotations

from functools import cache

import numpy as np

RATE = 22_050
LOUDNESS = 0.12
_TONES = {  # Hz, one after the other
    "awake": (660.0, 880.0),
    "thinking": (740.0,),
    "asleep": (587.0, 440.0),
    "failed": (330.0, 277.0),
    "timer": (988.0, 784.0, 988.0, 784.0),
}
_SECONDS = 0.07  # of a tone


@cache
def earcon(name: str) -> np.ndarray:
    """float32 [n] at RATE. name: awake, thinking, asleep, failed or timer."""
    time = np.arange(int(_SECONDS * RATE)) / RATE
    swell = np.sin(np.pi * time / _SECONDS) ** 2
    return np.concatenate([LOUDNESS * swell * np.sin(2 * np.pi * pitch * time) for pitch in _TONES[name]]).astype("f4")
