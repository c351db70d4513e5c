"""LC3 as the glasses speak it: frames of 7.5 or 10 ms, one channel, 16 bits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import lc3

_idle: dict[tuple[type, int, int], list[Any]] = {}


def frame_bytes(duration: int, bitrate: int) -> int:
    """Bytes of a frame; duration in units of 10 us, as the firmware counts: 750 or 1000."""
    return bitrate * duration // 800_000


def borrow(kind: Callable[..., Any], duration: int, rate: int) -> Any:
    """An lc3.Encoder or lc3.Decoder. `give_back` it: making one looks for the C library with a subprocess, 50 ms."""
    kept = _idle.get((kind, duration, rate))  # type: ignore[arg-type]
    if kept:
        return kept.pop()
    _look_once()
    return kind(duration * 10, rate, 1)


def give_back(kind: type, duration: int, rate: int, codec: Any) -> None:
    _idle.setdefault((kind, duration, rate), []).append(codec)


@functools.cache
def _look_once() -> None:
    lc3.find_library = functools.cache(lc3.find_library)
