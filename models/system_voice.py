"""The desktop's own voices through pyttsx3: SAPI 5 on Windows, NSSpeechSynthesizer on macOS, espeak-ng on Linux.

pyttsx3 cannot stream, prints to standard output, may wait for ever for an event that does not come, and on Linux sets
up espeak-ng in the way that clashes with `models.espeak`. So every piece of a text is spoken into a file by a process
of its own, which has a deadline and is ended when the listener turns away.
"""

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np

from models.audio import read_sound
from models.errors import GlintError
from models.spoken_text import pieces, readable

TIMEOUT = 30.0  # seconds for one piece, a few words or one sentence; half a second is usual
CHUNK = 0.1  # seconds


class SystemVoice:
    """The voice. `rate` is fixed, whatever the desktop's engine makes is resampled to it.

    Raises GlintError if pyttsx3 is missing.
    """

    rate = 22_050

    def __init__(self, words_per_minute: int = 165, timeout: float = TIMEOUT) -> None:
        if importlib.util.find_spec("pyttsx3") is None:
            raise GlintError("The system voice needs pyttsx3; run: pip install 'glint[laptop]'.")
        self._speed, self._timeout = words_per_minute, timeout
        self.pace = 1.0

    def speak(self, text: str) -> Generator[np.ndarray, None, None]:
        """Yield float32 [n] at `rate` Hz; closing the generator ends it. Nothing to say yields nothing.

        Raises GlintError if the desktop has no working voice or it does not answer in time.
        """
        for piece in pieces(readable(text)):
            samples = self._synthesise(piece)
            yield from np.array_split(samples, max(1, round(len(samples) / self.rate / CHUNK)))

    def _synthesise(self, text: str) -> np.ndarray:
        with tempfile.TemporaryDirectory(prefix="glint-voice-") as folder:
            path = Path(folder, "speech.wav")
            # From the folder that holds `models`, installed or not, so that the process finds this very file.
            command = [sys.executable, "-m", "models.system_voice", str(path), str(int(self._speed / self.pace))]
            try:
                done = subprocess.run(
                    command,
                    input=text.encode(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    timeout=self._timeout,
                    cwd=Path(__file__).parents[1],
                )
            except subprocess.TimeoutExpired as error:
                raise GlintError(
                    f"The system voice gave no sound within {self._timeout:g} s; choose the voice piper or espeak."
                ) from error
            if done.returncode or not path.exists():
                lines = done.stderr.decode(errors="replace").strip().splitlines()
                reason = lines[-1] if lines else "it wrote no sound"
                raise GlintError(f"The system voice failed ({reason}); choose the voice piper or espeak.")
            return read_sound(path).resampled(self.rate).samples


def _speak_into(path: str, words_per_minute: int) -> None:
    """Speak standard input into a file: what the process of its own does."""
    linux = sys.platform == "linux"
    if linux:
        _provide_espeak()
    import pyttsx3

    engine = pyttsx3.init()
    if linux:
        # Otherwise the rate is set the moment speech begins, see below.
        engine.proxy.setBusy(False)
    engine.setProperty("rate", words_per_minute)
    if linux:
        _wait_for_settings()
    engine.save_to_file(sys.stdin.buffer.read().decode(), path)
    engine.runAndWait()


def _wait_for_settings() -> None:
    """espeak-ng changes its rate beside us; pyttsx3 takes that for speech to be stopped, and cuts ours short."""
    from pyttsx3.drivers import _espeak

    while _espeak.IsPlaying():
        time.sleep(0.005)


def _provide_espeak() -> None:
    """Where the desktop has no espeak-ng, load ours, so that pyttsx3 finds it under its own name."""
    import ctypes
    import os

    try:
        ctypes.CDLL("libespeak-ng.so.1")
    except OSError:
        import espeakng_loader

        ctypes.CDLL(espeakng_loader.get_library_path(), mode=ctypes.RTLD_GLOBAL)
        os.environ["ESPEAK_DATA_PATH"] = espeakng_loader.get_data_path()


if __name__ == "__main__":
    _speak_into(sys.argv[1], int(sys.argv[2]))
