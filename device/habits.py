"""The states of the turn loop, and how long it waits for what."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

PATIENCE = "GLINT_PATIENCE"  # variable: so many times longer is everything waited for, on a slow device


class State(str, Enum):
    ASLEEP = "asleep"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


@dataclass(frozen=True)
class Habits:
    """Seconds, but for interruption_onset.

    patience_s: silence after waking before sleep; follow_up_s: the same after an answer; look_every_s: how often
    the camera is asked; camera_s: how long a camera may take to open; thinking_s: longest wait for the first sound,
    besides a fifth of the question's length; thinking_sound_s: the wait that is filled with a sound; partial_every_s:
    how often the transcript is shown; interruption_onset: voiced chunks in a row that interrupt; second_thought_s:
    speech that soon after an answer has begun belongs to the question that is being answered.
    """

    patience_s: float = 6.0
    follow_up_s: float = 5.0
    look_every_s: float = 0.2
    camera_s: float = 2.0
    thinking_s: float = 10.0
    thinking_sound_s: float = 0.5
    partial_every_s: float = 0.6
    interruption_onset: int = 4
    second_thought_s: float = 1.0

    def patient(self, factor: float) -> Habits:
        """The same for a device that takes so many times longer to look and to answer."""
        return replace(self, camera_s=factor * self.camera_s, thinking_s=factor * self.thinking_s)

    def sparing(self) -> Habits:
        """The same with fewer looks, and no transcript while it forms."""
        return replace(self, look_every_s=5 * self.look_every_s, partial_every_s=math.inf)
