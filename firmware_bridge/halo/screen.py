"""What the glasses show, as messages: a card as a picture in strips, or as lines of text where the radio is slow.

Halo's display is round, so a card's square is drawn as large as fits into the circle. Only strips that have changed are
sent. Index 0 is transparent there, hence black is index 1.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

import numpy as np

from device.cards.card import Card, shown
from device.glasses import Light
from firmware_bridge.halo import messages
from firmware_bridge.halo.messages import Line, ToGlasses

ROUND = 256  # pixels across of Halo's display
SIDE = (
    196  # of a card within it: its contents keep 10 of 256 pixels from the edge, so that its corners touch the circle
)
FRAME_AT = 193, 73  # where a card of 256 pixels lies on Frame's 640 x 400
STRIP = 14  # rows; of 4 bits a pixel, below the 4096 bytes that the glasses unpack at once
COLOURS = 15
LETTER = 16  # pixels, of the glasses' own font at size 2
WHITE, MINT = (255, 255, 255), (127, 224, 195)
LIGHTS = {Light.OFF: (0, 0, 0), Light.GREEN: (0, 200, 80), Light.YELLOW: (255, 200, 0), Light.BLUE: (60, 120, 255)}

Packed = tuple[ToGlasses, bytes]


class Screen:
    """Implements device.glasses.Display and Led. Told from any thread, read by the radio's."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._lock = threading.Lock()
        self._changed = changed
        self._cards: Sequence[Card] = ()
        self._picture: np.ndarray | None = None
        self._light = Light.OFF
        self.edition = self.forgotten = 0  # count what was shown, and how often that was lost
        self.forget()

    def show(self, cards: Sequence[Card], picture: np.ndarray | None = None) -> None:
        """As the protocol of a display says; what is shown while the link is down is shown when it is back."""
        with self._lock:
            self._cards, self._picture = tuple(cards), picture
            self.edition += 1
        self._changed()

    def light(self, light: Light) -> None:
        """As the protocol of a light says. The glasses' own light is the firmware's: it is a dot in the display."""
        with self._lock:
            self._light = light
            self.edition += 1
        self._changed()

    def forget(self) -> None:
        """Nothing is known of what the glasses show: they have been cleared, or begun anew."""
        self.forgotten += 1
        self._there: dict[int, bytes] = {}  # strips by their first row
        self._form = ""  # picture, text or nothing
        self._lit: Light | None = None

    def missing(self, hardware: str, pictures: bool) -> list[Packed]:
        """The messages that bring the glasses up to date. Takes some 10 ms for a picture."""
        with self._lock:
            cards, picture, light = self._cards, self._picture, self._light
        found: list[Packed] = []
        form = ("picture" if pictures else "text") if cards else "nothing"
        if form in ("picture", "nothing") and form != self._form:
            found.append((ToGlasses.CLEAR, b""))
        if form == "picture":
            found += self._strips(cards, picture, hardware, afresh=bool(found))
        elif form == "text" and self._there.get(-1) != (words := messages.lines(lines_of(cards[-1]))):
            found.append((ToGlasses.TEXT, words))
        if light is not self._lit or (ToGlasses.CLEAR, b"") in found:
            found.append((ToGlasses.LIGHT, messages.light(*LIGHTS[light])))
        return found

    def sent(self, message: Packed) -> None:
        """The glasses have taken one of `missing`."""
        code, data = message
        if code is ToGlasses.CLEAR:
            self._there, self._form = {}, "nothing"
        elif code is ToGlasses.TEXT:
            self._there, self._form = {-1: data}, "text"
        elif code is ToGlasses.PICTURE:
            self._form = "picture"
            self._there[int.from_bytes(data[3:5], "big")] = b"\0" + data[1:]
        elif code is ToGlasses.LIGHT:
            self._lit = next(light for light, colour in LIGHTS.items() if messages.light(*colour) == data)

    def _strips(self, cards: Sequence[Card], picture: np.ndarray | None, hardware: str, afresh: bool) -> list[Packed]:
        from device.cards.display import screen

        pixels, left, top = screen(cards, picture), *FRAME_AT
        if hardware != "Frame":
            left = top = 1 + (ROUND - SIDE) // 2
            pixels = _smaller(pixels)
        there = {} if afresh else self._there
        strips = _packed(pixels, left, top)
        packed = [strip for strip in strips if there.get(int.from_bytes(strip[3:5], "big")) != strip]
        if packed and hardware == "Frame":  # what it shows is a new picture, of which nothing is there yet
            packed = strips
        if packed:
            packed[-1] = b"\1" + packed[-1][1:]
        return [(ToGlasses.PICTURE, strip) for strip in packed]


def _smaller(pixels: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _packed(pixels: np.ndarray, left: int, top: int) -> list[bytes]:
    """Strips of uint8 RGB [height, width, 3] in at most COLOURS colours, none marked as the last."""
    import lz4.frame
    from PIL import Image

    image = Image.fromarray(pixels).quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
    palette = bytes(3) + (bytes(image.getpalette() or b"") + bytes(3 * COLOURS))[: 3 * COLOURS]
    indices = np.asarray(image) + 1
    strips = []
    for row in range(0, len(indices), STRIP):
        piece = indices[row : row + STRIP].astype(np.uint8)
        packed = lz4.frame.compress((piece[:, ::2] << 4 | piece[:, 1::2]).tobytes())
        sprite = messages.sprite(piece.shape[1], len(piece), palette, packed)
        strips.append(messages.strip(sprite, left, top + row, False))
    return strips


def lines_of(card: Card) -> list[Line]:
    """A card in the glasses' own font, as many lines as the circle holds; the end is what is new."""
    rows = [LETTER * 3 // 2 * row + 40 for row in range(8)]
    widest = [int(2 * math.sqrt(ROUND**2 / 4 - max(abs(y - 128), abs(y + LETTER - 128)) ** 2)) for y in rows]
    room = [width // LETTER - 1 for width in widest]
    words = _wrapped(shown(card.text), min(room[1:-1]))[-6:]
    titled = [(shown(card.title)[: room[0]], MINT), *((text, WHITE) for text in words)]
    return [
        Line(text, 1 + (ROUND - len(text) * LETTER) // 2, y, 2, colour)
        for (text, colour), y in zip(titled, rows, strict=False)
    ]


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, max(1, width))
