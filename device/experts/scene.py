"""One picture and what has been found out about it so far; each thing is found out when it is first asked for.

The experts share it, so that text is recognised once however many of them read it. Knows which instruments there are,
not how they work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np

from device.heap import lent_memory
from models.objects import Detections
from models.reading import Line, TextReader
from models.vision import Seen, VisionEncoder


@dataclass(frozen=True)
class Instruments:
    """How to get each network; called when it is first needed, and often: it keeps what it has loaded."""

    reader: Callable[[], TextReader]
    encoder: Callable[[], VisionEncoder]


@dataclass
class Scene:
    """pixels: uint8 RGB [height, width, 3]. before: the scene of the turn before, for comparisons. today: for dates.

    seen: what the encoder has made of the picture already, if it has.
    """

    pixels: np.ndarray
    instruments: Instruments
    before: Scene | None = None
    today: date = field(default_factory=date.today)
    seen: Seen | None = None

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The text in the picture, in reading order."""
        with lent_memory():
            return self.instruments.reader().read(self.pixels)

    def read(self) -> None:
        """Finds out `lines` ahead."""
        _ = self.lines

    @cached_property
    def objects(self) -> Detections:
        """The everyday objects in the picture."""
        return self.seen.objects if self.seen else self.instruments.encoder().detect(self.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]
