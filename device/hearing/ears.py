"""What the turn loop listens with. The engines are given; which ones they are is the business of who opens them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from device.hearing.endpoint import Pace


class WakeWords(Protocol):
    def heard(self, chunk: np.ndarray) -> str | None:
        """float32 [CHUNK] -> the word that has just been completed, if any."""
        ...

    def reset(self) -> None: ...


class Echo(Protocol):
    def cancel(self, heard: np.ndarray, played: np.ndarray) -> np.ndarray:
        """float32 [CHUNK] of the microphone and of the speaker -> the microphone's without what the speaker said."""
        ...


@dataclass
class Ears:
    """What listens: wake_words and echo may be absent; finished as in Endpointer; by_name: "hey Glint" wakes."""

    wake_words: WakeWords | None = None
    echo: Echo | None = None
    finished: Callable[[np.ndarray], float] | None = None
    pace: Pace = field(default_factory=Pace)
    by_name: bool = True
