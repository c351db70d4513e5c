"""What the page may say, and what is refused, in words."""

import struct

import numpy as np
import pytest

from sim.page.messages import Gauges, Hello, Hold, Picture, Press, Refused, Sensor, Sound, packed, parsed, unpacked


def test_what_the_page_says():
    assert parsed('{"type": "hello", "token": "abc", "take": true}') == Hello("abc", True)
    assert parsed('{"type": "press"}') == Press()
    assert parsed('{"type": "hold", "on": false}') == Hold(False)
    assert parsed('{"type": "sensor", "name": "camera", "on": false, "why": "no"}') == Sensor("camera", False, "no")
    assert parsed('{"type": "gauges", "battery": 0.5, "celsius": 30}') == Gauges(0.5, 30)


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "{}", '{"type": "explode"}', '{"type": "hold"}', '{"type": "hold", "on": 3}',
     '{"type": "press", "hard": true}', "\u0000", '{"type": "gauges", "battery": "full", "celsius": 3}'],
)  # fmt: skip
def test_garbage_is_refused_in_words(text):
    with pytest.raises(Refused, match="could not be understood"):
        parsed(text)


def test_sound_and_pictures():
    samples = np.array([0, 1000, -32768, 32767], np.int16)
    sound = unpacked(struct.pack("<BI", 1, 48_000) + samples.tobytes())
    assert isinstance(sound, Sound)
    assert sound.rate == 48_000
    assert np.array_equal(sound.samples, samples)
    picture = unpacked(struct.pack("<BI", 2, 7) + b"\xff\xd8rest")
    assert picture == Picture(7, b"\xff\xd8rest")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too short"),
        (b"\x01\x00", "too short"),
        (struct.pack("<BI", 9, 0), "kind 9"),
        (struct.pack("<BI", 3, 16_000), "kind 3"),
        (struct.pack("<BI", 1, 5) + b"\0\0", "5 samples a second"),
        (struct.pack("<BI", 1, 16_000) + b"\0", "16-bit"),
        (struct.pack("<BI", 1, 16_000) + b"\0" * 32_002, "longer than a second"),
        (struct.pack("<BI", 2, 1) + b"GIF89a", "not a JPEG"),
    ],
)
def test_binary_garbage_is_refused_in_words(data, why):
    with pytest.raises(Refused, match=why):
        unpacked(data)


def test_speech_for_the_page():
    message = packed(22_050, np.array([1, -2], np.int16))
    assert message == b"\x03" + struct.pack("<I", 22_050) + b"\x01\x00\xfe\xff"
