"""How soon an answer is heard: questions are played to the live loop in real time, and to a plain pipeline beside it.

The plain pipeline has the same models and none of the head start: it waits for 0.8 s of silence, then transcribes,
looks, answers and synthesises, one after the other, each to its end. Knows how to time, not how to print
(device/cli/bench.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from device.glasses import CHUNK, RATE, Button, Camera, Ended, Frame, Microphone, Speaker
from device.hearing.endpoint import Endpointer, Heard
from device.live import Ears, Live
from device.rss import peak_rss_mb
from device.seeing.photo import read_photo
from device.thinking.mind import Mind
from device.turn import Turn
from models.audio import Sound
from models.espeak import Espeak
from models.speech import Voice

QUESTIONS = (
    "What is this?",
    "Describe what you see.",
    "What colour is it?",
    "How many people are there?",
    "Is there a dog in the picture?",
    "What is in front of me right now?",
    "Can you tell me what I am holding in my hand?",
    "What is on the left side of the table?",
    "Is there anything to eat here?",
    "Please describe the scene in front of me.",
)
PAUSE_BEFORE_S, PATIENCE_S = 0.8, 6.0  # silence before a question; how long an answer is waited for
QUIET, VOICED = 3e-4, 0.02  # level of the quiet room; share of the peak above which a sample is part of a word
PLAIN_PAUSE_S = 0.8
STAGES = ("endpoint", "transcribe", "first_token", "first_clause_spoken")


@dataclass
class Booth:
    """Glasses in a quiet booth: a sound plays the microphone by the clock, one photo the camera, nothing is audible."""

    samples: np.ndarray
    pixels: np.ndarray
    plays: list[float] = field(default_factory=list)  # when sound was handed to the speaker, seconds from the start

    def __post_init__(self) -> None:
        self.microphone: Microphone = self
        self.camera: Camera = self
        self.speaker: Speaker = self
        self.button: Button = self
        self.started = time.monotonic()
        self._at, self._ends, self._pressed = 0, 0.0, False

    def read(self, timeout_s: float) -> np.ndarray | None:
        if self._at + CHUNK > len(self.samples):
            raise Ended
        self._at += CHUNK
        time.sleep(max(0.0, self.started + self._at / RATE - time.monotonic()))
        return self.samples[self._at - CHUNK : self._at]

    def latest(self) -> Frame:
        return Frame(self.pixels, time.monotonic())

    def play(self, samples: np.ndarray, rate: int) -> None:
        now = time.monotonic()
        self.plays.append(now - self.started)
        self._ends = max(now, self._ends) + len(samples) / rate

    def stop(self) -> None:
        self._ends = 0.0

    def pending_s(self) -> float:
        return max(0.0, self._ends - time.monotonic())

    def played(self, count: int) -> np.ndarray:
        return np.zeros(count, np.float32)

    def pressed(self) -> bool:
        """Once, at the beginning."""
        first, self._pressed = not self._pressed, True
        return first

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Spoken:
    """A question in a room: samples float32 [n] at RATE, and when its last voiced sample is heard, in seconds."""

    text: str
    samples: np.ndarray
    ends_s: float


def spoken_questions(voice: Voice, count: int, noise_db: float | None, seed: int = 0) -> Iterator[Spoken]:
    """`count` questions by several voices and speeds; noise_db: speech to white noise in decibels, None for quiet."""
    random = np.random.default_rng(seed)
    american, british = Espeak("en-us"), Espeak("en-gb-x-rp")
    speakers: list[tuple[Voice, float]] = [(voice, 1.0), (voice, 1.15), (american, 1.0), (british, 1.1)]
    pairs = list(product(QUESTIONS, speakers))
    for number in range(count):
        text, (speaker, pace) = pairs[number % len(pairs)]
        before, speaker.pace = speaker.pace, pace
        chunks = [c.astype(np.float32) / (32768 if c.dtype == np.int16 else 1) for c in speaker.speak(text)]
        speaker.pace = before
        said = Sound(np.concatenate(chunks), speaker.rate).resampled(RATE).samples
        voiced = np.flatnonzero(np.abs(said) > VOICED * np.abs(said).max())
        silence = np.zeros(int(PAUSE_BEFORE_S * RATE), np.float32)
        whole = np.concatenate([silence, said, np.zeros(int(PATIENCE_S * RATE), np.float32)])
        level = QUIET
        if noise_db is not None:
            level = float(np.sqrt(np.mean(said[voiced[0] : voiced[-1]] ** 2)) * 10 ** (-noise_db / 20))
        whole += random.normal(0, level, len(whole)).astype(np.float32)
        yield Spoken(text, whole, PAUSE_BEFORE_S + (voiced[-1] + 1) / RATE)


def benchmark_loop(
    mind: Mind,
    ears: Ears,
    photo: Path,
    turns: int = 40,
    noise_db: float | None = None,
    peer: bool = True,
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Figures by plain names; the plain pipeline's end in _peer.

    first_audio_p50_s, first_audio_p95_s: last voiced sample to the first sample of the answer's words; answered_rate;
    cut_off_rate: turns whose answer began before the last voiced sample; {stage}_ms: medians of what the turn's stages
    took; asleep_cpu_percent_of_core: processor time while nobody speaks; peak_rss_mb.
    """
    pixels = read_photo(photo)
    waits: list[float] = []
    plain: list[float] = []
    stages: dict[str, list[float]] = {}
    cut = unanswered = 0
    for number, spoken in enumerate(spoken_questions(mind.voice, turns, noise_db)):
        progress(f"turn {number + 1} of {turns}: {spoken.text}")
        booth, turn = _ask_live(mind, ears, spoken, pixels)
        answers = booth.plays[1:]  # the first is the sound that says it is awake
        if turn is None or not answers:
            unanswered += 1
        elif answers[0] < spoken.ends_s:
            cut += 1
        else:
            waits.append(answers[0] - spoken.ends_s)
            for stage in STAGES:
                stages.setdefault(stage, []).append(turn.timings_ms.get(stage, 0.0))
        if peer:
            progress(f"turn {number + 1} of {turns}, plain pipeline")
            wait = _ask_plain(mind, spoken, pixels)
            if wait is not None:
                plain.append(wait)
    report: dict[str, Any] = {"turns": turns, "noise_db": noise_db, "end_of_turn_model": ears.finished is not None}
    report |= _percentiles("", waits) | _percentiles("_peer", plain)
    report |= {f"{stage}_ms": round(median(values), 1) for stage, values in stages.items()}
    report["answered_rate"] = round(1 - unanswered / turns, 3)
    report["cut_off_rate"] = round(cut / turns, 3)
    progress("asleep")
    report["asleep_cpu_percent_of_core"] = _asleep(mind, ears, pixels)
    report["peak_rss_mb"] = peak_rss_mb()
    return report


def _percentiles(suffix: str, waits: list[float]) -> dict[str, float]:
    if not waits:
        return {}
    return {f"first_audio_p{p}_s{suffix}": round(float(np.percentile(waits, p)), 3) for p in (50, 95)}


def _ask_live(mind: Mind, ears: Ears, spoken: Spoken, pixels: np.ndarray) -> tuple[Booth, Turn | None]:
    booth = Booth(spoken.samples, pixels)
    turns: list[Turn] = []

    def over(turn: Turn) -> None:
        turns.append(turn)
        live.close()

    live = Live(booth, mind, ears, on_turn=over)
    live.run()
    return booth, turns[0] if turns else None


def _ask_plain(mind: Mind, spoken: Spoken, pixels: np.ndarray) -> float | None:
    """Seconds from the last voiced sample to the first of the answer; None where nothing was understood."""
    booth, endpointer = Booth(spoken.samples, pixels), Endpointer(None, fixed_pause=PLAIN_PAUSE_S)
    try:
        while True:
            chunk = booth.read(1.0)
            if chunk is not None and endpointer.feed(chunk) is Heard.ENDED:
                break
    except Ended:
        return None
    heard = mind.hear(endpointer.utterance).result()
    if not heard:
        return None
    view = mind.look(pixels).result()
    assert view is not None
    text = mind.model.answer(view, heard).text
    list(mind.voice.speak(text))
    return time.monotonic() - booth.started - spoken.ends_s


def _asleep(mind: Mind, ears: Ears, pixels: np.ndarray, seconds: float = 20.0) -> float:
    """Processor time of the loop while it sleeps in a quiet room, in per cent of one core."""
    noise = np.random.default_rng(1).normal(0, QUIET, (int(seconds * RATE / CHUNK), CHUNK)).astype(np.float32)
    booth = Booth(np.zeros(0, np.float32), pixels)
    booth.pressed()
    live = Live(booth, mind, ears)
    start = time.process_time()
    for chunk in noise:
        live.hear(chunk)
    return round(100 * (time.process_time() - start) / seconds, 2)
