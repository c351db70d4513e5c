"""What `glint doctor` tries: each probe returns what it found, in a few words, or raises Missing with what it did not.

Does not know which of it is needed, nor what helps: device/doctor.py has the table.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from device.habits import PATIENCE
from models.errors import GlintError
from models.fetch import cache_root, default_store

DEADLINE_S = 20.0  # for any one probe, times the device's patience
MEMORY_NEEDED = 600e6  # bytes, at the peak of one question
FEATURES = {
    "amx_int8": "AMX int8",
    "amx_bf16": "AMX bfloat16",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "asimddp": "NEON dot product",
    "i8mm": "NEON int8 matrix products",
    "sve": "SVE",
}
_ESPEAK_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL
_ESPEAK_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT


class Missing(Exception):
    """Something is not there or does not work; the message says what, in a few words."""


def deadline_s() -> float:
    """Seconds that a probe may take."""
    with contextlib.suppress(ValueError):
        return DEADLINE_S * max(1.0, float(os.environ.get(PATIENCE) or 1))
    return DEADLINE_S


def in_words(error: BaseException) -> str:
    """What an error says, on one line, with its kind where it is not one of ours."""
    known = isinstance(error, (Missing, GlintError))
    return (str(error) if known else f"{type(error).__name__}: {error}").strip().splitlines()[0]


def isolated(probe: Callable[[], str]) -> Callable[[], str]:
    """The same probe in a process of its own: a native library may exit, crash, hang or write to standard output."""
    script = f"""
import os, sys
answer, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
os.dup2(2, 1)
from device.probes import in_words
from {probe.__module__} import {probe.__name__} as probe
try:
    print(probe(), file=answer, flush=True)
except BaseException as error:
    print(in_words(error), file=answer, flush=True)
    os._exit(3)
"""

    def run() -> str:
        path = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        try:
            done = subprocess.run(
                [sys.executable, "-c", script],
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=deadline_s() - 1,
            )
        except subprocess.TimeoutExpired:
            raise Missing(f"gave no answer within {deadline_s() - 1:g} s") from None
        answer = done.stdout.strip()
        if not answer:
            last = (done.stderr.strip().splitlines() or ["without a word"])[-1]
            raise Missing(f"its library ended the process ({last})")
        if done.returncode == 3:
            raise Missing(answer)
        return answer

    return run


def python() -> str:
    """The interpreter and the system."""
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def processor() -> str:
    """Its name and the instructions it has that speed up 4-bit and 8-bit products."""
    facts = _cpuinfo()
    words = f"{facts.get('flags', '')} {facts.get('Features', '')}".split()
    found = [label for flag, label in FEATURES.items() if flag in words]
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        found.append(FEATURES["asimddp"])  # every Apple processor of this kind has it
    if not found:
        raise Missing("no instructions known for fast 4-bit products (AVX2, AVX-512 VNNI, AMX, NEON dot product)")
    return f"{facts.get('model name') or platform.processor() or platform.machine()}: {', '.join(found)}"


def _cpuinfo() -> dict[str, str]:
    """The first processor's entry in /proc/cpuinfo; empty where there is none."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def cores() -> str:
    """Processor cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{usable} usable"


def memory() -> str:
    """Memory in all, a container's limit included."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown on this system"
    limit = Path("/sys/fs/cgroup/memory.max")  # a container's own limit
    if limit.is_file() and (text := limit.read_text(encoding="ascii").strip()).isdigit():
        total = min(total, int(text))
    if total < MEMORY_NEEDED:
        raise Missing(f"{total / 1e9:.1f} GB, of which one question takes up to {MEMORY_NEEDED / 1e9:.1f}")
    return f"{total / 1e9:.1f} GB"


def disk() -> str:
    """Free space where the models go, and whether they can be written there if any is lacking."""
    root, store = cache_root(), default_store()
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    needed = sum(model.size for model in store.catalog.defaults() if not store.is_installed(model.name))
    if needed > free:
        raise Missing(f"{free / 1e6:,.0f} MB free at {root}, {needed / 1e6:,.0f} MB needed for the default models")
    if needed and (not existing.is_dir() or not existing.stat().st_mode & 0o222 or not os.access(existing, os.W_OK)):
        raise Missing(f"{root} cannot be written and lacks default models")
    return f"{free / 1e9:,.0f} GB free at {root}"


def package(*names: str) -> Callable[[], str]:
    """A probe for the version of an installed Python package: of the first of these that is there, if any will do."""

    def probe() -> str:
        for name in names:
            with contextlib.suppress(metadata.PackageNotFoundError):
                return metadata.version(name)
        raise Missing("not installed")

    return probe


def onnxruntime() -> str:
    """Runs the operator that the decoder consists of, a 4-bit matrix product, on numbers whose result is known."""
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    packed = np.full((1, 1, 16), 0x99, np.uint8)  # 32 times the level 9, one above the zero point 8
    sizes: dict[str, Any] = {"K": 32, "N": 1, "bits": 4, "block_size": 32, "accuracy_level": 4}
    node = helper.make_node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", **sizes)
    value = helper.make_tensor_value_info
    weights = [numpy_helper.from_array(packed, "w"), numpy_helper.from_array(np.array([0.5], np.float32), "s")]
    inputs, outputs = [value("x", TensorProto.FLOAT, [1, 32])], [value("y", TensorProto.FLOAT, [1, 1])]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(helper.make_graph([node], "g", inputs, outputs, weights), opset_imports=opsets)
    model.ir_version = 8
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {"x": np.ones((1, 32), np.float32)})
    if abs(float(result[0, 0]) - 16.0) > 0.2:
        raise Missing(f"a 4-bit product came out as {float(result[0, 0]):.2f} in place of 16")
    return f"{onnxruntime.__version__} runs 4-bit products"


def model(name: str) -> Callable[[], str]:
    """A probe that reads and hashes every file of a model."""

    def probe() -> str:
        store = default_store()
        if problems := store.verify(name):
            raise Missing(problems[0] if store.is_installed(name) else "not installed")
        if store.locate(name) is None:
            raise Missing("its weights are newer than what was assembled")
        return f"{store.catalog[name].version}, verified, {store.size_on_disk(name) / 1e6:,.0f} MB"

    return probe


def espeak() -> str:
    """Loads the espeak-ng library and its data."""
    import ctypes

    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_Info.restype = ctypes.c_char_p
    library.espeak_Info.argtypes = [ctypes.c_void_p]
    data = espeakng_loader.get_data_path().encode()
    if library.espeak_Initialize(_ESPEAK_RETRIEVAL, 0, data, _ESPEAK_DONT_EXIT) <= 0:
        raise Missing(f"the library loads and refuses its data at {data.decode()}")
    return f"{library.espeak_Info(None).decode().split()[0]} loads"


def portaudio() -> str:
    """The library that plays and records sound."""
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise Missing("the Python package sounddevice is not installed") from None
    except OSError as error:
        raise Missing(str(error)) from error
    return str(sounddevice.get_portaudio_version()[1])


def microphone() -> str:
    """The default input device."""
    return _sound_device("input")


def speaker() -> str:
    """The default output device."""
    return _sound_device("output")


def _sound_device(kind: str) -> str:
    try:
        import sounddevice

        return str(sounddevice.query_devices(kind=kind)["name"])
    except Exception as error:
        raise Missing(f"no {kind} device is found") from error


def camera() -> str:
    """Cameras; on Linux they are only listed, elsewhere the first is opened."""
    if platform.system() == "Linux":
        found = sorted(str(path) for path in Path("/dev").glob("video*"))
        if not found:
            raise Missing("no camera is found")
        return ", ".join(found)
    import cv2

    capture = cv2.VideoCapture(0)
    try:
        if not capture.isOpened():
            raise Missing("no camera is found")
        return "the first one opens"
    finally:
        capture.release()


def vosk() -> str:
    """Loads the Vosk library."""
    import vosk  # noqa: F401  its shared library is loaded here

    return metadata.version("vosk")


def system_voice() -> str:
    """Starts the desktop's own speech engine."""
    import pyttsx3

    engine = pyttsx3.init()
    return f"{len(engine.getProperty('voices'))} voices"


def network() -> str:
    """Whether a network is needed; none is asked."""
    store = default_store()
    lacking = [model.name for model in store.catalog.defaults() if not store.is_installed(model.name)]
    if lacking:
        raise Missing(f"needed once, to fetch {', '.join(lacking)}")
    return "not needed: the default models are here"
