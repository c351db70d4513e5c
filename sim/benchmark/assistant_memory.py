"""How much memory the assistant needs: `glint run` in a process of its own, asked aloud, with files for its sensors.

The bench itself keeps speech, scores and several loops at once in memory, which no wearer has; so it measures nothing
here but what the system tells of that process when it has ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from device.glasses import RATE
from models.audio import Sound, write_wav
from models.errors import GlintError
from sim.benchmark.booth import silence
from sim.benchmark.resources import status_mb
from sim.benchmark.utterances import Take

CALL = "Hey Jarvis."
READ = ("What does it say?", "Read the text.")  # takes networks of its own, so it is asked too
AFTER_CALL_S, FOR_ANSWER_S = 0.5, 8.0
CAMERA = 640, 480  # pixels; what a webcam gives that is not asked for more
_SIGN = ("Platform 9", "Mind the gap", "No entry")
_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, of ru_maxrss


def benchmark_memory(
    call: Take,
    questions: Sequence[Take],
    pixels: np.ndarray,
    options: Sequence[str] = (),
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """peak_rss_mb: the most memory in MB (10^6 bytes), of all that was resident, shared libraries included.
    memory_turns: questions that were answered.

    pixels: uint8 RGB [height, width, 3]; the camera sees it as large as CAMERA and with a sign in it. options: more of
    `glint run`. Takes the time that asking takes. Raises GlintError when the assistant fails.
    """
    with tempfile.TemporaryDirectory(prefix="glint-memory-") as folder:
        photo, talk = Path(folder) / "photo.png", Path(folder) / "talk.wav"
        cv2.imwrite(str(photo), _with_sign(pixels)[:, :, ::-1])
        turns = [
            part
            for take in questions
            for part in (call.samples(), silence(AFTER_CALL_S), take.samples(), silence(FOR_ANSWER_S))
        ]
        whole = np.concatenate(turns)
        write_wav(talk, Sound(whole, RATE))
        command = [sys.executable, "-m", "device", "run", "--json", "--camera", str(photo), "--mic", str(talk)]
        command += ["--speaker", str(Path(folder) / "said.wav"), *options]
        with (Path(folder) / "turns.jsonl").open("w+") as said, (Path(folder) / "errors").open("w+") as errors:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=errors)
            try:
                status, peak_mb = _ended(process, len(whole) / RATE, progress)
            finally:
                process.kill()
            said.seek(0)
            errors.seek(0)
            if status:
                raise GlintError(f"glint run failed while its memory was measured: {errors.read()[-300:].strip()}")
            answered = sum('"answer"' in line for line in said)
    return {"peak_rss_mb": round(peak_mb, 1), "memory_turns": answered}


def _with_sign(pixels: np.ndarray) -> np.ndarray:
    shown = cv2.resize(pixels, CAMERA)
    cv2.rectangle(shown, (20, 20), (280, 170), (255, 255, 255), -1)
    for number, line in enumerate(_SIGN):
        cv2.putText(shown, line, (30, 60 + 44 * number), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2, cv2.LINE_AA)
    return shown


def _ended(process: subprocess.Popen, seconds: float, progress: Callable[[str], None]) -> tuple[int, float]:
    """Its exit status and its peak in MB."""
    start, peak_mb = time.monotonic(), 0.0
    while True:
        # What wait4 tells begins on Linux at the size of the process that started it, the bench's; /proc does not.
        peak_mb = status_mb("VmHWM", process.pid) or peak_mb
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, peak_mb or usage.ru_maxrss * _UNIT / 1e6
        waited = time.monotonic() - start
        if waited > 3 * seconds + 120:
            raise GlintError(f"glint run did not end within {waited:.0f} s while its memory was measured.")
        progress(f"memory: {min(waited, seconds):.0f} of {seconds:.0f} s of talk")
        time.sleep(0.2)
