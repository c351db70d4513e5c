"""A Piper voice (Hansen 2023; VITS, Kim et al. 2021, arXiv:2106.06103) on plain onnxruntime.

espeak-ng says how the text is pronounced, the network turns phonemes into sound, one clause or sentence at a time.
"""

import json
import unicodedata
from collections.abc import Generator
from pathlib import Path

import numpy as np

from models.errors import GlintError
from models.espeak import phonemes
from models.onnx_session import open_session
from models.spoken_text import pieces, readable

PAUSES = {",": 0.1, ";": 0.2, ":": 0.2}  # seconds of silence after a piece, by the mark it ends with
FULL_STOP = 0.3
FADE = 0.005  # seconds; a piece may begin or end off zero, which clicks


class Piper:
    """The voice. `folder` holds one NAME.onnx with its NAME.onnx.json.

    `threads` is how many cores it may use, `pace` stretches the speech (0.8 is a
    fast reader; may be changed between texts). Raises GlintError if a
    file is missing or damaged.
    """

    def __init__(self, folder: Path, threads: int = 2, pace: float = 1.0) -> None:
        try:
            (model,) = folder.glob("*.onnx")
            settings = json.loads(model.with_name(model.name + ".json").read_text("utf-8"))
            self._session = open_session(model, threads)
            self._ids: dict[str, list[int]] = settings["phoneme_id_map"]
            self._language: str = settings["espeak"]["voice"]
            self.rate: int = settings["audio"]["sample_rate"]
            noise = settings["inference"]
            self._scales = noise["noise_scale"], noise["length_scale"], noise["noise_w"]
            self.pace = pace
        except Exception as error:
            raise GlintError(
                f"The voice in {folder} is missing or damaged; run 'glint models verify piper-joe-medium'."
            ) from error

    def speak(self, text: str) -> Generator[np.ndarray, None, None]:
        """Yield float32 [n] at `rate` Hz, a clause or sentence at a time; closing the generator ends it.

        Nothing to say yields nothing.
        """
        for piece in pieces(readable(text)):
            sound = self._synthesise(phonemes(piece, self._language))
            fade = np.linspace(0, 1, int(FADE * self.rate), dtype=np.float32)
            sound[: len(fade)] *= fade
            sound[-len(fade) :] *= fade[::-1]
            yield np.append(sound, np.zeros(int(PAUSES.get(piece[-1], FULL_STOP) * self.rate), np.float32))

    def _synthesise(self, spoken: str) -> np.ndarray:
        gap = self._ids["_"]
        ids = [*self._ids["^"], *gap]
        # The voice was trained on decomposed characters: a letter and its accent are two phonemes.
        for phoneme in unicodedata.normalize("NFD", spoken):
            if phoneme in self._ids:
                ids += [*self._ids[phoneme], *gap]
        ids += self._ids["$"]
        feed = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(self._scales, np.float32) * np.array([1, self.pace, 1], np.float32),
        }
        return np.clip(self._session.run(None, feed)[0].reshape(-1), -1, 1)
