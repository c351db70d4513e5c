"""Against the C side, sample by sample, and against libsndfile, which is nobody's here."""

import ctypes
import io
import struct

import numpy as np
import pytest
import soundfile

from firmware_bridge.stream.adpcm import Encoder, decoded

LOUD = np.array([32767, -32768] * 200, np.int16)


@pytest.fixture(params=["spoken", "loud", "silent"])
def samples(request, spoken):
    return {"spoken": spoken, "loud": LOUD, "silent": np.zeros(400, np.int16)}[request.param]


def in_c(core, samples):
    core.adpcm_begin()
    for at in range(0, len(samples), 504):
        piece = samples[at : at + 504]
        block = ctypes.create_string_buffer(4 + len(piece) // 2)
        core.adpcm_block(piece.ctypes.data_as(ctypes.c_void_p), len(piece), block)
        yield piece, block.raw


def test_both_code_alike(core, samples):
    encoder = Encoder()
    for piece, block in in_c(core, samples):
        assert encoder.block(piece) == block
        there = np.zeros(len(piece), np.int16)
        core.adpcm_samples(block, len(piece), there.ctypes.data_as(ctypes.c_void_p))
        assert np.array_equal(decoded(block), there)


def test_libsndfile_decodes_the_same(samples):
    encoder = Encoder()
    for at in range(0, len(samples), 400):
        block = encoder.block(samples[at : at + 400])
        assert np.array_equal(decoded(block), by_libsndfile(block))


def by_libsndfile(block):
    """As a WAV of one IMA block, whose header is little-endian, counts as a sample, and has the low half first."""
    predicted, index = struct.unpack(">hB", block[:3])
    pairs = np.frombuffer(block[4:], np.uint8)
    body = struct.pack("<hBx", predicted, index) + (pairs >> 4 | pairs << 4).astype(np.uint8).tobytes()
    each = 1 + 2 * len(pairs)
    layout = struct.pack("<HHIIHHHH", 0x11, 1, 16_000, 8_000, len(body), 4, 2, each)
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout
    chunks += b"fact" + struct.pack("<II", 4, each) + b"data" + struct.pack("<I", len(body)) + body
    wav = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
    return soundfile.read(io.BytesIO(wav), dtype="int16")[0][1:]


def test_it_sounds_the_same(spoken):
    encoder = Encoder()
    heard = np.concatenate([decoded(encoder.block(spoken[at : at + 500])) for at in range(0, len(spoken), 500)])
    error = spoken.astype(float) - heard
    assert 10 * np.log10(np.mean(spoken.astype(float) ** 2) / np.mean(error**2)) > 20  # dB


def test_a_block_that_is_cut_short_is_no_sound():
    for length in range(5):
        assert len(decoded(bytes(length))) == 0
    assert len(decoded(b"\x00\x00\xff\x00\x12")) == 2  # an index that cannot be counts as the highest
