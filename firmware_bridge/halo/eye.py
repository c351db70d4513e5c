"""The camera of glasses over a radio: a photo is taken while somebody looks, one at a time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import numpy as np

from device.glasses import Frame, Unplugged

WANTED_S = 2.0  # after the last look no photo is asked for any more
BEHIND_S = 10.0  # whoever looks again after so long does not see what was there before
OLDEST_S = 30.0  # a slow link takes most of that for a photo


class Eye:
    """Implements device.glasses.Camera. Looked through from any thread, fed by the radio's."""

    def __init__(self, why_not: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._why_not = why_not
        self._frame: Frame | None = None
        self._looked_at = -math.inf

    @property
    def wanted(self) -> bool:
        """Whether somebody looks."""
        return self._clock() - self._looked_at < WANTED_S

    def up(self) -> None:
        with self._lock:
            self._why_not = ""

    def end(self, why_not: str) -> None:
        """There is no camera any more because of this; what was seen is forgotten."""
        with self._lock:
            self._why_not, self._frame = why_not, None

    def saw(self, pixels: np.ndarray, at: float) -> None:
        """uint8 RGB [height, width, 3], taken at `at` on the clock."""
        with self._lock:
            self._why_not, self._frame = "", Frame(pixels, at)

    def latest(self) -> Frame | None:
        """As the protocol says; asks for photos for a while."""
        before, now = self._looked_at, self._clock()
        self._looked_at = now
        with self._lock:
            if self._why_not:
                raise Unplugged(self._why_not)
            if self._frame is not None and (now - before > BEHIND_S or now - self._frame.at > OLDEST_S):
                self._frame = None
            return self._frame
