"""One page that is open: what is on its way to it. A page that does not keep up loses what is old, never the loop.

`send` and `speech` may be called from any thread and never wait; `next` is for the server's own loop.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np

from models.audio import to_int16
from sim.page.messages import packed

BACKLOG_S = 60.0  # of speech that a page may be behind
_BACKLOG = 500  # messages
# Of these only the newest counts: an older one that has not been sent yet is replaced.
_NEWEST = ("state", "partial", "saying", "cards", "card", "light", "gauges", "look")


class Tab:
    """Messages in the order they were given, as text or bytes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[str, str | bytes, float]] = []  # kind, message, seconds of sound
        self._any = asyncio.Event()
        self.behind = False  # has lost something for being slow

    def send(self, kind: str, **fields: Any) -> None:
        """A JSON message of that `type`."""
        self._put(kind, json.dumps({"type": kind, **fields}), 0.0)

    def speech(self, samples: np.ndarray, rate: int) -> None:
        """float [n] in -1..1."""
        self._put("speech", packed(rate, to_int16(samples)), len(samples) / rate)

    def silence(self) -> None:
        """What is on its way is not said, and the page falls silent."""
        self._do(self._silence)

    async def next(self) -> str | bytes:
        while not self._waiting:
            self._any.clear()
            await self._any.wait()
        return self._waiting.pop(0)[1]

    def _put(self, kind: str, message: str | bytes, seconds: float) -> None:
        self._do(self._add, kind, message, seconds)

    def _do(self, what: Any, *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *arguments)

    def _add(self, kind: str, message: str | bytes, seconds: float) -> None:
        if kind in _NEWEST:
            self._waiting = [waiting for waiting in self._waiting if waiting[0] != kind]
        self._waiting.append((kind, message, seconds))
        while len(self._waiting) > _BACKLOG or sum(waiting[2] for waiting in self._waiting) > BACKLOG_S:
            self._waiting.pop(0)
            self.behind = True
        self._any.set()

    def _silence(self) -> None:
        self._waiting = [waiting for waiting in self._waiting if waiting[0] != "speech"]
        self._add("silence", json.dumps({"type": "silence"}), 0.0)
