"""Frames on a stream of bytes: whoever listens finds the next one after any damage, and knows what it has missed.

A frame is `kind u8, sequence u16, length u16, payload, CRC-32 of all before it`, little-endian, stuffed with COBS
(Cheshire and Baker, "Consistent Overhead Byte Stuffing", 1999) so that no byte of it is 0, and a 0 behind it. Knows
nothing of what the payloads mean. docs/wire.md is the whole of it, in words.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

from models.errors import GlintError

PAYLOAD = 1024  # bytes that a frame may carry at most
_HEAD, _CRC = struct.Struct("<BHH"), struct.Struct("<I")
_OVERHEAD = _HEAD.size + _CRC.size
LONGEST = PAYLOAD + _OVERHEAD + (PAYLOAD + _OVERHEAD) // 254 + 1  # stuffed, without the 0
HELLOS = (0x01, 0x81)  # begin a session, and with it the sequence


class Frame(NamedTuple):
    kind: int
    payload: bytes


@dataclass
class Counts:
    """What became of the frames: whole and in order, damaged, missing in the sequence, and older than one before."""

    good: int = 0
    damaged: int = 0
    lost: int = 0
    late: int = 0


class Encoder:
    """Numbers the frames of one direction."""

    def __init__(self) -> None:
        self._sequence = 0

    def frame(self, kind: int, payload: bytes) -> bytes:
        """The next frame, with its 0. A hello begins the sequence at 0 and has a 0 in front of it too."""
        if len(payload) > PAYLOAD:
            raise ValueError(f"{len(payload)} bytes do not fit into a frame")
        begins = kind in HELLOS
        if begins:
            self._sequence = 0
        head = _HEAD.pack(kind, self._sequence, len(payload))
        self._sequence = (self._sequence + 1) & 0xFFFF
        checked = head + payload
        stuffed = _cobs().encode(checked + _CRC.pack(zlib.crc32(checked)))
        return (b"\0" if begins else b"") + stuffed + b"\0"


class Decoder:
    """Finds the frames of one direction in whatever comes, and adds to `counts`."""

    def __init__(self, counts: Counts | None = None) -> None:
        self.counts = Counts() if counts is None else counts
        self._rest = bytearray()
        self._skipping = False  # what comes until the next 0 belongs to a frame that is too long
        self._expected = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with these bytes, undamaged, in order and each at most once."""
        frames = []
        self._rest += data
        *pieces, rest = self._rest.split(b"\0")
        for piece in pieces:
            if self._skipping or len(piece) > LONGEST:
                self.counts.damaged += 1
                self._skipping = False
            elif piece and (frame := self._taken(bytes(piece))) is not None:
                frames.append(frame)
        if len(rest) > LONGEST:
            self._skipping = True
            rest = bytearray()
        self._rest = rest
        return frames

    def _taken(self, stuffed: bytes) -> Frame | None:
        cobs = _cobs()
        try:
            checked = cobs.decode(stuffed)
        except cobs.DecodeError:
            checked = b""
        if len(checked) < _OVERHEAD or zlib.crc32(checked[:-4]) != _CRC.unpack(checked[-4:])[0]:
            self.counts.damaged += 1
            return None
        kind, sequence, length = _HEAD.unpack_from(checked)
        if length != len(checked) - _OVERHEAD or length > PAYLOAD:
            self.counts.damaged += 1
            return None
        if kind not in HELLOS:
            ahead = (sequence - self._expected) & 0xFFFF
            if ahead >= 0x8000:
                self.counts.late += 1
                return None
            self.counts.lost += ahead
        self._expected = (sequence + 1) & 0xFFFF
        self.counts.good += 1
        return Frame(kind, checked[_HEAD.size : -4])


def _cobs() -> ModuleType:
    try:
        from cobs import cobs
    except ModuleNotFoundError:
        raise GlintError(
            "Glasses on a stream need the Python package cobs; run: pip install 'glint[stream]'."
        ) from None
    return cobs
