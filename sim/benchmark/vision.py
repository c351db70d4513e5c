"""What each expert costs: the time of an answer, and the memory that a process grows by.

Knows how to measure, not how to print (device/cli/bench.py). Times are of this process, the networks loaded and warm,
medians. Memory is of a fresh process for each expert: resident before anything is loaded, after loading, and the most
while it answered once, so that what one has loaded is not missing in the figures of the next.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
import onnxruntime

from device.experts.instruments import BUNDLE, open_instruments
from device.experts.scene import Instruments, Scene
from device.experts.table import consult
from device.seeing.photo import read_photo
from models import fetch
from models.bundle import VISION_FILE, Bundle
from models.errors import GlintError
from models.objects import ObjectRule, read_objects
from models.onnx_session import open_session
from models.vision import HINTS, OBJECTS, TOKENS
from sim.benchmark.machine import processor
from sim.benchmark.vision_pictures import PICTURES, drawn

HEAD_RUNS = 8  # times as many as of an expert: what the head adds is small beside what the encoder takes
QUESTIONS = {  # expert: (what is drawn, what is asked about it)
    "text": ("page", "Read this."),
    "codes": ("code", "Scan the code."),
    "colour": ("sign", "What colour is this?"),
    "labels": ("label", "How much protein is in it?"),
    "finder": ("sign", "Is there a dog?"),
    "charts": ("chart", "Which bar is the highest?"),
    "coach": ("sign", "Is the picture any good?"),
}
READING = ("text", "labels", "charts")  # those that need the text of the picture


def benchmark_vision(
    image: Path | None = None,
    threads: int = 2,
    runs: int = 5,
    offline: bool = False,
    progress: Callable[[str], None] = lambda what: None,
    phase: Callable[[str], None] = lambda part: None,
) -> Iterator[dict[str, Any]]:
    """Figures by plain names, part by part; sim.benchmark.benches.vision says what they are.

    image: a photo that all of them are asked about, instead of what is drawn for each. Raises GlintError for one that
    cannot be read, and where a network is missing.
    """
    photo = None if image is None else read_photo(image)
    pictures = {name: drawn(name) if photo is None else photo for name in PICTURES}
    yield {"processor": processor(), "threads": threads, "runs": runs}
    phase("loading")
    instruments = open_instruments(threads, offline)
    yield _loading(instruments, progress)
    phase("times")
    yield _times(pictures, instruments, runs, progress)
    yield _head(Bundle.open(fetch.ensure(BUNDLE, offline=offline)), threads, runs, progress)
    phase("memory")
    for name in QUESTIONS:
        progress(f"memory of {name}")
        yield _memory(name, image, threads, offline)


def _loading(instruments: Instruments, progress: Callable[[str], None]) -> dict[str, float]:
    progress("loading the reader and the encoder")
    return {
        "reader_load_ms": _rounded(_ms(instruments.reader)),
        "encoder_load_ms": _rounded(_ms(instruments.encoder)),
    }


def _times(
    pictures: dict[str, np.ndarray], instruments: Instruments, runs: int, progress: Callable[[str], None]
) -> dict[str, float]:
    """All experts in turn, again and again, so that whatever else the machine does meets them alike."""
    seen: dict[str, list[float]] = {}
    for run in range(runs + 1):  # the first is for warming up
        for name in ("page", "sign"):
            progress(f"reading, {run} of {runs}")
            reader = instruments.reader()
            seen.setdefault(f"read_{name}_ms", []).append(_ms(reader.read, pictures[name]))
        for name, (picture, question) in QUESTIONS.items():
            progress(f"{name}, {run} of {runs}")
            scene = Scene(pictures[picture], instruments)
            whole = _ms(consult, question, scene)
            seen.setdefault(f"{name}_ms", []).append(whole)
            if name in READING:
                known = Scene(pictures[picture], instruments)
                known.__dict__["lines"] = scene.lines
                again = _ms(consult, question, known)
                seen.setdefault(f"{name}_text_read_ms", []).append(again)
    return {name: _rounded(median(values[1:])) for name, values in seen.items()}


def _head(bundle: Bundle, threads: int, runs: int, progress: Callable[[str], None]) -> dict[str, float]:
    """What the object head adds to the encoder: with it and without it alternately, the median of the differences."""
    path = bundle.path(VISION_FILE)
    whole, bare = open_session(path, threads), _without_objects(path, threads)
    has_head = {output.name for output in whole.get_outputs()}.issuperset(OBJECTS)
    rule = ObjectRule.read(bundle.config["objects"]) if has_head else None
    _, height, width, channels = whole.get_inputs()[0].shape
    pixels = np.random.default_rng(0).integers(0, 256, (1, height, width, channels), np.uint8)

    def encode() -> None:
        bare.run([TOKENS, HINTS], {"pixels": pixels})

    def encode_and_find() -> None:
        found = whole.run([TOKENS, HINTS, *OBJECTS], {"pixels": pixels})
        assert rule is not None
        read_objects(rule, *(part[0] for part in found[2:]))

    plain, added = [], []
    for run in range(HEAD_RUNS * runs + 1):
        progress(f"the object head, {run} of {HEAD_RUNS * runs}")
        plain.append(_ms(encode))
        if rule is not None:
            added.append(_ms(encode_and_find) - plain[-1])
    figures = {"encoder_ms": _rounded(median(plain[1:]))}
    return figures | ({"object_head_added_ms": _rounded(median(added[1:]))} if added else {})


def _without_objects(vision: Path, threads: int) -> onnxruntime.InferenceSession:
    """The encoder with nothing in it that only the object head needs: what leads to no output is left out."""
    model = onnx.load(vision)
    kept = [output for output in model.graph.output if output.name in (TOKENS, HINTS)]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    with tempfile.TemporaryDirectory(prefix="glint-vision-") as folder:
        onnx.save(model, Path(folder) / "bare.onnx")
        return open_session(Path(folder) / "bare.onnx", threads)


def _memory(name: str, image: Path | None, threads: int, offline: bool) -> dict[str, float]:
    """In a process of its own, which prints its memory as JSON."""
    picture, question = QUESTIONS[name]
    needs = "reader" if name in READING else "encoder" if name == "finder" else ""
    task = {"picture": picture, "image": str(image or ""), "question": question, "needs": needs}
    command = [sys.executable, "-m", "sim.benchmark.vision_memory"]
    done = subprocess.run(
        [*command, json.dumps(task | {"threads": threads, "offline": offline})],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GlintError(f"The memory of {name} could not be measured: {done.stderr.strip()[-300:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return {f"{name}_loaded_mb": found["loaded"], f"{name}_peak_mb": found["peak"]}


def _ms(work: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    work(*arguments)
    return 1e3 * (time.perf_counter() - start)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
