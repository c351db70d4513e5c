"""What listening costs while nobody speaks."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from device.glasses import CHUNK, RATE
from device.hearing.ears import Ears
from device.live import Live
from device.thinking.mind import Mind
from sim.benchmark.booth import QUIET, Booth


def benchmark_asleep(mind: Mind, ears: Ears, seconds: float = 60.0) -> dict[str, Any]:
    """asleep_cpu_percent_of_core: processor time of all threads per second of a quiet room, in per cent."""
    sound = np.random.default_rng(1).normal(0, QUIET, (int(seconds * RATE / CHUNK), CHUNK)).astype(np.float32)
    booth = Booth(lambda booth: [], np.zeros((240, 320, 3), np.uint8), press=False)
    live = Live(booth, mind, ears)
    start = time.process_time()
    for chunk in sound:
        live.hear(chunk)
    return {"asleep_cpu_percent_of_core": round(100 * (time.process_time() - start) / seconds, 2)}
