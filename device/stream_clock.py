"""When the sound of a device really passes, made steady: its blocks are announced in bursts, and late by chance."""

from __future__ import annotations

import math

_GAIN = 0.05  # how far one block moves the clock, once it has run for a while
_FILLING = 6  # blocks asked for in a hurry, to fill a buffer, when a device starts
_JUMP_S = 0.15  # no burst is longer: the device has stood still


class StreamClock:
    """Moments on time.monotonic's clock between which a device plays or hears at a steady rate.

    An echo canceller that is told of jumps that never were starts to learn the room anew.
    """

    def __init__(self) -> None:
        self._at, self._blocks = -math.inf, 0

    def passed(self, seconds: float, now: float) -> float:
        """A block that lasts `seconds` is announced as over at `now`; returns when it is likely to have been over."""
        off = now - (self._at + seconds)
        if abs(off) > _JUMP_S:
            self._at, self._blocks = now, 0
        else:
            self._at += seconds + off * max(_GAIN, 1 / max(1, self._blocks - _FILLING))
        self._blocks += 1
        return self._at
