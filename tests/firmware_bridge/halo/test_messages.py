"""The messages as bytes, against the vendor's own packing where it has one."""

import numpy as np
import pytest

from firmware_bridge.halo import messages
from firmware_bridge.halo.messages import (
    Audio,
    Click,
    Codec,
    Failed,
    HelloBack,
    Line,
    PhotoEnd,
    PhotoPart,
    Spoken,
    Status,
    ToGlasses,
    parse,
)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x30\x05\x01\x02abcd", Audio(5, 258, b"abcd")),
        (b"\x31\x07\x00\x09xyz", PhotoPart(7, 9, b"xyz")),
        (b"\x32\x07\x00\x0a\x00\x01\x00\x00", PhotoEnd(7, 10, 65536)),
        (b"\x33\x22no camera", Failed(ToGlasses.CAPTURE, "no camera")),
        (b"\x34\x55\x01\x03\x00\x09", Status(0.85, True, 3, False, 9)),
        (b"\x34\xff\x00\x00\x01\x00", Status(None, False, 0, True, 0)),
        (b"\x35\x070123abcdhalo|0.8.12", HelloBack(7, "0123abcd", "halo", "0.8.12")),
        (b"\x36\x01", Spoken(True)),
        (b"\x0b\x01\x04", Click(1, 4)),
        (b"\x09\x02", Click(2, None)),
        (b"\x09", Click(1, None)),
    ],
)
def test_what_the_glasses_say(data, says):
    assert parse(data) == says
    assert parse(bytearray(data)) == says


@pytest.mark.parametrize(
    "data", [b"", b"\x01\x00\x00", b"\x30\x05", b"\x32\x07", b"\x34\x55", b"\x350123", b"\x0b", b"\x0b\x01", b"\xee?"]
)
def test_what_is_none_of_ours_or_malformed_is_nothing(data):
    assert parse(data) is None


@pytest.mark.parametrize("seed", range(20))
def test_noise_raises_nothing(seed):
    noise = np.random.default_rng(seed)
    for _ in range(500):
        parse(noise.bytes(int(noise.integers(0, 40))))


def test_what_is_told_to_the_glasses():
    assert messages.framed(ToGlasses.HELLO, messages.hello(True)) == b"\x20\x00\x01\x01"
    assert messages.capture(9, 2, 640) == b"\x09\x02\x02\x80"
    assert messages.microphone(3, Codec.LC3, 32) == b"\x03\x01\x04"
    assert messages.speaker(Codec.LC3, 64, 70) == b"\x01\x08\x46"
    assert messages.light(1, 2, 3) == b"\x01\x02\x03"
    assert messages.lines([Line("Tür", 5, 300, 2, (1, 2, 3))]) == b"\x01\x00\x05\x01\x2c\x02\x01\x02\x03\x03T?r"


def test_a_sprite_is_packed_as_the_vendor_packs_it():
    from brilliant_msg import TxSprite
    from lz4.frame import compress

    noise = np.random.default_rng(1)
    pixels = noise.integers(0, 16, (14, 196)).astype(np.uint8)
    palette = noise.bytes(48)
    halves = pixels.ravel()
    packed = compress((halves[::2] << 4 | halves[1::2]).tobytes(), compression_level=9)
    theirs = TxSprite(196, 14, 16, palette, pixels.tobytes(), compress=True).pack()
    assert messages.sprite(196, 14, palette, packed) == theirs
