"""A Piper voice (Hansen 2023; VITS, Kim et al. 2021, arXiv:2106.06103) on plain onnxruntime.

espeak-ng says how the text is pronounced, the network turns phonemes into sound, one clause or sentence at a time; its
decoder, which takes most of the time, works on a stretch after the other (see models.split_voice), so that the first
is heard while the others are made.
"""

import json
import unicodedata
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from models.errors import GlintError
from models.espeak import phonemes
from models.mapped_file import MappedFile
from models.onnx_session import open_session
from models.spoken_text import pieces, readable
from models.voice_parts import DECODER, FLOW, PRIOR, WEIGHTS

PAUSES = {",": 0.1, ";": 0.2, ":": 0.2}  # seconds of silence after a piece, by the mark it ends with
FULL_STOP = 0.3
FADE = 0.005  # seconds; a piece may begin or end off zero, which clicks
# Seconds of sound made at once. Each stretch is twice as long as the one before: with a longer one less is made twice,
# and it is ready in time while the one before is heard. The longest bounds the memory.
FIRST_STRETCH, LONGEST_STRETCH = 0.28, 0.56


class Piper:
    """The voice. `folder` is what models.split_voice made of one with NAME.onnx and NAME.onnx.json.

    `threads` is how many cores it may use, `pace` stretches the speech (0.8 is a
    fast reader; may be changed between texts). Raises GlintError if a
    file is missing or damaged.
    """

    def __init__(self, folder: Path, threads: int = 2, pace: float = 1.0) -> None:
        try:
            (about,) = folder.glob("*.onnx.json")
            settings = json.loads(about.read_text("utf-8"))
            self._prior, self._flow, self._decoder = (open_session(folder / p, threads) for p in (PRIOR, FLOW, DECODER))
            self._weights = {part: MappedFile((folder / part).with_suffix(WEIGHTS)) for part in (PRIOR, FLOW)}
            shape = self._decoder.get_modelmeta().custom_metadata_map
            self._hop, self._overlap = int(shape["hop"]), int(shape["overlap"])  # samples a frame; frames
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
        """Yield float32 [n] at `rate` Hz, a stretch of a clause or sentence at a time; closing the generator ends it.

        The stretches follow each other without a seam. Nothing to say yields nothing.
        """
        for piece in pieces(readable(text)):
            fade = np.linspace(0, 1, int(FADE * self.rate), dtype=np.float32)
            pause = np.zeros(int(PAUSES.get(piece[-1], FULL_STOP) * self.rate), np.float32)
            frames = self._frames(phonemes(piece, self._language))
            for first, last, sound in self._stretches(frames):
                if first:
                    sound[: len(fade)] *= fade
                if last:
                    sound[-len(fade) :] *= fade[::-1]
                    sound = np.append(sound, pause)
                yield sound

    def _stretches(self, frames: np.ndarray) -> Iterator[tuple[bool, bool, np.ndarray]]:
        """float32 [1, channels, n] -> the sound, in stretches: whether it is the first, the last, float32 [samples]."""
        name, end = self._decoder.get_inputs()[0].name, frames.shape[2]
        length, longest = (round(seconds * self.rate / self._hop) for seconds in (FIRST_STRETCH, LONGEST_STRETCH))
        start = 0
        while start < end:
            # A rest that is shorter than what would be made twice for it is made now.
            stop = start + length if start + length + self._overlap < end else end
            begin = max(0, start - self._overlap)
            sound = self._decoder.run(None, {name: frames[:, :, begin : stop + self._overlap]})[0].reshape(-1)
            sound = sound[(start - begin) * self._hop : (stop - begin) * self._hop]
            yield start == 0, stop == end, np.clip(sound, -1, 1)
            start, length = stop, min(2 * length, longest)

    def _frames(self, spoken: str) -> np.ndarray:
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
        # The weights of prior and flow, 28 MB each, are nobody's until the next clause.
        latents = self._prior.run(None, feed)
        self._weights[PRIOR].let_go()
        names = [value.name for value in self._flow.get_inputs()]
        (frames,) = self._flow.run(None, dict(zip(names, latents, strict=True)))
        self._weights[FLOW].let_go()
        return frames
