"""Thousands of turns on end: whether memory, threads, files or queues grow.

Sound passes as fast as it can be heard, and as it really does while the worker thinks, so every question is answered.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from device.hearing.ears import Ears
from device.live import Live
from device.thinking.mind import Mind
from device.turn import Turn
from sim.benchmark.at_work import AtWork
from sim.benchmark.booth import Booth, room_echo, silence
from sim.benchmark.noise import white
from sim.benchmark.resources import open_files, rss_mb, thread_count
from sim.benchmark.sentences import INTERRUPTIONS, NAME, WAKE_WORD, questions_about
from sim.benchmark.utterances import PIPER, Line, Take

WARM_UP = 0.05  # share of the turns after which the first reading is taken
NOISE = 0.01  # level; 15 dB below the speech
_VOICES = PIPER[:4]


def soak_lines(things: list[str]) -> list[Line]:
    """Wake words, calls by name with a question, questions about `things`, interruptions."""
    texts = questions_about(things, 60)
    texts += [f"{WAKE_WORD}."] * 4 + [f"{NAME}, {text}" for text in texts[:12]] + list(INTERRUPTIONS)
    return [Line(text, _VOICES[n % len(_VOICES)]) for n, text in enumerate(texts)]


@dataclass(frozen=True)
class Reading:
    """What the assistant holds at one moment."""

    rss_mb: float
    threads: int
    files: int
    queue: float  # jobs that wait for the worker, and seconds that wait for the speaker


class Conversations:
    """A script of `turns` turns: wakes, questions, follow-ups, interruptions, noise, and nothing after a wake."""

    def __init__(self, takes: Sequence[Take], photo: np.ndarray, turns: int, seed: int = 6) -> None:
        self._calls = [take for take in takes if take.text.startswith(WAKE_WORD)]
        self._named = [take for take in takes if take.text.startswith(NAME)]
        self._over = [take for take in takes if take.text in INTERRUPTIONS]
        known = {take.text for take in (*self._calls, *self._named, *self._over)}
        self._questions = [take for take in takes if take.text not in known]
        self._photo, self._turns = photo, turns
        self._random = np.random.default_rng(seed)
        self.done = 0

    def __call__(self, booth: Booth) -> Iterator[np.ndarray]:
        while self.done < self._turns:
            booth.pixels = self._glance()
            noisy = self._chance(0.2)
            for piece in self._conversation():
                yield piece + NOISE * white(len(piece), self._random) if noisy else piece
            yield silence(8.0)  # longer than it waits for a follow-up

    def _conversation(self) -> Iterator[np.ndarray]:
        named = self._chance(0.3)
        yield self._pick(self._named if named else self._calls)
        yield silence(3.0 if named else 0.6)
        if self._chance(0.1):
            return
        for _ in range(int(self._random.integers(1, 7))):
            yield self._pick(self._questions)
            yield silence(float(self._random.uniform(1.0, 5.0)))
            if self._chance(0.2):
                yield self._pick(self._over)
                yield silence(4.0)

    def _glance(self) -> np.ndarray:
        """Another part of the photo: uint8 RGB."""
        height, width = (side // 2 for side in self._photo.shape[:2])
        top, left = int(self._random.integers(height)), int(self._random.integers(width))
        return np.ascontiguousarray(self._photo[top : top + height, left : left + width])

    def _pick(self, takes: Sequence[Take]) -> np.ndarray:
        return takes[int(self._random.integers(len(takes)))].samples()

    def _chance(self, probability: float) -> bool:
        return bool(self._random.random() < probability)


def benchmark_soak(
    mind: Mind,
    ears: Ears,
    photo: np.ndarray,
    takes: Sequence[Take],
    turns: int,
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """`takes` are of soak_lines.

    soak_turns: answered, interrupted or not; soak_hours: of sound heard; soak_rss_growth_mb: from after WARM_UP of the
    turns to the end, each as the median over a twentieth of the turns; soak_threads_growth, soak_files_growth,
    soak_queue_growth: between the same two moments. Ctrl-C ends it, and the figures are of the turns until then.
    """
    talk = Conversations(takes, photo, turns)
    readings: list[Reading] = []

    def over(turn: Turn) -> None:
        talk.done += 1
        readings.append(_read(mind, booth))
        progress(
            f"soak: turn {talk.done} of {turns}, {readings[-1].rss_mb:.0f} MB, {booth.scripted_s / 60:.0f} minutes"
        )

    at_work = AtWork(mind, ears)
    booth = Booth(talk, photo, room_echo(), busy=at_work, press=False)
    mind.volume = mind.voice.pace = 1.0
    with suppress(KeyboardInterrupt):
        Live(booth, mind, at_work.ears, on_turn=over).run()
    if not readings:
        raise KeyboardInterrupt
    width = max(1, round(WARM_UP * len(readings)))
    first, last = readings[width : 2 * width] or readings[:1], readings[-width:]

    def growth(name: str) -> float:
        before, after = (median(getattr(reading, name) for reading in of) for of in (first, last))
        return round(after - before, 1)

    return {
        "soak_turns": talk.done,
        "soak_hours": round(booth.scripted_s / 3600, 2),
        "soak_rss_growth_mb": growth("rss_mb"),
        "soak_threads_growth": growth("threads"),
        "soak_files_growth": growth("files"),
        "soak_queue_growth": growth("queue"),
    }


def _read(mind: Mind, booth: Booth) -> Reading:
    gc.collect()
    return Reading(rss_mb(), thread_count(), open_files(), mind.waiting + booth.pending_s())
