"""Sound in pieces of any length: nothing is lost or moved, and every chunk knows when it was heard."""

import numpy as np
import pytest

from device.glasses import CHUNK, RATE
from device.heard_chunks import BEHIND_S, HeardChunks


def test_pieces_of_any_length_come_out_as_one_stream():
    chunks, random = HeardChunks(), np.random.default_rng(0)
    sound = random.standard_normal(20 * CHUNK + 17).astype(np.float32)
    at, taken = 0, []
    while at < len(sound):
        length = int(random.integers(1, 3 * CHUNK))
        chunks.add(sound[at : at + length], heard_at=min(at + length, len(sound)) / RATE)
        at += length
        while chunks:
            taken.append(chunks.take())
            assert chunks.late_s(at / RATE) >= 0
            assert chunks.late_s(len(taken) * CHUNK / RATE) == pytest.approx(0, abs=1e-9)
    np.testing.assert_array_equal(np.concatenate(taken), sound[: 20 * CHUNK])


def test_a_reader_that_is_late_is_told_so_and_loses_the_oldest():
    chunks = HeardChunks()
    assert chunks.late_s(5.0) == 0
    for second in range(30):
        chunks.add(np.full(RATE, second, np.float32), heard_at=float(second + 1))
    assert len(chunks) == BEHIND_S * RATE // CHUNK
    assert chunks.take()[-1] == 30 - BEHIND_S
    assert BEHIND_S - 2 * CHUNK / RATE < chunks.late_s(30.0) <= BEHIND_S


def test_what_is_forgotten_never_comes_back():
    chunks = HeardChunks()
    chunks.add(np.ones(CHUNK + 5, np.float32), 1.0)
    chunks.clear()
    chunks.add(np.zeros(CHUNK, np.float32), 2.0)
    assert not chunks.take().any()
    assert not chunks
    with pytest.raises(IndexError):
        chunks.take()
