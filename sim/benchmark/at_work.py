"""Whether the assistant is thinking, so that time may pass faster than it does only while it is not."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np

from device.hearing.ears import Ears
from device.thinking.mind import Mind


class AtWork:
    """Called, it says whether anybody thinks. Listen with `ears`, whose end-of-turn model is watched."""

    def __init__(self, mind: Mind, ears: Ears) -> None:
        self._mind, self._finished = mind, ears.finished
        self._lock, self._judging = threading.Lock(), 0
        self.ears = replace(ears, finished=self._judge if ears.finished else None)

    def __call__(self) -> bool:
        return self._judging > 0 or not self._mind.idle

    def _judge(self, utterance: np.ndarray) -> float:
        assert self._finished is not None
        with self._lock:
            self._judging += 1
        try:
            return self._finished(utterance)
        finally:
            with self._lock:
                self._judging -= 1
