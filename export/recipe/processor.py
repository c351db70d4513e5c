"""What training on processors needs to know: the fastest number format here, and how to keep memory."""

from __future__ import annotations

import ctypes
import time
from functools import cache

import torch


@cache
def fast_dtype() -> torch.dtype:
    """bfloat16 where this processor multiplies it faster than float32 (AMX, AVX-512 BF16), else float32."""
    times = {}
    for dtype in (torch.bfloat16, torch.float32):
        a, b = torch.ones(64, 512, dtype=dtype), torch.ones(512, 512, dtype=dtype)
        a @ b
        start = time.perf_counter()
        for _ in range(5):
            a @ b
        times[dtype] = time.perf_counter() - start
    return min(times, key=lambda dtype: times[dtype])


def autocast() -> torch.autocast:
    """A context in which products are taken in `fast_dtype`."""
    return torch.autocast("cpu", torch.bfloat16, enabled=fast_dtype() == torch.bfloat16)


def reuse_memory() -> None:
    """Keeps freed activations on the heap: mapping fresh pages for every tensor costs a fifth of a training step."""
    libc = ctypes.CDLL(None)
    trim_threshold, mmap_max = -1, -4
    libc.mallopt(mmap_max, 0)
    libc.mallopt(trim_threshold, 2**31 - 1)
