"""Four bits a sample: DVI4 as RFC 3551 has it (section 4.5.1), the IMA's ADPCM.

A block is the state before its first sample (int16 predicted, big-endian; u8 index; a 0), then two samples a byte, the
first in the high half. Each block can be decoded alone.
"""

from __future__ import annotations

import struct
from itertools import accumulate

import numpy as np

_HEAD = struct.Struct(">hBx")
_STEPS = (
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
)  # fmt: skip
_MOVES = (-1, -1, -1, -1, 2, 4, 6, 8) * 2
_NEXT = [[min(max(index + move, 0), 88) for move in _MOVES] for index in range(89)]  # [index][code]
_CHANGES = np.array(
    [
        [
            (-1 if code & 8 else 1)
            * ((step >> 3) + bool(code & 4) * step + bool(code & 2) * (step >> 1) + bool(code & 1) * (step >> 2))
            for code in range(16)
        ]
        for step in _STEPS
    ],
    np.int64,
)


def decoded(block: bytes) -> np.ndarray:
    """int16 [n] of a block; empty for one that is cut short. An even number of samples."""
    if len(block) <= _HEAD.size:
        return np.zeros(0, np.int16)
    predicted, index = _HEAD.unpack_from(block)
    pairs = np.frombuffer(block, np.uint8, offset=_HEAD.size)
    codes = np.stack([pairs >> 4, pairs & 15], axis=1).ravel()
    indices = list(accumulate(codes[:-1].tolist(), lambda at, code: _NEXT[at][code], initial=min(index, 88)))
    changes = _CHANGES[indices, codes]
    samples = predicted + np.cumsum(changes)
    if samples.min() < -32768 or samples.max() > 32767:  # rare: then each is clipped before the next builds on it
        clipped = accumulate(
            changes.tolist(), lambda at, change: min(max(at + change, -32768), 32767), initial=predicted
        )
        samples = np.fromiter(clipped, np.int64)[1:]
    return samples.astype(np.int16)


class Encoder:
    """The state that goes on from block to block."""

    def __init__(self) -> None:
        self._predicted, self._index = 0, 0

    def block(self, samples: np.ndarray) -> bytes:
        """int16 [n], n even, to 4 + n / 2 bytes."""
        head = _HEAD.pack(self._predicted, self._index)
        predicted, index, codes = self._predicted, self._index, bytearray()
        for sample in samples.tolist():
            step, off = _STEPS[index], abs(sample - predicted)
            code = 8 if sample < predicted else 0
            for bit in (4, 2, 1):
                if off >= step:
                    code |= bit
                    off -= step
                step >>= 1
            predicted = min(max(predicted + int(_CHANGES[index, code]), -32768), 32767)
            index = _NEXT[index][code]
            codes.append(code)
        self._predicted, self._index = predicted, index
        pairs = np.frombuffer(bytes(codes), np.uint8).reshape(-1, 2)
        return head + (pairs[:, 0] << 4 | pairs[:, 1]).astype(np.uint8).tobytes()
