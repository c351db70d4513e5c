"""The live loop as its wearer meets it, part by part.

Knows what to measure with, not how to print (device/cli/bench.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from device.glasses import RATE
from device.hearing.ears import Ears
from device.thinking.mind import Mind
from models import fetch
from models.audio import read_sound
from models.errors import GlintError
from sim.benchmark.asleep import benchmark_asleep
from sim.benchmark.assistant_memory import CALL, READ, benchmark_memory
from sim.benchmark.barge_in import benchmark_barge_in, interruption_lines
from sim.benchmark.booth import room_echo
from sim.benchmark.noise import Noises
from sim.benchmark.sentences import PASSAGES, QUESTIONS, class_names, talk
from sim.benchmark.soak import benchmark_soak, soak_lines
from sim.benchmark.turns import benchmark_turns, question_lines
from sim.benchmark.utterances import ESPEAK, PIPER, Line, Studio, Take
from sim.benchmark.wake import benchmark_false_wakes, benchmark_wake, wake_lines

PARTS = ("turns", "memory", "fixed_pause", "noise", "echo", "asleep", "wake", "barge_in")  # in this order
RECORDINGS = ("two_cities.wav", "beckett.wav")
SOAK = "soak"
_BATCH = 100  # sentences of talk made at once, about six minutes


def chosen(parts: str | None, soak: bool) -> list[str]:
    """The parts that are meant by a list with commas, None for all, and by whether the soak is wanted.

    Raises GlintError for a part that there is not.
    """
    names = list(PARTS) if parts is None else [name.strip().replace("-", "_") for name in parts.split(",")]
    for name in names:
        if name not in (*PARTS, SOAK):
            raise GlintError(f"There is no part {name!r}; choose from {', '.join((*PARTS, SOAK))}.")
    return [*names, SOAK] if soak else names


@dataclass
class Plan:
    """How much of everything; noise_db: speech to noise in decibels; offline: fetch no voice and no recording."""

    turns: int = 40
    turns_apart: int = 20  # of each of the parts that show what something costs
    wakes: int = 120
    talk_minutes: float = 60.0
    interruptions: int = 40
    undisturbed: int = 60
    soak_turns: int = 3000
    noise_db: float = 10.0
    peer: bool = True
    offline: bool = False


@dataclass
class Bench:
    """Everything that the parts share. pixels: the photo that is asked about, uint8 RGB [height, width, 3].

    run_options: of `glint run`, to have it as `mind` and `ears` are. progress is told how far it is, phase which part
    begins.
    """

    mind: Mind
    ears: Ears
    pixels: np.ndarray
    plan: Plan
    progress: Callable[[str], None] = lambda what: None
    phase: Callable[[str], None] = lambda part: None
    run_options: tuple[str, ...] = ()

    def measure(self, parts: list[str]) -> Iterator[dict[str, Any]]:
        """The figures of each part as soon as it is over, in the order of PARTS."""
        with Studio(self.plan.offline) as studio:
            self._studio = studio
            for part in (*PARTS, SOAK):
                if part in parts:
                    self.phase(part)
                    self.progress(f"{part}: making the speech")
                    yield getattr(self, f"_{part}")()

    def _turns(self) -> dict[str, Any]:
        return self._ask(self.plan.turns, self.ears, peer=self.plan.peer)

    def _memory(self) -> dict[str, Any]:
        reading = [Line(question, PIPER[0]) for question in READ]
        call, *questions = self._made([Line(CALL, PIPER[0]), *reading, *question_lines(self.plan.turns_apart)])
        return benchmark_memory(call, questions, self.pixels, self.run_options, self.progress)

    def _fixed_pause(self) -> dict[str, Any]:
        return _named(self._ask(self.plan.turns_apart, replace(self.ears, finished=None)), "_fixed_pause")

    def _noise(self) -> dict[str, Any]:
        return _named(self._ask(self.plan.turns_apart, self.ears, noises=self._noises()), "_noise")

    def _echo(self) -> dict[str, Any]:
        return _named(self._ask(self.plan.turns_apart, self.ears, echo=room_echo()), "_echo")

    def _ask(self, turns: int, ears: Ears, **how: Any) -> dict[str, Any]:
        takes = self._made(question_lines(turns))
        return benchmark_turns(self.mind, ears, self.pixels, takes, progress=self.progress, **how)

    def _asleep(self) -> dict[str, Any]:
        self.progress("asleep")
        return benchmark_asleep(self.mind, self.ears)

    def _wake(self) -> dict[str, Any]:
        noises, takes = self._noises(), self._made(wake_lines(self.plan.wakes))
        figures = benchmark_wake(self.mind, self.ears, takes, noises, self.progress)
        seconds = 60 * self.plan.talk_minutes
        if not seconds:
            return figures
        return figures | benchmark_false_wakes(self.mind, self.ears, self._talk(seconds), seconds, self.progress)

    def _barge_in(self) -> dict[str, Any]:
        question, *over = self._made([Line("What is this?", PIPER[0]), *interruption_lines(self.plan.interruptions)])
        return benchmark_barge_in(
            self.mind, self.ears, self.pixels, question, over, self.plan.undisturbed, self.progress
        )

    def _soak(self) -> dict[str, Any]:
        takes = self._made(soak_lines(self._things()))
        return benchmark_soak(self.mind, self.ears, self.pixels, takes, self.plan.soak_turns, self.progress)

    def _noises(self) -> Noises:
        speakers = (*PIPER, *ESPEAK)
        lines = [Line(text, speakers[n % len(speakers)]) for n, text in enumerate((*PASSAGES, *QUESTIONS[-4:]))]
        return Noises(self.plan.noise_db, self._made(lines))

    def _made(self, lines: list[Line]) -> list[Take]:
        """All beforehand: making one must not take time from the turns."""
        return list(self._studio.takes(lines))

    def _things(self) -> list[str]:
        return class_names(fetch.ensure("imagenet-class-names", offline=self.plan.offline))

    def _talk(self, seconds: float) -> Iterator[tuple[str, np.ndarray]]:
        """The recordings, then sentences without end: three of four by Piper, who is the nearest to people.

        For a few minutes fewer are made at once; what is not heard is made in vain.
        """
        batch = max(10, min(_BATCH, int(seconds / 6)))
        folder = fetch.ensure("moonshine-recordings", offline=self.plan.offline)
        for name in RECORDINGS:
            yield name, read_sound(folder / name).resampled(RATE).samples.astype(np.float32)
        texts, number = talk(self._things()), 0
        while True:
            lines = []
            for text in islice(texts, batch):
                speakers = ESPEAK if number % 4 == 3 else PIPER
                lines.append(Line(text, speakers[number // 4 % len(speakers)]))
                number += 1
            with Studio(self.plan.offline) as studio:
                for take in list(studio.takes(lines)):
                    yield take.text, take.samples()


def _named(figures: dict[str, Any], suffix: str) -> dict[str, Any]:
    return {name + suffix: value for name, value in figures.items()}
