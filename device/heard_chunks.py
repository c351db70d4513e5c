"""What a microphone far away has sent, in the chunks that the loop reads, each with the moment when it was heard."""

from __future__ import annotations

from collections import deque

import numpy as np

from device.glasses import CHUNK, RATE

BEHIND_S = 10.0  # of sound that a reader may be behind; older sound is lost


class HeardChunks:
    """Samples in pieces of any length in, chunks of CHUNK samples out. Its owner keeps threads apart."""

    def __init__(self) -> None:
        self._last_at: float | None = None  # when the last sample of the chunk that was taken last had been heard
        self.clear()

    def __len__(self) -> int:
        """Chunks that can be taken."""
        return len(self._chunks)

    def clear(self) -> None:
        """What has not been taken is forgotten."""
        self._chunks: deque[tuple[np.ndarray, float]] = deque()
        self._rest = np.zeros(0, np.float32)

    def add(self, samples: np.ndarray, heard_at: float) -> None:
        """samples: float32 [n] at RATE. heard_at: when the last of them was heard, on any one clock, in seconds."""
        self._rest = np.concatenate([self._rest, samples])
        while len(self._rest) >= CHUNK:
            chunk, self._rest = self._rest[:CHUNK], self._rest[CHUNK:]
            self._chunks.append((chunk, heard_at - len(self._rest) / RATE))
        while len(self._chunks) * CHUNK > BEHIND_S * RATE:
            self._chunks.popleft()

    def take(self) -> np.ndarray:
        """The oldest chunk. IndexError when there is none."""
        chunk, self._last_at = self._chunks.popleft()
        return chunk

    def late_s(self, now: float) -> float:
        """Seconds since the chunk that was taken last was heard; 0 before the first."""
        return 0.0 if self._last_at is None else max(0.0, now - self._last_at)
