"""Speech for the benchmark, synthesised in a process of its own so that its memory and threads are not the assistant's.

`python -m sim.benchmark.utterances FOLDER` is that process: it reads FOLDER/lines.json, writes NUMBER.npy for each
line, and prints the number when the file is complete.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from device.glasses import RATE
from models.errors import GlintError

LEVEL = 0.06  # root mean square of what is said, as a microphone near the mouth hears it
VOICED = 0.02  # share of the peak above which a sample is part of a word


@dataclass(frozen=True)
class Speaker:
    """engine: "piper" or "espeak", the latter with the name of one of its voices. pace: 1.25 is a quarter slower.

    pitch: 1.1 is a tenth higher, by resampling, which moves the formants too: another throat.
    """

    engine: str
    voice: str = ""
    pace: float = 1.0
    pitch: float = 1.0


PIPER = tuple(
    Speaker("piper", "", pace, pitch)
    for pace, pitch in ((1, 1), (1.15, 1), (0.87, 1.12), (1, 0.9), (1.1, 1.2), (0.9, 1), (1.2, 0.88), (0.95, 1.25))
)
ESPEAK = tuple(
    Speaker("espeak", voice, pace)
    for voice, pace in (
        ("en-us", 1),
        ("en-gb-x-rp", 1.1),
        ("en-us+f3", 1),
        ("en-gb-scotland+m3", 0.95),
        ("en-us+f2", 1),
    )
)


@dataclass(frozen=True)
class Line:
    text: str
    speaker: Speaker


@dataclass(frozen=True)
class Take:
    """A line, spoken; the sound stays on disk until it is asked for."""

    line: Line
    file: Path

    @property
    def text(self) -> str:
        return self.line.text

    def samples(self) -> np.ndarray:
        """float32 [n] at RATE, from the first voiced sample to the last, LEVEL loud."""
        return np.load(self.file)


class Studio:
    """Where lines are spoken. A context: the takes are deleted at its end.

    The same lines sound the same in every run. `offline`: fetch no voice. `alone`: a line sounds the same whatever is
    spoken before it, for which a voice is opened anew each time.
    """

    def __init__(self, offline: bool = False, alone: bool = False) -> None:
        self._offline, self._alone = offline, alone
        self._folder = tempfile.TemporaryDirectory(prefix="glint-bench-")
        self._batches = 0

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def takes(self, lines: Sequence[Line]) -> Iterator[Take]:
        """One take a line, in order, while later ones are still being made. Raises GlintError where a voice fails."""
        folder = Path(self._folder.name) / str(self._batches)
        folder.mkdir()
        self._batches += 1
        orders = {"offline": self._offline, "alone": self._alone, "lines": [asdict(line) for line in lines]}
        (folder / "lines.json").write_text(json.dumps(orders), encoding="utf-8")
        command = [sys.executable, "-m", "sim.benchmark.utterances", str(folder)]
        # Its own session: Ctrl-C is for the benchmark, which then ends it.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            assert process.stdout is not None
            for line in lines:
                number = process.stdout.readline().strip()
                if not number:
                    raise GlintError(
                        f"The benchmark's speech could not be made, it stopped at {line.text!r}; see above."
                    )
                yield Take(line, folder / f"{number}.npy")
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _speak(folder: Path) -> None:
    import onnxruntime

    from models import fetch
    from models.audio import Sound
    from models.espeak import Espeak
    from models.piper import Piper
    from models.speech import Voice

    onnxruntime.set_seed(1)  # Piper reads a sentence differently each time
    orders = json.loads((folder / "lines.json").read_text(encoding="utf-8"))
    voices: dict[str, Voice] = {}
    for number, line in enumerate(orders["lines"]):
        speaker = Speaker(**line["speaker"])
        name = speaker.engine + speaker.voice
        if name not in voices or orders["alone"]:
            if speaker.engine == "espeak":
                voices[name] = Espeak(speaker.voice)
            else:
                voices[name] = Piper(fetch.ensure("piper-joe-medium", offline=orders["offline"]))
        voice = voices[name]
        voice.pace = speaker.pace * speaker.pitch
        pieces = [c.astype(np.float32) / (32768 if c.dtype == np.int16 else 1) for c in voice.speak(line["text"])]
        # Taken for a faster recording than it is, the sound comes out higher and, by what was added to the pace, no
        # shorter.
        said = Sound(np.concatenate(pieces), round(voice.rate * speaker.pitch)).resampled(RATE).samples
        voiced = np.flatnonzero(np.abs(said) > VOICED * np.abs(said).max())
        said = said[voiced[0] : voiced[-1] + 1]
        said = np.clip(said * LEVEL / np.sqrt(np.mean(np.square(said))), -1, 1)
        np.save(folder / f"{number}.npy", said.astype(np.float32))
        print(number, flush=True)


if __name__ == "__main__":
    try:
        _speak(Path(sys.argv[1]))
    except GlintError as problem:
        sys.exit(f"glint: {problem}")
