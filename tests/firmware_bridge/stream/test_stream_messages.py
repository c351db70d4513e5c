import random
import struct

import pytest

from firmware_bridge.stream import messages
from firmware_bridge.stream.messages import Abilities, Control, Hello, Malformed, Message, Microphone, Trouble, unpacked

EXAMPLES = [
    Hello(session=0x01020304),
    Control(token=7, microphone=messages.ADPCM, light=2, floor=1 << 31),
    messages.Speaker(position=2**32 - 1, format=messages.PCM, data=b"\1\2"),
    messages.Display(number=3, format=4, top=10, rows=20, total=10_240, offset=1010, data=b"pixels"),
    messages.PhotoTake(number=255, quality=80, side=640),
    messages.PhotoRead(number=1, offset=70_000, count=16_384),
    Abilities(session=9, parts=7, microphone=3, speaker=1, speaker_rate=8000, speaker_buffer=4000, text="Brille ü"),
    messages.Status(token=7, presses=200, battery=99, temperature=-125, received=5, played=4, damaged=1, lost=2),
    Microphone(position=512, format=messages.ADPCM, data=bytes(260)),
    messages.DisplayTaken(number=3, next=2020),
    messages.PhotoReady(number=1, size=80_000, crc=0xDEADBEEF),
    messages.PhotoPart(number=1, offset=1019, data=b"\xff\xd8"),
    Trouble(code=4, text="The camera is too hot."),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_there_and_back(message):
    payload = message.packed()
    assert unpacked(message.kind, payload) == message
    for length in range(message.layout.size):
        with pytest.raises(Malformed):
            unpacked(message.kind, payload[:length])


def test_every_kind_has_an_example_and_its_own_number():
    kinds = Message.__subclasses__()
    assert {type(example) for example in EXAMPLES} == set(kinds)
    assert len({kind.kind for kind in kinds}) == len(kinds)


def test_a_later_version_may_say_more():
    assert unpacked(Control.kind, Control(token=1, light=3).packed() + b"more") == Control(token=1, light=3)
    assert unpacked(0x7F, b"new") is None


def test_another_protocol_is_none():
    with pytest.raises(Malformed, match="another protocol"):
        Hello.unpacked(b"HTTP" + bytes(8))


def test_random_payloads_are_a_message_or_malformed():
    rng = random.Random(4)
    for _ in range(20_000):
        kind, payload = rng.choice(EXAMPLES).kind, rng.randbytes(rng.randrange(60))
        try:
            message = unpacked(kind, payload)
        except Malformed:
            continue
        assert message is not None
        try:
            assert message.packed()[: message.layout.size] is not None
        except struct.error:
            pytest.fail(f"{message} cannot be packed again")
