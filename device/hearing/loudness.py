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
# Who interrupts an answer is the one who asked, about as loud as then, and in a quiet room nobody else speaks. The talk
# of others is now and then as loud as the middle of the question for four chunks in a row, but hardly ever for six.
NEAR, NEAR_AMID, LONGER_AMID = 0.5, 1.0, 1.5
AMID = 0.1  # of the wearer's own level, above which the room is not quiet
_SOFTER, _ROOM, _KNOWN = 0.2, 312, 31  # a share; chunks remembered; chunks before which the room is not known
_SPEECH = 100  # chunks, about the last three seconds of speech


class Loudness:
    """Feed it consecutive chunks; root mean squares are kept, no sound."""

    def __init__(self) -> None:
        self._room: deque[float] = deque(maxlen=_ROOM)
        self._speech: deque[float] = deque(maxlen=_SPEECH)
        self._wearer: float | None = None

    def hear(self, chunk: np.ndarray) -> None:
        """float32 [n]."""
        self._room.append(float(np.sqrt(np.mean(np.square(chunk)))))

    def was_speech(self) -> None:
        """The last chunk was part of what the wearer says."""
        self._speech.append(self._room[-1])

    def was_question(self) -> None:
        """The speech up to now was the wearer's own."""
        if self._speech:
            self._wearer = float(np.median(self._speech))

    def forget_speech(self) -> None:
        """What comes next may be said by somebody else. The room stays the same."""
        self._speech.clear()

    @property
    def above_room(self) -> bool:
        """Whether the last chunks are louder than the room; True as long as that is not known."""
        if len(self._room) < _KNOWN:
            return True
        return self._level(3) >= LOUDER * self._softer()

    def wearer_speaks(self, run: int, onset: int) -> bool:
        """Whether the last `run` chunks, all of them speech, are the wearer's: `onset` or more, and loud enough.

        Anybody's will do as long as it is not known how loud the wearer is.
        """
        if self._wearer is None or run < onset:
            return run >= onset
        amid = self._softer() > AMID * self._wearer
        chunks = round(LONGER_AMID * onset) if amid else onset
        return run >= chunks and self._level(chunks) >= (NEAR_AMID if amid else NEAR) * self._wearer

    def _level(self, chunks: int) -> float:
        return float(np.sqrt(np.mean(np.square(np.array(self._room)[-chunks:]))))

    def _softer(self) -> float:
        softer = int(_SOFTER * len(self._room))
        return float(np.partition(np.array(self._room), softer)[softer])

    @property
    def faint(self) -> bool:
        """Whether the last chunk is silence beside the speech; False before there was any."""
        return bool(self._speech) and self._room[-1] < FAINT * float(np.median(self._speech))
