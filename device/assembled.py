"""A pair of glasses out of parts that know nothing of each other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from device.glasses import Button, Camera, Microphone, Speaker

CLOSING_S = 2.0  # for all parts together


class Closable(Protocol):
    def close(self, timeout_s: float = ...) -> None:
        """Releases the part, waiting at most `timeout_s` for its thread. May be called twice."""
        ...


@dataclass
class Assembled:
    """Implements device.glasses.Glasses. `parts` are closed with it, the last one first."""

    microphone: Microphone
    camera: Camera
    speaker: Speaker
    button: Button
    parts: Sequence[Closable]

    def close(self) -> None:
        """Closes every part, even where one fails; raises GlintError if a recording cannot be written."""
        deadline = time.monotonic() + CLOSING_S
        with ExitStack() as stack:
            for part in self.parts:
                stack.callback(_close, part, deadline)


def _close(part: Closable, deadline: float) -> None:
    part.close(max(0.1, deadline - time.monotonic()))
