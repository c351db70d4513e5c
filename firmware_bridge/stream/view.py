"""The display at the other end: pictures of cards, of which only the rows that changed are sent, or lines of text."""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from device.cards.card import Card
from device.cards.display import screen
from firmware_bridge.stream.messages import Abilities, Display, DisplayFormat, DisplayTaken, Message

WINDOW = 4  # frames that are on their way at once
_AGAIN_S = 0.25  # without progress


class View:
    """Implements device.glasses.Display and link.Part. An update that has begun is finished before a newer one."""

    def __init__(self) -> None:
        self.updates = self.again = 0
        self._lock = threading.Lock()
        self._seen: tuple[Sequence[Card], np.ndarray | None] = ((), None)
        self._number = 0
        self.begin(Abilities(session=0))

    def begin(self, abilities: Abilities) -> None:
        """As the protocol of a part says; glasses begin with nothing to be seen."""
        with self._lock:
            self._abilities = abilities
            self._known: np.ndarray | None = None  # what the glasses show
            self._sending: np.ndarray | None = None  # what they will show once `_bytes` are there
            self._bytes = b""
            self._top = self._rows = self._sent = self._taken = self._furthest = 0
            self._moved_at = 0.0
            self._wanted: np.ndarray | None = None
            if abilities.display:
                self._known = np.zeros_like(drawn((), None, abilities))
        self._draw()

    def show(self, cards: Sequence[Card], picture: np.ndarray | None = None) -> None:
        """As the protocol says; drawn here, so that the link's thread is not kept from sound."""
        self._seen = tuple(cards), picture
        self._draw()

    def _draw(self) -> None:
        seen, abilities = self._seen, self._abilities
        if abilities.display:
            wanted = drawn(*seen, abilities)
            with self._lock:
                if seen is self._seen and abilities is self._abilities:  # else somebody else draws what is newer
                    self._wanted = wanted

    def take(self, message: Message) -> None:
        """As the protocol of a part says."""
        with self._lock:
            if not isinstance(message, DisplayTaken) or message.number != self._number or self._sending is None:
                return
            if message.next > self._furthest:
                return
            if message.next > self._taken:
                self._moved_at = time.monotonic()
            self._taken = message.next
            self._sent = max(self._sent, message.next)  # what was sent again came late, not never
            if message.next == len(self._bytes):
                self._known, self._sending = self._sending, None
                self.updates += 1

    def due(self, now: float) -> Iterable[Message]:
        """As the protocol of a part says."""
        with self._lock:
            if self._sending is None:
                if self._wanted is None or _same(self._wanted, self._known):
                    return
                self._begin_update(self._wanted, now)
            if now - self._moved_at > _AGAIN_S:  # some have been lost: all after them, too, were not taken
                self._sent, self._moved_at = self._taken, now
                self.again += 1
            size = self._abilities.payload - Display.layout.size
            if self._sent < len(self._bytes) and self._sent - self._taken < WINDOW * size:
                part = self._bytes[self._sent : self._sent + size]
                yield Display(
                    number=self._number, format=self._abilities.display, top=self._top, rows=self._rows,
                    total=len(self._bytes), offset=self._sent, data=part,
                )  # fmt: skip
                self._sent += len(part)
                self._furthest = max(self._furthest, self._sent)

    def _begin_update(self, wanted: np.ndarray, now: float) -> None:
        self._sending = wanted
        self._top, end = 0, len(wanted)
        if self._known is not None and self._known.shape == wanted.shape and wanted.ndim == 2:
            changed = np.flatnonzero((wanted != self._known).any(axis=1))
            self._top, end = int(changed[0]), int(changed[-1]) + 1
        self._rows = end - self._top if wanted.ndim == 2 else 0
        self._bytes = wanted[self._top : end].tobytes()
        self._number = (self._number + 1) & 0xFF
        self._sent = self._taken = self._furthest = 0
        self._moved_at = now


def drawn(cards: Sequence[Card], picture: np.ndarray | None, abilities: Abilities) -> np.ndarray:
    """What the display is sent: uint8 [height, bytes of a row] of a picture, or uint8 [n] of UTF-8."""
    if abilities.display == DisplayFormat.LINES:
        text = lines(cards, abilities.width, abilities.height).encode() or b"\0"
        return np.frombuffer(text, np.uint8)
    return _coded(_fitted(screen(cards, picture), abilities.width, abilities.height), abilities.display)


def lines(cards: Sequence[Card], width: int, height: int) -> str:
    """At most `height` lines of at most `width` characters: the beginning of the last card, others above it."""
    wrapped = [textwrap.wrap(f"{card.title}: {card.text}", max(2, width))[:height] for card in cards]
    shown: list[str] = []
    for card in reversed(wrapped):
        if len(shown) + len(card) > height:
            break
        shown = card + shown
    return "\n".join(shown)


def _fitted(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """uint8 RGB [height, width, 3]: the square as large as it fits, in the middle."""
    side = min(width, height)
    if pixels.shape[0] != side:
        pixels = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    image = np.zeros((height, width, 3), np.uint8)
    top, left = (height - side) // 2, (width - side) // 2
    image[top : top + side, left : left + side] = pixels
    return image


def _coded(pixels: np.ndarray, format_: int) -> np.ndarray:
    """uint8 [height, bytes of a row]."""
    if format_ == DisplayFormat.RGB565:
        red, green, blue = (pixels[..., channel].astype(np.uint16) for channel in range(3))
        packed = (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3
        return packed.astype("<u2").view(np.uint8)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if format_ == DisplayFormat.MONO:
        return np.packbits(grey >= 96, axis=1)
    halves = np.pad(np.asarray(grey) // np.uint8(16), ((0, 0), (0, grey.shape[1] % 2)))
    return halves[:, ::2] << 4 | halves[:, 1::2]


def _same(one: np.ndarray, other: np.ndarray | None) -> bool:
    return other is not None and one.shape == other.shape and bool((one == other).all())
