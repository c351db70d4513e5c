"""Glasses with any firmware that speaks the wire format of docs/wire.md, over TCP or a serial line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from device.cards.card import Card
from device.glasses import Condition, Light
from firmware_bridge.stream.ear import Ear
from firmware_bridge.stream.eye import Eye
from firmware_bridge.stream.line import Address, parsed
from firmware_bridge.stream.link import Link
from firmware_bridge.stream.messages import (
    LIGHTS,
    UNKNOWN_BATTERY,
    UNKNOWN_TEMPERATURE,
    Abilities,
    Control,
    Message,
    Status,
)
from firmware_bridge.stream.mouth import Mouth
from firmware_bridge.stream.view import View


class StreamGlasses:
    """Implements device.glasses.Glasses, Display, Led and Gauge. Connects at first use.

    Everything raises Unplugged while the link is down, and it goes on trying; the microphone at the other end is off
    then. `link.counts` says what was damaged and lost on the way.
    """

    def __init__(self, address: Address) -> None:
        self.ear, self.eye, self.mouth, self.view = Ear(address.slow), Eye(address.slow), Mouth(address.slow), View()
        self.microphone, self.camera, self.speaker = self.ear, self.eye, self.mouth
        self.button = self.rest = _Rest()
        self.display = self.led = self.gauge = self
        self.link = Link(address, (self.rest, self.ear, self.mouth, self.eye, self.view), self._wants)
        self.ear.link = self.eye.link = self.mouth.link = self.link
        self._light = Light.OFF

    def show(self, cards: Sequence[Card], picture: np.ndarray | None = None) -> None:
        """As the protocol of a display says; shown when the link is back, where it is down."""
        self.view.show(cards, picture)

    def light(self, light: Light) -> None:
        """As the protocol of a light says."""
        self._light = light

    def condition(self) -> Condition:
        """As the protocol of a gauge says: what was told last; what is not known is as it should be."""
        status, usual = self.rest.status, Condition()
        if status is None:
            return usual
        return Condition(
            usual.battery if status.battery == UNKNOWN_BATTERY else min(status.battery, 100) / 100,
            usual.celsius if status.temperature == UNKNOWN_TEMPERATURE else status.temperature / 10,
        )

    def close(self) -> None:
        """Everything off at the other end, and the line closed. May be called twice."""
        self.link.close()

    def _wants(self, now: float) -> Control:
        wanted = Control(
            token=0, microphone=self.ear.wanted(now), light=LIGHTS.index(self._light), floor=self.mouth.floor
        )
        if self.link.followed(wanted):
            self.mouth.confirmed(wanted.floor)
        return wanted


def open_stream(address: str) -> StreamGlasses:
    """Glasses at tcp://HOST:PORT or serial:///dev/ttyACM0?baud=921600. Raises GlintError for another address."""
    return StreamGlasses(parsed(address))


class _Rest:
    """The button, and what the glasses last said of themselves. Implements device.glasses.Button and link.Part."""

    def __init__(self) -> None:
        self.status: Status | None = None
        self._presses: int | None = None  # at the glasses, ever
        self._pressed = False

    def begin(self, abilities: Abilities) -> None:
        """As the protocol of a part says; what was pressed without a link nobody can know."""
        self._presses = None
        self._pressed = False

    def take(self, message: Message) -> None:
        """As the protocol of a part says."""
        if isinstance(message, Status):
            self._pressed |= self._presses is not None and message.presses != self._presses
            self._presses, self.status = message.presses, message

    def due(self, now: float) -> Iterable[Message]:
        """As the protocol of a part says."""
        return ()

    def pressed(self) -> bool:
        """As the protocol says."""
        pressed, self._pressed = self._pressed, False
        return pressed
