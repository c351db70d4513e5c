"""The assistant of simulated lives: device.live in short, without models.

A press opens a turn, what is loud and then quiet ends it, a tone and a card answer it. Which tone says what is told by
`tone_s`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from device.cards.card import Card, Text
from device.glasses import RATE, Unplugged

if TYPE_CHECKING:
    from sim.radio.life import Bridge

ANSWER_HZ, SORRY_HZ = 800.0, 400.0
ANSWER_S = 0.8
ANSWER_TITLE = "Answer"
SPEAKING_S = 20.0  # until what was said has been played
_ROUND_S = 0.032
_LOUD = 0.05


class Assistant:
    """device.live in short: a press opens a turn, what is heard ends it, a tone and a card answer it."""

    def __init__(self, bridge: Bridge, now: Callable[[], float], always: bool) -> None:
        self._bridge, self._now, self._always = bridge, now, always
        self.hang = ""
        self.busy = False
        self.shown_at = -1.0  # when it gave the display the last card
        self._turns = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_ROUND_S)
            if self._bridge.pressed():
                self.busy = True
                while await self._turn():
                    pass
                self.busy = False
            elif self._always:
                self._listen()

    async def _turn(self) -> bool:
        """Whether a press has cut the answer off, and opens the next turn."""
        try:
            return await self._answer(await self._understands())
        except Unplugged:
            with suppress(Unplugged):
                self._bridge.speaker.play(_beep(SORRY_HZ, 0.3), RATE)
            return False

    async def _understands(self) -> bool:
        """Whether anything was said until it was quiet again, or within 8 s."""
        began = self._now()
        spoke = quiet = 0.0
        while self._now() - began < 8.0 and not (spoke > 0.2 and quiet > 0.6):
            await asyncio.sleep(_ROUND_S)
            loud, heard = self._listen()
            spoke += loud
            quiet = 0.0 if loud else quiet + max(heard, 0.0 if heard else _ROUND_S)
            self._look()
        return spoke > 0

    async def _answer(self, understood: bool) -> bool:
        self._turns += 1  # no two answers are the same: what is shown already is not sent again
        title, words = (ANSWER_TITLE, "Answer") if understood else ("Nothing heard", "I heard nothing in turn")
        speaker = self._bridge.speaker
        self.shown_at = self._now()
        self._bridge.display.show([Card(title, (Text(text=f"{words} {self._turns}."),))])
        speaker.play(_beep(ANSWER_HZ if understood else SORRY_HZ, ANSWER_S), RATE)
        latest = self._now() + SPEAKING_S
        while speaker.pending_s() > 0:
            await asyncio.sleep(_ROUND_S)
            self._listen()
            if self._bridge.pressed():
                speaker.stop()
                return True
            if self._now() > latest:
                self.hang = f"After {SPEAKING_S:.0f} s the speaker still has {speaker.pending_s():.1f} s."
                return False
        return False

    def _listen(self) -> tuple[float, float]:
        """Seconds of loud sound, and of sound, that have come; a microphone that is gone is heard as silence."""
        loud = heard = 0.0
        try:
            while (chunk := self._bridge.microphone.read(0)) is not None:
                heard += len(chunk) / RATE
                if np.sqrt(np.mean(np.square(chunk))) > _LOUD:
                    loud += len(chunk) / RATE
        except Unplugged:
            pass
        return loud, heard

    def _look(self) -> None:
        with suppress(Unplugged):
            self._bridge.camera.latest()


def _beep(hertz: float, seconds: float) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)).astype(np.float32)


def tone_s(samples: np.ndarray, hertz: float) -> float:
    """Seconds in which there is little but this tone."""
    size = RATE // 50
    if len(samples) < size:
        return 0.0
    pieces = samples[: len(samples) // size * size].reshape(-1, size)
    wave = np.exp(-2j * np.pi * hertz * np.arange(size) / RATE)
    there = 2 * np.abs(np.einsum("ij,j->i", pieces, wave)) ** 2 / size  # @ would wake the threads of BLAS
    return float(np.count_nonzero(there > 0.6 * np.maximum(np.square(pieces).sum(axis=1), 0.1))) * size / RATE
