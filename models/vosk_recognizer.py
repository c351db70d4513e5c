"""Vosk (Alpha Cephei, Apache-2.0; Kaldi underneath): speech to text in any language a Vosk model exists for.

The user brings the model's folder; it is never looked up by language, because the vosk package would go online for it.
"""

import json
import time
from pathlib import Path

import numpy as np

from models.audio import Sound, to_int16
from models.errors import GlintError
from models.speech import Transcript
from models.voice_activity import RATE, speech_pieces

LONGEST = 30.0  # seconds in one piece; Kaldi takes any length, shorter ones answer sooner
QUIET = -1


class Vosk:
    """The recogniser. `folder` is an unpacked Vosk model, the folder that holds `am` and `graph`.

    Raises GlintError if the vosk package is missing or the folder is not such a model.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise GlintError(f"There is no folder {folder}; give the folder of an unpacked Vosk model.")
        # The older models have their files side by side.
        if not any((folder / name).is_file() for name in ("am/final.mdl", "final.mdl")):
            raise GlintError(f"{folder} is not a Vosk model (it has no am/final.mdl); give the folder that holds 'am'.")
        try:
            import vosk
        except (ImportError, OSError) as error:
            raise GlintError(f"Vosk cannot be loaded ({error}); run: pip install 'glint[laptop]'.") from error
        vosk.SetLogLevel(QUIET)
        try:
            self._model = vosk.Model(model_path=str(folder))
        except Exception as error:
            raise GlintError(f"The Vosk model in {folder} is damaged; unpack it again.") from error
        self._recognizer = vosk.KaldiRecognizer

    def transcribe(self, sound: Sound) -> Transcript:
        """The words of a recording of any rate and length. Raises NoSpeech if there are none."""
        start = time.perf_counter()
        pieces = speech_pieces(sound, LONGEST)
        found = time.perf_counter()
        text = " ".join(filter(None, (self.text(piece) for piece in pieces)))
        done = time.perf_counter()
        timings = {"voice_activity": (found - start) * 1e3, "recognise": (done - found) * 1e3}
        return Transcript(text, sound.seconds, timings)

    def text(self, samples: np.ndarray) -> str:
        """float32 [n] at 16 kHz that is known to hold speech -> its words."""
        recognizer = self._recognizer(self._model, RATE)
        recognizer.AcceptWaveform(to_int16(samples).tobytes())
        return " ".join(json.loads(recognizer.FinalResult())["text"].split())
