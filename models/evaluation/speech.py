"""How well speech is heard, and how well a voice is understood.

A recording with its text measures the recogniser. A text alone makes a round trip: a voice speaks it, the recogniser
hears it; the errors are those of both, which compares voices and tells nothing about how pleasant they sound.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np

from models.audio import Sound, read_sound, to_int16
from models.errors import GlintError
from models.evaluation.json_lines import json_lines
from models.evaluation.word_error_rate import spoken_words, word_error_rate
from models.speech import NoSpeech, Recognizer, Voice

T = TypeVar("T")


@dataclass(frozen=True)
class Utterance:
    """A text and, where it was recorded, the file as the line names it."""

    text: str
    file: str | None = None


def evaluate_speech(
    data: Path, recognizer: Recognizer, voices: Mapping[str, Voice], limit: int | None = None, *, offline: bool = False
) -> dict[str, Any]:
    """Measure on at most `limit` lines of `data`, with a progress bar on standard error.

    Each line is a JSON object with `text` and, for a recording, `file`: a path relative to that of `data`, or
    NAME:PATH for a file of the catalogue's model NAME, which is fetched unless `offline`.

    Recordings give `wer`, `utterances`, `audio_seconds`, and `rtf`, seconds of work per second of sound, voice activity
    included. Texts alone give `sentences` and for each voice `wer_NAME`, `rtf_NAME`, and `first_audio_ms_NAME`, the
    median time to its first sound. Raises GlintError for a file that is missing or not of this form.
    """
    lines = read_utterances(data)[:limit]
    recordings = [(line.text, _find(line.file, data, offline)) for line in lines if line.file]
    texts = [line.text for line in lines if not line.file]
    figures: dict[str, Any] = {}
    if recordings:
        figures |= _evaluate_recognizer(recordings, recognizer)
    if texts:
        figures["sentences"] = len(texts)
        for name, voice in voices.items():
            measured = _evaluate_voice(name, voice, texts, recognizer)
            figures |= {f"{key}_{name}": value for key, value in measured.items()}
    return figures


def read_utterances(data: Path) -> list[Utterance]:
    """Raises GlintError, naming the line, where it is not a JSON object with a text that has words."""
    found = []
    for number, fields in json_lines(data):
        try:
            text, file = fields["text"], fields.get("file")
            found.append(Utterance(text, file))
            usable = bool(spoken_words(text))
        except (KeyError, TypeError, AttributeError):
            usable = False
        if not usable:
            raise GlintError(f'{data}, line {number}: expected a JSON object like {{"text": "...", "file": "x.wav"}}.')
    if not found:
        raise GlintError(f"{data} has no lines; give one JSON object a line.")
    return found


def _evaluate_recognizer(recordings: list[tuple[str, Path]], recognizer: Recognizer) -> dict[str, Any]:
    heard = []
    audio = work = 0.0
    for _, path in _progress(recordings, "hearing"):
        sound = read_sound(path)
        start = time.perf_counter()
        heard.append(_hear(recognizer, sound))
        work += time.perf_counter() - start
        audio += sound.seconds
    return {
        "wer": round(word_error_rate([text for text, _ in recordings], heard), 4),
        "utterances": len(recordings),
        "audio_seconds": round(audio, 2),
        "rtf": round(work / audio, 4),
    }


def _evaluate_voice(name: str, voice: Voice, texts: list[str], recognizer: Recognizer) -> dict[str, float]:
    heard, first_audio_ms = [], []
    audio = work = 0.0
    for text in _progress(texts, f"speaking with {name}"):
        start = time.perf_counter()
        chunks: list[np.ndarray] = []
        for chunk in voice.speak(text):
            if not chunks:
                first_audio_ms.append((time.perf_counter() - start) * 1e3)
            chunks.append(to_int16(chunk))
        work += time.perf_counter() - start
        samples = np.concatenate(chunks).astype(np.float32) / 32768
        audio += len(samples) / voice.rate
        heard.append(_hear(recognizer, Sound(samples, voice.rate)))
    return {
        "wer": round(word_error_rate(texts, heard), 4),
        "rtf": round(work / audio, 4),
        "first_audio_ms": round(median(first_audio_ms), 1),
    }


def _find(file: str, data: Path, offline: bool) -> Path:
    from models import fetch
    from models.catalog import catalog

    model, colon, path = file.partition(":")
    if colon and model in catalog().models:
        return fetch.ensure(model, offline=offline) / path
    return data.parent / file


def _hear(recognizer: Recognizer, sound: Sound) -> str:
    try:
        return recognizer.transcribe(sound).text
    except NoSpeech:
        return ""


def _progress(items: list[T], what: str) -> Iterable[T]:
    from rich.console import Console
    from rich.progress import track

    return track(items, what, console=Console(stderr=True))
