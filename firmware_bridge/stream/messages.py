"""What the glasses and their host say to each other, and how each message lies in the payload of a frame.

The fields of a class are those of its payload, in order, little-endian; `data` or `text` is all the rest of it. A
longer payload than is known here has been made by a later version, and what it has more is left out. docs/wire.md has
the tables, and what each side does when.
"""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, TypeVar

from device.glasses import Light
from firmware_bridge.stream.framing import PAYLOAD

VERSION = 1
MAGIC = b"GLNT"
UNKNOWN_BATTERY, UNKNOWN_TEMPERATURE = 255, -32768
LIGHTS = (Light.OFF, Light.GREEN, Light.YELLOW, Light.BLUE)  # by their number on the wire
PCM, ADPCM = 1, 2  # of a microphone or speaker; 0 is off
CAMERA, BUTTON, LIGHT = 1, 2, 4  # bits of what a pair has


class DisplayFormat(IntEnum):
    NONE = 0
    LINES = 1  # UTF-8, a line feed between lines
    MONO = 2  # 1 bit a pixel, the leftmost in the highest bit
    GREY4 = 3  # 4 bits a pixel, the left one in the high half
    RGB565 = 4  # 16 bits a pixel, little-endian


class Malformed(ValueError):
    """A payload that is too short or says what cannot be."""


M = TypeVar("M", bound="Message")


@dataclass(frozen=True, kw_only=True)
class Message:
    """kind: of its frame, from the host below 0x80, from the glasses above."""

    kind: ClassVar[int]
    layout: ClassVar[struct.Struct]  # of all fields but the last where that one is the rest

    def packed(self) -> bytes:
        values = [getattr(self, field.name) for field in dataclasses.fields(self)]
        name = dataclasses.fields(self)[-1].name
        rest = values.pop() if name in ("data", "text") else b""
        return self.layout.pack(*values) + (rest.encode() if isinstance(rest, str) else rest)

    @classmethod
    def unpacked(cls: type[M], payload: bytes) -> M:
        """Raises Malformed."""
        if len(payload) < cls.layout.size:
            raise Malformed(f"{cls.__name__} of {len(payload)} bytes; {cls.layout.size} are the least")
        names = [field.name for field in dataclasses.fields(cls)]
        values: dict[str, Any] = dict(zip(names, cls.layout.unpack_from(payload), strict=False))
        if names[-1] in ("data", "text"):
            rest = payload[cls.layout.size :]
            values[names[-1]] = rest.decode(errors="replace") if names[-1] == "text" else rest
        if values.get("magic", MAGIC) != MAGIC:
            raise Malformed(f"{cls.__name__} of another protocol")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Hello(Message):
    """session: a number but 0 that the host has not used lately; payload: bytes it can take in one frame."""

    kind = 0x01
    layout = struct.Struct("<4sBxHI")
    magic: bytes = MAGIC
    version: int = VERSION
    payload: int = PAYLOAD
    session: int


@dataclass(frozen=True, kw_only=True)
class Control(Message):
    """What the host wants to be so. floor: sound before this sample is not to be played any more."""

    kind = 0x02
    layout = struct.Struct("<HBBI")
    token: int
    microphone: int = 0  # 0, PCM or ADPCM
    light: int = 0  # an index into LIGHTS
    floor: int = 0


@dataclass(frozen=True, kw_only=True)
class Speaker(Message):
    """position: of the first sample of `data` in all that was ever said, modulo 2^32; format: PCM or ADPCM."""

    kind = 0x03
    layout = struct.Struct("<IB")
    position: int
    format: int = PCM
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Display(Message):
    """A part of update `number`: rows `top` to `top + rows` of a picture, or all lines; `total` bytes in all."""

    kind = 0x04
    layout = struct.Struct("<BBHHII")
    number: int
    format: int
    top: int
    rows: int
    total: int
    offset: int
    data: bytes


@dataclass(frozen=True, kw_only=True)
class PhotoTake(Message):
    """side: of the longer side in pixels, as near as the camera can; quality: of the JPEG, 1 to 100."""

    kind = 0x05
    layout = struct.Struct("<BBH")
    number: int
    quality: int
    side: int


@dataclass(frozen=True, kw_only=True)
class PhotoRead(Message):
    """Send these bytes of the photo."""

    kind = 0x06
    layout = struct.Struct("<BII")
    number: int
    offset: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Abilities(Message):
    """session: the host's, or 0 from glasses that have just started. Rates in Hz, buffer in samples, 0 without one."""

    kind = 0x81
    layout = struct.Struct("<4sBBHIBBIIIBxHH")
    magic: bytes = MAGIC
    version: int = VERSION
    parts: int = 0  # CAMERA | BUTTON | LIGHT
    payload: int = PAYLOAD
    session: int
    microphone: int = 0  # bit 0 for PCM, bit 1 for ADPCM
    speaker: int = 0  # the same bits
    microphone_rate: int = 16_000
    speaker_rate: int = 16_000
    speaker_buffer: int = 0
    display: int = DisplayFormat.NONE
    width: int = 0  # pixels, or characters of LINES
    height: int = 0
    text: str = ""  # a name


@dataclass(frozen=True, kw_only=True)
class Status(Message):
    """What is so at the glasses. received, played: samples of the speaker's stream."""

    kind = 0x82
    layout = struct.Struct("<HBBBBhIIHH")
    token: int  # of the last Control
    microphone: int = 0
    light: int = 0
    presses: int = 0  # of the button, modulo 256
    battery: int = UNKNOWN_BATTERY  # percent
    temperature: int = UNKNOWN_TEMPERATURE  # tenths of a degree Celsius
    received: int = 0
    played: int = 0
    damaged: int = 0  # frames, modulo 65536
    lost: int = 0  # frames, modulo 65536


@dataclass(frozen=True, kw_only=True)
class Microphone(Message):
    """position: of the first sample of `data` in all that was ever heard, modulo 2^32."""

    kind = 0x83
    layout = struct.Struct("<IB")
    position: int
    format: int = PCM
    data: bytes


@dataclass(frozen=True, kw_only=True)
class DisplayTaken(Message):
    """The next byte of update `number` that the glasses wait for; its total once it is shown."""

    kind = 0x84
    layout = struct.Struct("<BI")
    number: int
    next: int


@dataclass(frozen=True, kw_only=True)
class PhotoReady(Message):
    """size: bytes of the JPEG, 0 when there is none; crc: its CRC-32."""

    kind = 0x85
    layout = struct.Struct("<BII")
    number: int
    size: int
    crc: int


@dataclass(frozen=True, kw_only=True)
class PhotoPart(Message):
    kind = 0x86
    layout = struct.Struct("<BI")
    number: int
    offset: int
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Trouble(Message):
    """Something is wrong at the glasses. code: the maker's own; text: one sentence."""

    kind = 0x87
    layout = struct.Struct("<B")
    code: int
    text: str


_KINDS: dict[int, type[Message]] = {kind.kind: kind for kind in Message.__subclasses__()}


def unpacked(kind: int, payload: bytes) -> Message | None:
    """The message; None for a kind that is not known here. Raises Malformed."""
    found = _KINDS.get(kind)
    return None if found is None else found.unpacked(payload)
