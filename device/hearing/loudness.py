"""How loud what is heard is, beside the room it is heard in and beside the speech of the question itself.

A detector of speech hears speech wherever there is any. Who speaks to the glasses is nearer than the rest of the room.
Knows no detector.
"""

from __future__ import annotations

from collections import deque

import numpy as np

# Of the softer fifth of what the last ten seconds held, the room's own sound: who speaks to the glasses is louder by
# this. In a room full of people it alone finds the end of what the wearer says.
LOUDER = 2.0
# A detector stays sure for up to 0.1 s after the last sound. A chunk this much fainter than the middle one of what was
# said is silence, whatever it says; in noise there is none so faint.
FAINT = 0.05
_SOFTER, _ROOM, _KNOWN = 0.2, 312, 31  # a share; chunks remembered; chunks before which the room is not known
_SPEECH = 100  # chunks, about the last three seconds of speech


class Loudness:
    """Feed it consecutive chunks; root mean squares are kept, no sound."""

    def __init__(self) -> None:
        self._room: deque[float] = deque(maxlen=_ROOM)
        self._speech: deque[float] = deque(maxlen=_SPEECH)

    def hear(self, chunk: np.ndarray) -> None:
        """float32 [n]."""
        self._room.append(float(np.sqrt(np.mean(np.square(chunk)))))

    def was_speech(self) -> None:
        """The last chunk was part of what the wearer says."""
        self._speech.append(self._room[-1])

    def forget_speech(self) -> None:
        """What comes next may be said by somebody else. The room stays the same."""
        self._speech.clear()

    @property
    def above_room(self) -> bool:
        """Whether the last chunks are louder than the room; True as long as that is not known."""
        if len(self._room) < _KNOWN:
            return True
        room = np.array(self._room)
        softer = int(_SOFTER * len(room))
        return float(np.sqrt(np.mean(np.square(room[-3:])))) >= LOUDER * float(np.partition(room, softer)[softer])

    @property
    def faint(self) -> bool:
        """Whether the last chunk is silence beside the speech; False before there was any."""
        return bool(self._speech) and self._room[-1] < FAINT * float(np.median(self._speech))
