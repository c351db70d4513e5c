"""Sound as the glasses send and take it: LC3 or PCM, in whole frames. The codec is Google's liblc3, by way of lc3py.

LC3 delays sound by 2.5 ms beside its frame of 10 ms (lc3py's get_delay_samples).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from device.glasses import RATE
from firmware_bridge.halo.messages import Codec

LC3_US = 10_000  # a frame
LC3_SAMPLES = RATE * LC3_US // 1_000_000
PCM_SAMPLES = 80


def frame_samples(codec: Codec) -> int:
    """Samples in one frame."""
    return LC3_SAMPLES if codec is Codec.LC3 else PCM_SAMPLES


def frame_bytes(codec: Codec, kbps: int) -> int:
    """Bytes of one frame. kbps: of LC3."""
    return {Codec.LC3: kbps * LC3_US // 8000, Codec.PCM16: 2 * PCM_SAMPLES, Codec.PCM8: PCM_SAMPLES}[codec]


class Encoder:
    """Float samples to frames; one for a whole stream, since LC3 remembers what came before."""

    def __init__(self) -> None:
        self._lc3: Any = None

    def encode(self, samples: np.ndarray, codec: Codec, kbps: int) -> bytes:
        """float32 [frame_samples(codec)] in -1..1 at RATE -> one frame, of LC3 or PCM16."""
        pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        if codec is not Codec.LC3:
            return pcm
        if self._lc3 is None:
            import lc3

            self._lc3 = lc3.Encoder(LC3_US, RATE)
        return self._lc3.encode(pcm, frame_bytes(codec, kbps), bit_depth=16)


class Decoder:
    """Frames to float samples; one for a whole stream."""

    def __init__(self) -> None:
        self._lc3: Any = None

    def decode(self, frame: bytes, codec: Codec) -> np.ndarray:
        """One frame -> float32 [frame_samples(codec)]. A frame of LC3 that is damaged is concealed by the codec."""
        if codec is Codec.PCM8:
            return np.frombuffer(frame, np.int8).astype(np.float32) / 128
        if codec is Codec.LC3:
            if self._lc3 is None:
                import lc3

                self._lc3 = lc3.Decoder(LC3_US, RATE)
            frame = self._lc3.decode(frame, bit_depth=16)
        return np.frombuffer(frame, "<i2").astype(np.float32) / 32768
