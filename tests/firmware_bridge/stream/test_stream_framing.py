"""Frames, encoded and decoded by Python and by C."""

import ctypes
import random
import subprocess

import pytest
from stream_peer import HERE, compiled

from firmware_bridge.stream.framing import LONGEST, PAYLOAD, Decoder, Encoder

LENGTHS = (0, 1, 2, 240, 243, 244, 245, 246, 247, 253, 254, 255, 500, 508, 509, 1000, 1023, 1024)
KINDS = (0x01, 0x02, 0x06, 0x42, 0x81, 0x86, 0xFF)


@pytest.fixture
def c(core):
    core.begin()
    return core


def encoded_in_c(core, kind, payload):
    out = ctypes.create_string_buffer(3 * PAYLOAD)
    size = core.encode(kind, payload, len(payload), out)
    return out.raw[:size]


def decoded_in_c(core, data):
    out, counts = ctypes.create_string_buffer(2 * len(data) + 16), (ctypes.c_uint32 * 4)()
    size = core.decode(data, len(data), out, counts)
    rest, frames = out.raw[:size], []
    while rest:
        length = int.from_bytes(rest[1:3], "little")
        frames.append((rest[0], rest[3 : 3 + length]))
        rest = rest[3 + length :]
    return frames, tuple(counts)


def payloads(rng):
    for length in LENGTHS:
        yield rng.randbytes(length)
        yield bytes(length)
        yield bytes(rng.randrange(1, 256) for _ in range(length))


def test_both_encode_to_the_same_bytes_and_decode_each_other(c):
    rng, encoder, decoder = random.Random(1), Encoder(), Decoder()
    for payload in payloads(rng):
        kind = rng.choice(KINDS)
        here, there = encoder.frame(kind, payload), encoded_in_c(c, kind, payload)
        assert here == there
        assert len(here.strip(b"\0")) <= LONGEST
        assert decoder.feed(there) == [(kind, payload)]
        assert decoded_in_c(c, here)[0] == [(kind, payload)]


def test_a_payload_that_is_too_long_is_not_sent():
    with pytest.raises(ValueError, match="1025 bytes"):
        Encoder().frame(2, bytes(1025))


def test_it_does_not_matter_in_which_pieces_they_come():
    encoder, decoder, rng = Encoder(), Decoder(), random.Random(2)
    sent = [(0x42, rng.randbytes(rng.randrange(300))) for _ in range(50)]
    stream, got = b"".join(encoder.frame(*frame) for frame in sent), []
    while stream:
        size = rng.randrange(1, 40)
        got += decoder.feed(stream[:size])
        stream = stream[size:]
    assert got == sent
    assert decoder.counts.good == 50


def test_what_is_missing_is_counted_and_the_next_frame_is_found():
    encoder, decoder = Encoder(), Decoder()
    frames = [encoder.frame(2, bytes([number] * 9)) for number in range(5)]
    broken = bytearray(frames[1])
    broken[4] ^= 0x10
    assert [frame.payload[0] for frame in decoder.feed(frames[0] + broken + frames[2] + frames[4])] == [0, 2, 4]
    assert (decoder.counts.damaged, decoder.counts.lost) == (1, 2)


def test_a_frame_that_comes_late_or_twice_is_let_go():
    encoder, decoder = Encoder(), Decoder()
    one, two = encoder.frame(2, b"one"), encoder.frame(2, b"two")
    assert [frame.payload for frame in decoder.feed(two + one + two)] == [b"two"]
    assert decoder.counts.late == 2


def test_a_hello_begins_the_sequence_anew_and_is_found_behind_half_a_frame(c):
    old, new = Encoder(), Encoder()
    cut = b"".join(old.frame(2, b"x" * 50) for _ in range(300))[:-20]
    stream = cut + new.frame(0x81, b"hello") + new.frame(0x82, b"status")
    for frames in (Decoder().feed(stream), decoded_in_c(c, stream)[0]):
        assert frames[-2:] == [(0x81, b"hello"), (0x82, b"status")]


def test_the_sequence_goes_around():
    encoder, decoder = Encoder(), Decoder()
    for _ in range(70_000):
        assert len(decoder.feed(encoder.frame(2, b"x"))) == 1
    assert decoder.counts.lost == decoder.counts.late == 0


def damaged(rng, frames):
    """The same stream, as a bad line would bring it."""
    out = []
    for frame in frames:
        piece = bytearray(frame)
        chance = rng.random()
        if chance < 0.1:
            piece[rng.randrange(len(piece))] ^= 1 << rng.randrange(8)
        elif chance < 0.15:
            piece = piece[: rng.randrange(len(piece))]
        elif chance < 0.2:
            at = rng.randrange(len(piece))
            piece[at : at + rng.randrange(9)] = rng.randbytes(rng.randrange(9))
        elif chance < 0.23:
            piece = bytearray(rng.randbytes(rng.randrange(1500)))
        elif chance < 0.26:
            piece = bytearray()
        elif chance < 0.29:
            piece *= 2
        out.append(bytes(piece))
    for _ in range(len(out) // 20):
        at = rng.randrange(len(out) - 1)
        out[at], out[at + 1] = out[at + 1], out[at]
    return b"".join(out)


@pytest.mark.parametrize("seed", range(6))
def test_a_bad_line_no_damaged_frame_and_both_sides_agree(c, seed):
    rng, encoder, decoder = random.Random(seed), Encoder(), Decoder()
    sent = [(rng.randrange(2, 100), number.to_bytes(4, "little") + rng.randbytes(rng.choice((0, 9, 250, 1020))))
            for number in range(1500)]  # fmt: skip
    stream = damaged(rng, [encoder.frame(*frame) for frame in sent])
    got = decoder.feed(stream)
    assert set(got) <= set(sent)
    numbers = [int.from_bytes(frame.payload[:4], "little") for frame in got]
    assert numbers == sorted(set(numbers))
    assert len(got) > 900
    counts = decoder.counts
    assert decoded_in_c(c, stream) == (got, (counts.good, counts.damaged, counts.lost, counts.late))


def test_noise_is_no_frame_and_takes_no_memory(c):
    rng, decoder = random.Random(3), Decoder()
    for _ in range(100):
        noise = rng.randbytes(10_000).replace(b"\0", b"\1") if rng.random() < 0.5 else rng.randbytes(10_000)
        assert decoder.feed(noise) == decoded_in_c(c, noise)[0] == []
        assert len(decoder._rest) <= LONGEST
    encoder = Encoder()
    assert [frame.payload for frame in decoder.feed(b"\0" + encoder.frame(0x81, b"hi"))] == [b"hi"]


def test_the_c_core_under_the_sanitizers(tmp_path):
    program = compiled(
        tmp_path / "fuzz", [HERE / "fuzz_peer.c"], "-O1", "-g", "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    )  # fmt: skip
    done = subprocess.run([program, "1", "200000"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    fields = done.stdout.split()
    counts = dict(zip(fields[::2], map(int, fields[1::2]), strict=True))
    assert counts["inputs"] == 200_000
    assert min(counts["spoilt"], counts["accepted"], counts["answers"]) > 10_000
