"""What one expert adds to the memory of a process: `python -m sim.benchmark.vision_memory TASK` prints it as JSON.

A process of its own, so that nothing which another expert has loaded is missing in the figures. TASK is a JSON object:
picture (drawn) or image (a file), question, needs ("reader", "encoder" or nothing), threads, offline.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from device.experts.instruments import open_instruments
from device.experts.scene import Scene
from device.experts.table import consult, intents
from device.seeing.photo import read_photo
from sim.benchmark.memory_trace import MemoryTrace
from sim.benchmark.resources import rss_mb
from sim.benchmark.vision_pictures import drawn

EVERY_S = 0.005


def measure(task: dict[str, Any]) -> dict[str, float]:
    """In MB (10^6 bytes). loaded: what the networks it needs take; peak: the most, once it has answered.

    Both come on top of a process that has imported all of the program and holds the picture.
    """
    pixels = read_photo(Path(task["image"])) if task["image"] else drawn(task["picture"])
    instruments = open_instruments(task["threads"], task["offline"])
    scene = Scene(pixels, instruments)
    intents()
    before = rss_mb()
    # Sampled, because what the system calls a process's peak begins with that of the process that started it.
    with MemoryTrace(EVERY_S) as trace:
        if task["needs"]:
            getattr(instruments, task["needs"])()
        loaded = rss_mb()
        consult(task["question"], scene)
    return {"loaded": round(loaded - before, 1), "peak": round(max(0.0, max(trace.memory().mb) - before), 1)}


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
