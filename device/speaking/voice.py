"""Which voice turns text into speech, and speech into a file."""

import time
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from models.audio import open_wav, to_int16
from models.errors import GlintError
from models.speech import Voice

VOICES = ("piper", "espeak", "system")


@dataclass(frozen=True)
class Spoken:
    """`seconds` of speech, of which the first was ready `first_audio_ms` after the start and the last `total_ms`."""

    seconds: float
    first_audio_ms: float
    total_ms: float


def open_voice(name: str = "piper", *, threads: int = 2, offline: bool = False) -> Voice:
    """Load a voice: "piper" (natural, fetched when first used), "espeak" (instant) or "system" (the desktop's own).

    Raises GlintError for another name, a missing package, or a model that cannot be fetched.
    """
    if name == "piper":
        from models import fetch
        from models.piper import Piper

        return Piper(fetch.ensure("piper-joe-medium", offline=offline), threads)
    if name == "espeak":
        from models.espeak import Espeak

        return Espeak()
    if name == "system":
        from models.system_voice import SystemVoice

        return SystemVoice()
    raise GlintError(f"There is no voice named {name!r}; choose one of {', '.join(VOICES)}.")


def say(voice: Voice, text: str | Iterable[str], path: str | Path) -> Spoken:
    """Speak into a 16-bit mono WAV, written as the speech is made. A text may come in clauses, as it is thought up.

    Raises GlintError if there is nothing to pronounce in `text`, or the file cannot be written.
    """
    start = time.perf_counter()
    clauses = [text] if isinstance(text, str) else text
    with closing(_chunks(voice, clauses)) as chunks:
        first = next(chunks, None)
        if first is None:
            raise GlintError(f"There is nothing to say in {text!r}; give a text with words.")
        first_audio_ms = (time.perf_counter() - start) * 1e3
        samples = 0
        with open_wav(path, voice.rate) as file:
            for chunk in chain([first], chunks):
                samples += len(chunk)
                file.writeframes(to_int16(chunk).tobytes())
    return Spoken(samples / voice.rate, first_audio_ms, (time.perf_counter() - start) * 1e3)


def _chunks(voice: Voice, clauses: Iterable[str]) -> Generator[np.ndarray, None, None]:
    for clause in clauses:
        with closing(voice.speak(clause)) as chunks:
            yield from chunks
