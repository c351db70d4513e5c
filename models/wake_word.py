"""Whether somebody just said a wake word: microWakeWord (Ahrendt; Apache-2.0, inside the package pymicro-wakeword).

One small streaming network per name listens to 40 frequency bands of every 10 ms, all of them behind one front end.
Which names there are is fixed by training. Knows nothing about microphones or about what the word is for.
"""

from collections.abc import Sequence

import numpy as np

from models.errors import GlintError

NAMES = ("okay_nabu", "hey_jarvis", "hey_mycroft", "alexa")  # the networks that the package holds
STEP = 0.01  # seconds between two looks at the sound
REFRACTORY = 1.5  # seconds; a network stays sure for up to 0.7 s after the word, and two may answer to one utterance


class WakeWord:
    """The detector with its running state: feed it consecutive chunks of one recording.

    `names` are the words to listen for, each of which costs time. For `refractory` seconds of sound after a word was
    heard, none is reported. Raises GlintError for a name that is not one of NAMES.
    """

    def __init__(self, names: Sequence[str] = ("hey_jarvis",), refractory: float = REFRACTORY) -> None:
        from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

        for name in names:
            if name not in NAMES:
                raise GlintError(f"There is no wake word '{name}'; choose from {', '.join(NAMES)}.")
        self._front_end = MicroWakeWordFeatures()
        self._detectors = {name: MicroWakeWord.from_builtin(Model(name)) for name in names}
        self._refractory = round(refractory / STEP)
        self._deaf = 0  # steps still to pass before a word counts again

    def heard(self, chunk: np.ndarray) -> str | None:
        """float32 [n] in -1..1 at 16 kHz, any n -> the name of the wake word that was completed in it, mostly None.

        In a long chunk with several words, the first of them.
        """
        found = None
        for features in self._front_end.process_streaming(_int16(chunk).tobytes()):
            # Every network hears everything: each has a memory that a gap would confuse.
            hits = [name for name, detector in self._detectors.items() if detector.process_streaming(features)]
            self._deaf = max(0, self._deaf - 1)
            if hits and not self._deaf:
                found = found or hits[0]
                self._deaf = self._refractory
        return found

    def reset(self) -> None:
        """Forget what was heard; the next chunk begins another recording."""
        self._front_end.reset()
        for detector in self._detectors.values():
            detector.reset()
        self._deaf = 0


def _int16(samples: np.ndarray) -> np.ndarray:
    return (np.clip(samples, -1, 1) * 32_767).astype(np.int16)
