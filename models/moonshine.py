"""Moonshine tiny-en (Useful Sensors, MIT; Jeffries et al. 2024, arXiv:2410.15608): speech to English text.

A transformer encoder hears the samples as they are, a decoder with a key/value cache writes the words, both on plain
onnxruntime. Knows nothing about files or microphones; it does ask `models.voice_activity` what to listen to.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime

from models.audio import Sound
from models.errors import GlintError
from models.onnx_session import open_session
from models.speech import Transcript
from models.voice_activity import RATE, speech_pieces

BEGIN, END = 1, 2
LAYERS, HEADS, HEAD_SIZE = 6, 8, 36
LONGEST = 15.0  # seconds in one piece: with less context words are misheard, much more costs memory squared
SHORTEST = 1024  # samples; the convolutions in front need 895
LOUD, SILENT = 0.9, 1e-3  # the peak that speech is brought to, and the peak below which it is left to be faint
# The guard that the model's authors recommend: nobody speaks more, and a decoder that repeats itself does.
TOKENS_PER_SECOND = 6.5


class Moonshine:
    """The recogniser. `folder` holds encoder_model.ort, decoder_model_merged.ort and tokenizer.bin.

    `threads` is how many cores it may use. Raises GlintError if a file is missing or damaged.
    """

    def __init__(self, folder: Path, threads: int = 2) -> None:
        try:
            self._encoder = open_session(folder / "encoder_model.ort", threads)
            self._decoder = open_session(folder / "decoder_model_merged.ort", threads)
            self._vocabulary = _read_vocabulary((folder / "tokenizer.bin").read_bytes())
        except Exception as error:
            raise GlintError(
                f"The speech recogniser in {folder} is missing or damaged; run 'glint models verify moonshine-tiny-en'."
            ) from error
        self._own = [f"{layer}.decoder.{part}" for layer in range(LAYERS) for part in ("key", "value")]
        self._cross = [f"{layer}.encoder.{part}" for layer in range(LAYERS) for part in ("key", "value")]

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
        """float32 [n] at 16 kHz that is known to hold speech -> its words; more than LONGEST is cut at pauses."""
        if len(samples) > LONGEST * RATE:
            return self.transcribe(Sound(samples, RATE)).text
        words = b"".join(self._vocabulary[token] for token in self.tokens(samples))
        return words.replace("\u2581".encode(), b" ").decode("utf-8", "ignore").strip()

    def tokens(self, samples: np.ndarray) -> Iterator[int]:
        """The most probable token ids, one by one; a caller may stop between any two."""
        if len(samples) < SHORTEST:
            return
        value = onnxruntime.OrtValue.ortvalue_from_numpy
        heard = np.asarray(samples, np.float32)[None]
        # The model hears quiet speech badly; loud speech it has heard in training.
        heard = heard * (LOUD / max(float(np.abs(heard).max()), SILENT))
        # The mask counts samples, not frames: the graphs shrink it themselves.
        mask = value(np.ones(heard.shape, np.int64))
        hidden = self._encoder.run_with_ort_values(None, {"input_values": value(heard), "attention_mask": mask})[0]
        empty = value(np.zeros((1, HEADS, 0, HEAD_SIZE), np.float32))
        feed = {"encoder_attention_mask": mask, "encoder_hidden_states": hidden}
        feed |= {f"past_key_values.{name}": empty for name in self._own + self._cross}
        # The first pass computes the keys and values of what was heard; they hold for every later one.
        wanted, token = self._own + self._cross, BEGIN
        for step in range(max(8, int(np.ceil(len(samples) / RATE * TOKENS_PER_SECOND)))):
            feed["input_ids"] = value(np.array([[token]], np.int64))
            feed["use_cache_branch"] = value(np.array([step > 0]))
            logits, *present = self._decoder.run_with_ort_values(
                ["logits", *(f"present.{name}" for name in wanted)], feed
            )
            token = int(logits.numpy()[0, -1].argmax())
            if token == END:
                return
            yield token
            feed |= {f"past_key_values.{name}": past for name, past in zip(wanted, present, strict=True)}
            wanted = self._own


def _read_vocabulary(data: bytes) -> list[bytes]:
    """tokenizer.bin: for each id its length (one byte, or two when the first is 128 or more) and its bytes.

    Control tokens such as <s> become empty.
    """
    vocabulary = []
    position = 0
    while position < len(data):
        length = data[position]
        position += 1
        if length >= 128:
            length += 128 * (data[position] - 1)
            position += 1
        piece = data[position : position + length]
        position += length
        vocabulary.append(b"" if len(piece) > 2 and piece[:1] == b"<" and piece[-1:] == b">" else piece)
    return vocabulary
