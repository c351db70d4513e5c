"""How soon an answer is heard, in real time: from a question's last voiced sample to the first of the answer's words.

Beside it, turn by turn, a plain pipeline of the same models without the head start: it waits for 0.8 s of silence, then
transcribes, looks, answers and synthesises, one after the other, each to its end.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from statistics import median
from typing import Any

import numpy as np

from device.glasses import RATE, Ended
from device.habits import State
from device.hearing.ears import Ears
from device.hearing.endpoint import Endpointer, Heard, Pace
from device.live import Live
from device.thinking.mind import Mind
from device.turn import Turn
from sim.benchmark.booth import Booth, silence
from sim.benchmark.noise import Noises
from sim.benchmark.sentences import QUESTIONS
from sim.benchmark.utterances import ESPEAK, PIPER, Line, Take

PAUSE_BEFORE_S, PATIENCE_S = 0.8, 6.0  # silence before a question; how long an answer is waited for
LATE_S = 1.0  # an end that is taken later than this is late
PLAIN_PAUSE_S = 0.8
STAGES = ("endpoint", "transcribe", "first_token", "first_speech")
SPEAKERS = tuple(chain.from_iterable(zip(PIPER, ESPEAK, strict=False)))


def question_lines(count: int) -> list[Line]:
    """Every question before any comes again, then by another speaker."""
    return [
        Line(QUESTIONS[n % len(QUESTIONS)], SPEAKERS[(n + n // len(QUESTIONS)) % len(SPEAKERS)]) for n in range(count)
    ]


@dataclass(frozen=True)
class Spoken:
    """A question in a room: samples float32 [n] at RATE, and when its last voiced sample is heard, in seconds."""

    text: str
    samples: np.ndarray
    ends_s: float


def in_a_room(take: Take, number: int, noises: Noises | None) -> Spoken:
    """With a pause before it and time for the answer after it."""
    said = take.samples()
    whole = np.concatenate([silence(PAUSE_BEFORE_S), said, silence(PATIENCE_S)])
    if noises is not None:
        whole += noises.noise(number, len(whole))
    return Spoken(take.text, whole, PAUSE_BEFORE_S + len(said) / RATE)


@dataclass
class Turns:
    """What has been seen so far, seconds and counts; `figures` is what it comes to."""

    waits: list[float] = field(default_factory=list)
    leads: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    texts: list[tuple[str, str]] = field(default_factory=list)  # what was asked, what was heard
    asked: int = 0
    unanswered: int = 0
    cut_off: int = 0
    ended_late: int = 0
    interrupted: int = 0

    def figures(self) -> dict[str, float]:
        """By plain names, as benchmark_turns says."""
        from models.evaluation.word_error_rate import word_error_rate

        if not self.asked:
            return {}
        shares = {
            "answered_rate": 1 - self.unanswered / self.asked,
            "cut_off_rate": self.cut_off / self.asked,
            "ended_late_rate": self.ended_late / self.asked,
            "interrupted_rate": self.interrupted / self.asked,
            "question_wer": word_error_rate(*map(list, zip(*self.texts, strict=True))),
        }
        figures: dict[str, float] = {"turns": self.asked} | percentiles(self.waits)
        figures |= {name: round(share, 3) for name, share in shares.items()}
        figures |= {f"{stage}_ms": round(median(values), 1) for stage, values in self.stages.items()}
        if self.leads:
            figures["answer_lead_in_ms"] = round(1e3 * median(self.leads), 1)
        return figures


def percentiles(waits: list[float]) -> dict[str, float]:
    """first_audio_p50_s and first_audio_p95_s; nothing where nothing was waited for."""
    return {f"first_audio_p{p}_s": round(float(np.percentile(waits, p)), 3) for p in (50, 95)} if waits else {}


def benchmark_turns(
    mind: Mind,
    ears: Ears,
    pixels: np.ndarray,
    takes: Iterable[Take],
    noises: Noises | None = None,
    echo: np.ndarray | None = None,
    peer: bool = False,
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Figures by plain names; the plain pipeline's, with `peer`, end in _peer.

    first_audio_p50_s, first_audio_p95_s: the sound device's own delay is not in them, nor is answer_lead_in_ms, the
    silence that the answer's sound begins with. answered_rate; cut_off_rate: turns whose answer began before the last
    voiced sample; ended_late_rate: turns whose end was taken more than LATE_S after it; interrupted_rate: answers that
    stopped though nobody spoke; question_wer: word error rate of the questions as they were heard, unanswered ones
    included; {stage}_ms: medians of what the turn's stages took, which overlap.
    """
    live, plain = Turns(), Turns()
    for number, take in enumerate(takes):
        spoken = in_a_room(take, number, noises)
        progress(f"turn {number + 1}: {spoken.text}")
        ask_live(mind, ears, spoken, pixels, echo, live)
        if peer:
            progress(f"turn {number + 1}, plain pipeline: {spoken.text}")
            _ask_plain(mind, spoken, pixels, plain)
    shown = ("first_audio", "answered", "question_wer")
    beside = {f"{name}_peer": value for name, value in plain.figures().items() if name.startswith(shown)}
    return live.figures() | beside


def ask_live(mind: Mind, ears: Ears, spoken: Spoken, pixels: np.ndarray, echo: np.ndarray | None, seen: Turns) -> Booth:
    """One turn, woken by the button."""
    booth = Booth(lambda booth: [spoken.samples], pixels, echo)
    turns: list[Turn] = []
    ends: list[float] = []  # when an end was taken

    def event(kind: str, text: str) -> None:
        if kind == "state" and text == State.THINKING.value:
            ends.append(booth.now_s)

    def over(turn: Turn) -> None:
        turns.append(turn)
        live.close()

    live = Live(booth, mind, ears, on_event=event, on_turn=over)
    live.run()
    gc.collect()  # outside a benchmark there is one loop, and no heap of old ones
    seen.asked += 1
    seen.interrupted += any(stop.heard_s > spoken.ends_s for stop in booth.stops)
    seen.ended_late += bool(ends) and ends[-1] > spoken.ends_s + LATE_S
    seen.texts.append((spoken.text, turns[0].transcript if turns else ""))
    if not turns or not booth.answers:
        seen.unanswered += 1
    elif booth.answers[0].at_s < spoken.ends_s:
        seen.cut_off += 1
    else:
        seen.waits.append(booth.answers[0].at_s - spoken.ends_s)
        seen.leads.append(booth.answers[0].lead_s)
        for stage in STAGES:
            seen.stages.setdefault(stage, []).append(turns[0].timings_ms.get(stage, 0.0))
    return booth


def _ask_plain(mind: Mind, spoken: Spoken, pixels: np.ndarray, seen: Turns) -> None:
    booth = Booth(lambda booth: [spoken.samples], pixels)
    seen.asked += 1
    heard = ""
    for utterance in _utterances(booth):
        heard = mind.hear(utterance).result()
        if heard:
            break
    seen.texts.append((spoken.text, heard))
    if not heard:
        seen.unanswered += 1
        return
    view = mind.look(pixels).result()
    assert view is not None
    text = mind.model.answer(view, heard).text
    list(mind.voice.speak(text))
    if booth.now_s < spoken.ends_s:
        seen.cut_off += 1
    else:
        seen.waits.append(booth.now_s - spoken.ends_s)


def _utterances(booth: Booth) -> Iterator[np.ndarray]:
    endpointer = Endpointer(None, Pace(fixed=PLAIN_PAUSE_S))
    while True:
        try:
            chunk = booth.read(1.0)
        except Ended:
            return
        if chunk is not None and endpointer.feed(chunk) is Heard.ENDED:
            yield endpointer.utterance
            endpointer.reset()
