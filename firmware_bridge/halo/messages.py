"""The messages between the host and our app on the glasses (app/glint.lua), as bytes. Pure.

To the glasses the vendor's library frames them: [code][length, 2 bytes][data]. From the glasses a notification is one
message, after the vendor's data marker: [code][data]. Clicks and taps have the vendor's codes. All numbers are big
endian. The table is in docs/halo.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum


class ToGlasses(IntEnum):
    HELLO = 0x20
    PING = 0x21
    CAPTURE = 0x22
    MICROPHONE = 0x23
    SPEAKER = 0x24
    TEXT = 0x25
    PICTURE = 0x26
    LIGHT = 0x27
    SOUND = 0x28
    CLEAR = 0x29
    CLICKED = 0x2A


class FromGlasses(IntEnum):
    TAP = 0x09
    CLICK = 0x0B
    AUDIO = 0x30
    PHOTO = 0x31
    PHOTO_END = 0x32
    FAILED = 0x33
    STATUS = 0x34
    HELLO_BACK = 0x35
    SPOKEN = 0x36


class Codec(IntEnum):
    """What sound is sent as. LC3 in frames of 10 ms, PCM in frames of 80 samples at 16 kHz."""

    OFF = 0
    LC3 = 1
    PCM16 = 2
    PCM8 = 3


VERSION_CHARACTERS = 8
UNKNOWN_LEVEL = 255


@dataclass(frozen=True)
class Click:
    """kind: 1 single, 2 double, 3 long. count: clicks ever, modulo 256; None from a tap."""

    kind: int
    count: int | None


@dataclass(frozen=True)
class Audio:
    """Whole frames of one stream, the first of which has this number, modulo 65,536."""

    stream: int
    number: int
    frames: bytes


@dataclass(frozen=True)
class PhotoPart:
    photo: int
    index: int
    data: bytes


@dataclass(frozen=True)
class PhotoEnd:
    photo: int
    parts: int
    size: int


@dataclass(frozen=True)
class Failed:
    """What the glasses could not do: the code of the message that asked for it, and Lua's words."""

    what: int
    why: str


@dataclass(frozen=True)
class Status:
    """battery: 0..1, None if unknown. clicks: ever, modulo 256."""

    battery: float | None
    microphone: bool
    stream: int
    speaker: bool
    clicks: int


@dataclass(frozen=True)
class HelloBack:
    """clicks: so far, modulo 256. version: of our app, as app_source.version. firmware: as "0.8.12"."""

    clicks: int
    version: str
    hardware: str
    firmware: str


@dataclass(frozen=True)
class Spoken:
    """The speaker has been opened or closed."""

    on: bool


Message = Click | Audio | PhotoPart | PhotoEnd | Failed | Status | HelloBack | Spoken


def parse(data: bytes) -> Message | None:
    """What a notification says, without its marker; None for what is none of our messages, or is malformed."""
    try:
        return _parse(data[0], bytes(data[1:]))
    except (IndexError, struct.error, UnicodeDecodeError):
        return None


def _parse(code: int, body: bytes) -> Message | None:
    if code == FromGlasses.AUDIO:
        stream, number = struct.unpack_from(">BH", body)
        return Audio(stream, number, body[3:])
    if code == FromGlasses.PHOTO:
        photo, index = struct.unpack_from(">BH", body)
        return PhotoPart(photo, index, body[3:])
    if code == FromGlasses.PHOTO_END:
        return PhotoEnd(*struct.unpack(">BHI", body))
    if code == FromGlasses.FAILED:
        return Failed(body[0], body[1:].decode("latin-1"))
    if code == FromGlasses.STATUS:
        battery, microphone, stream, speaker, clicks = struct.unpack(">5B", body)
        return Status(None if battery > 100 else battery / 100, microphone == 1, stream, speaker == 1, clicks)
    if code == FromGlasses.HELLO_BACK:
        text = body[1:].decode("latin-1")
        hardware, _, firmware = text[VERSION_CHARACTERS:].partition("|")
        return HelloBack(body[0], text[:VERSION_CHARACTERS], hardware, firmware) if firmware else None
    if code == FromGlasses.SPOKEN:
        return Spoken(body[0] == 1)
    if code == FromGlasses.CLICK:
        return Click(*struct.unpack(">BB", body))
    if code == FromGlasses.TAP:
        return Click(body[0] if body else 1, None)
    return None


def hello(again: bool) -> bytes:
    """again: the glasses had been lost, and the wearer should hear that they are back."""
    return bytes([again])


def framed(code: int, data: bytes) -> bytes:
    """A message that fits into one packet, as the vendor's library would frame it."""
    return struct.pack(">BH", code, len(data)) + data


def capture(photo: int, quality: int, resolution: int) -> bytes:
    """photo: its number, 0..255. quality: 0..4, VERY_LOW to VERY_HIGH. resolution: pixels, of a Frame alone."""
    return struct.pack(">BBH", photo, quality, resolution)


def microphone(stream: int, codec: Codec, kbps: int) -> bytes:
    """stream: a number, 0..127, that every packet of it will carry. kbps: of LC3, a multiple of 8."""
    return bytes([stream, codec, kbps // 8])


def speaker(codec: Codec, kbps: int, volume: int) -> bytes:
    """volume: 0..100."""
    return bytes([codec, kbps // 8, volume])


def light(red: int, green: int, blue: int) -> bytes:
    return bytes([red, green, blue])


@dataclass(frozen=True)
class Line:
    """A line of text at pixels from the left and the top, counted from 1; `size` in multiples of 8 pixels."""

    text: str
    x: int
    y: int
    size: int
    colour: tuple[int, int, int]


def lines(texts: list[Line]) -> bytes:
    """Characters that the glasses' font lacks become question marks."""
    packed = bytes([len(texts)])
    for line in texts:
        letters = line.text.encode("ascii", "replace")[:255]
        packed += struct.pack(">HHBBBBB", line.x, line.y, line.size, *line.colour, len(letters)) + letters
    return packed


def sprite(width: int, height: int, palette: bytes, packed: bytes) -> bytes:
    """As brilliant_msg.TxSprite packs it. palette: RGB of 16 colours. packed: LZ4 of two pixels a byte."""
    return struct.pack(">HHBBB", width, height, 1, 4, len(palette) // 3) + palette + packed


def strip(sprite: bytes, x: int, y: int, last: bool) -> bytes:
    """A piece of a picture. sprite: what `sprite` gives. x, y: pixels, counted from 1."""
    return struct.pack(">BHH", last, x, y) + sprite
