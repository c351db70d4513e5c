"""What the page and the server say to each other over one WebSocket.

Text messages are JSON objects with a `type`; sound and pictures are binary, a kind and a 32-bit number in front:

    to the server   1, samples a second, int16 samples      a piece of the microphone
                    2, number, JPEG                         the frame that was asked for
    to the page     3, samples a second, int16 samples      a piece of what is said
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import msgspec
import numpy as np

SOUND, FRAME, SPEECH = 1, 2, 3
LARGEST = 4_000_000  # bytes of one message
LONGEST_S = 1.0  # of sound in one message
RATES = range(8_000, 192_001)
_HEAD = struct.Struct("<BI")


class Refused(ValueError):
    """A message that cannot be understood; says why."""


class _Message(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag=str.lower):
    """`type` is the name of the class in small letters."""


class Hello(_Message):
    """The first message. token: where one is asked for; take: from another page that is worn."""

    token: str = ""
    take: bool = False


class Press(_Message):
    """The button: wakes, interrupts."""


class Hold(_Message):
    """Push to talk, held down or let go."""

    on: bool


class Sensor(_Message):
    """A sensor is there or not; why not, for the wearer."""

    name: str  # "camera" or "microphone"
    on: bool
    why: str = ""


class Fault(_Message):
    """Something breaks, or is whole again."""

    name: str  # "camera" or "radio"
    on: bool


class Gauges(_Message):
    """The sliders: battery 0..1, degrees Celsius."""

    battery: float
    celsius: float


class Say(_Message):
    """A question typed, to be heard as if somebody had said it."""

    text: str


Message = Hello | Press | Hold | Sensor | Fault | Gauges | Say
_decoder = msgspec.json.Decoder(Message)


@dataclass(frozen=True)
class Sound:
    """samples: int16 [n]."""

    rate: int
    samples: np.ndarray


@dataclass(frozen=True)
class Picture:
    """number: the page's own, by which it knows the frame again."""

    number: int
    jpeg: bytes


def parsed(text: str) -> Message:
    """Raises Refused."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Refused(f"A message could not be understood: {error}.") from error


def unpacked(data: bytes) -> Sound | Picture:
    """Raises Refused."""
    if len(data) < _HEAD.size:
        raise Refused("A binary message is too short to say what it is.")
    kind, number = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if kind == FRAME:
        if not body.startswith(b"\xff\xd8"):
            raise Refused("A frame is not a JPEG picture.")
        return Picture(number, body)
    if kind != SOUND:
        raise Refused(f"A binary message is of kind {kind}, which there is not.")
    if number not in RATES:
        raise Refused(f"Sound has {number} samples a second; 8,000 to 192,000 are understood.")
    if len(body) % 2 or len(body) > 2 * LONGEST_S * number:
        raise Refused("A piece of sound is longer than a second or not made of 16-bit samples.")
    return Sound(number, np.frombuffer(body, "<i2"))


def packed(rate: int, samples: np.ndarray) -> bytes:
    """Speech for the page; samples: int16 [n]."""
    return _HEAD.pack(SPEECH, rate) + samples.astype("<i2").tobytes()
