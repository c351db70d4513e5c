"""What photos, sound and cards cost, by what the radio carries. Pure: a table and a hysteresis.

A level is left for a lower one as soon as what was measured is too little for it, and for a higher one only after
several measurements that are ample, so that a link that hovers does not keep changing.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_bridge.halo.messages import Codec


@dataclass(frozen=True)
class Level:
    """needs: bytes a second below which it is left. quality, resolution: of photos, as messages.capture has them
    (Halo's camera knows 640 pixels alone and leaves the resolution out of account; Frame's takes it).

    photo_every_s: seconds between the beginnings of two photos. kbps: of LC3. pictures: cards are sent as pixels, else
    as lines of text.
    """

    name: str
    needs: float
    quality: int
    resolution: int
    photo_every_s: float
    kbps: int
    pictures: bool


# A photo of Halo's is some 80, 47, 25 and 16 KB from VERY_HIGH to LOW (halo-firmware's PROTOCOL.md); each level brings
# one in about a second beside LC3 both ways.
LEVELS = (
    Level("poor", 0.0, 1, 256, 5.0, 16, False),
    Level("low", 8_000.0, 1, 384, 2.5, 24, True),
    Level("fair", 24_000.0, 2, 512, 1.5, 32, True),
    Level("good", 55_000.0, 3, 640, 1.2, 48, True),
    Level("best", 110_000.0, 4, 720, 1.0, 64, True),
)
FIRST = 2  # before anything has been measured
AMPLE = 1.3  # times what a level needs, to go up to it
STEADY = 3  # measurements that must be ample
_NEW = 0.5  # how much of a measurement goes into the mean


class Quality:
    """Follows measurements of what the link carries."""

    def __init__(self) -> None:
        self._at = FIRST
        self._ample = 0
        self.rate = 0.0  # bytes a second, a mean over the last measurements; 0 before the first

    @property
    def level(self) -> Level:
        return LEVELS[self._at]

    def measured(self, size: int, seconds: float) -> Level:
        """So many bytes came in one go. Too few to tell the speed by (2 KB, 20 ms) are left out of account."""
        if size < 2_000 or seconds < 0.02:
            return self.level
        rate = size / seconds
        self.rate = rate if not self.rate else _NEW * rate + (1 - _NEW) * self.rate
        if self.rate < self.level.needs:
            self._ample = 0
            while LEVELS[self._at].needs > self.rate:
                self._at -= 1
        elif self._at + 1 < len(LEVELS) and self.rate >= AMPLE * LEVELS[self._at + 1].needs:
            self._ample += 1
            if self._ample >= STEADY:
                self._at, self._ample = self._at + 1, 0
        else:
            self._ample = 0
        return self.level

    def lacking(self) -> Level:
        """Sound or pictures were lost on the way: one level down."""
        self._ample = 0
        self._at = max(0, self._at - 1)
        self.rate = min(self.rate, LEVELS[self._at].needs * AMPLE) if self.rate else 0.0
        return self.level


def microphone_codec(hardware: str) -> Codec:
    """Frame has no LC3."""
    return Codec.PCM8 if hardware == "Frame" else Codec.LC3
