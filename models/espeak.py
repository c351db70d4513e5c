"""espeak-ng through ctypes: phonemes for Piper, and a voice of its own that answers within a millisecond.

The library (GPL-3.0-or-later; the package espeakng-loader brings it and its data) is loaded when first used and is
named nowhere else but in `models.piper`, so a device whose licence must be free of it can ship without these two files.

espeak-ng is one machine per process: one output mode, one voice, one callback, not re-entrant. Its two ways of being
initialised clash (asynchronous retrieval and synchronous); synchronous mode serves phonemes too, so that is the only
one used, set up once, with a lock around everything. The lock is never held while a caller listens: a clause is
synthesised whole, which takes milliseconds.
"""

import ctypes
import threading
from collections.abc import Generator
from functools import cache

import numpy as np

from models.errors import GlintError
from models.spoken_text import clauses, pieces, readable

SYNCHRONOUS, DO_NOT_EXIT = 2, 0x8000
CHARACTERS, UTF8, END_PAUSE = 1, 1, 0x1000
IPA = 2
RATE_PARAMETER = 1
BUFFER_MS = 60

_lock = threading.RLock()
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The instant voice. `voice` is an espeak-ng language or voice name, `words_per_minute` its speed.

    Raises GlintError if the library is missing or knows no such voice.
    """

    def __init__(self, voice: str = "en-us", words_per_minute: int = 165) -> None:
        self._voice, self._speed = voice, words_per_minute
        self.pace = 1.0
        self.rate = _library()[1]
        with _lock:
            _select(voice)

    def speak(self, text: str) -> Generator[np.ndarray, None, None]:
        """Yield int16 [n] at `rate` Hz as it is made; closing the generator ends it. Nothing to say yields nothing."""
        for piece in pieces(readable(text)):
            yield from self._synthesise(piece)

    def _synthesise(self, text: str) -> list[np.ndarray]:
        library, _ = _library()
        chunks: list[np.ndarray] = []

        @_Callback
        def collect(samples, count, _events) -> int:
            if count > 0:
                chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
            return 0

        data = text.encode() + b"\0"
        with _lock:
            _select(self._voice)
            library.espeak_SetParameter(RATE_PARAMETER, int(self._speed / self.pace), 0)
            library.espeak_SetSynthCallback(collect)
            library.espeak_Synth(data, len(data), 0, CHARACTERS, 0, UTF8 | END_PAUSE, None, None)
            # The library keeps the pointer, and `collect` is about to be freed.
            library.espeak_SetSynthCallback(_ignore)
        return chunks


def phonemes(text: str, voice: str) -> str:
    """Text as it is pronounced, in the International Phonetic Alphabet, with the punctuation between clauses.

    Raises GlintError if espeak-ng is missing or knows no such voice.
    """
    library, _ = _library()
    spoken = []
    with _lock:
        _select(voice)
        for clause in clauses(text):
            mark = clause.rstrip("\"')\u201d\u2019")[-1]
            rest = ctypes.c_char_p(clause.encode())
            # One call reads up to a clause's end and moves the pointer on, which is null after the last.
            while rest.value is not None:
                spoken.append((library.espeak_TextToPhonemes(ctypes.byref(rest), UTF8, IPA) or b"").decode())
            if mark in ".!?;:,":
                spoken[-1] += mark
    return " ".join(filter(None, spoken))


@_Callback
def _ignore(_samples, _count, _events) -> int:
    return 0


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The library, ready, and its sample rate in Hz."""
    with _lock:
        try:
            import espeakng_loader

            library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path()
        except (ImportError, OSError, RuntimeError) as error:
            raise GlintError(
                f"espeak-ng cannot be loaded ({error}); run 'pip install --force-reinstall espeakng-loader'."
            ) from error
        pointer, number, string = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
        library.espeak_Initialize.argtypes = [number, number, string, number]
        library.espeak_SetVoiceByName.argtypes = [string]
        library.espeak_SetParameter.argtypes = [number, number, number]
        library.espeak_SetSynthCallback.argtypes = [_Callback]
        library.espeak_Synth.argtypes = [string, ctypes.c_size_t, number, number, number, number, pointer, pointer]
        library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(string), number, number]
        library.espeak_TextToPhonemes.restype = string
        rate = library.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, data.encode(), DO_NOT_EXIT)
        if rate <= 0:
            raise GlintError(f"espeak-ng finds no data in {data}; run 'pip install --force-reinstall espeakng-loader'.")
        return library, rate


_selected = ""


def _select(voice: str) -> None:
    global _selected
    if voice != _selected:
        if _library()[0].espeak_SetVoiceByName(voice.encode()):
            raise GlintError(f"espeak-ng has no voice named {voice!r}; 'en-us' is one.")
        _selected = voice
