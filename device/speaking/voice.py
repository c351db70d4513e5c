"""Which voice turns text into speech, and speech into a file."""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

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


def say(voice: Voice, text: str, path: str | Path) -> Spoken:
    """Speak into a 16-bit mono WAV, written as the speech is made.

    Raises GlintError if there is nothing to pronounce in `text`, or the file cannot be written.
    """
    start = time.perf_counter()
    with closing(voice.speak(text)) as chunks:
        first = next(chunks, None)
        if first is None:
            raise GlintError(f"There is nothing to say in {text!r}; give a text with words.")
        first_audio_ms = (time.perf_counter() - start) * 1e3
        samples = 0
        with open_wav(path, voice.rate) as file:
            while first is not None:
                samples += len(first)
                file.writeframes(to_int16(first).tobytes())
                first = next(chunks, None)
    return Spoken(samples / voice.rate, first_audio_ms, (time.perf_counter() - start) * 1e3)
