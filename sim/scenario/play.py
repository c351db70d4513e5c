"""Plays scenarios to the live loop with all real models, one after the other.

Sentences are spoken once, in a process of their own, before the first scenario begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from device.cli.turn_log import TurnLog
from device.hearing.ears import Ears
from device.hearing.near_voice import open_echo
from device.live import Live
from device.thinking.mind import Mind
from device.turn import Turn
from models.speech import Voice
from models.wake_word import WakeWord
from sim.benchmark.at_work import AtWork
from sim.benchmark.utterances import Studio, Take
from sim.profile.device import Device
from sim.scenario.director import Director, Failure
from sim.scenario.faults import Faults, Slowed
from sim.scenario.record import Event, Past
from sim.scenario.scenery import Scenery
from sim.scenario.script import Scenario
from sim.scenario.sounds import Sounds, lines_of
from sim.scenario.stage import Stage


@dataclass(frozen=True)
class Played:
    """How a scenario went. held: expectations that did; seconds: of sound; took_s: of the machine's time."""

    scenario: Scenario
    held: int
    failures: Sequence[Failure]
    turns: Sequence[Past]
    events: Sequence[Event]
    seconds: float
    took_s: float

    @property
    def passed(self) -> bool:
        return not self.failures

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        file = str(self.scenario.file)
        return {
            "name": self.scenario.name,
            "title": self.scenario.title,
            "file": file,
            "passed": self.passed,
            "held": self.held,
            "failures": [
                {"file": file, "line": failure.line, "expected": failure.miss.expected, "was": failure.miss.was}
                for failure in self.failures
            ],
            "seconds": round(self.seconds, 2),
            "took_s": round(self.took_s, 2),
            "turns": [past.as_dict() for past in self.turns],
            "events": [[event.at_s, event.kind, event.text] for event in self.events],
        }


def play_all(
    scenarios: Sequence[Scenario],
    load: Callable[[], tuple[Mind, Ears]],
    realtime: bool = False,
    offline: bool = False,
    progress: Callable[[str], None] = lambda what: None,
    device: Device | None = None,
) -> Generator[Played, None, None]:
    """One after the other, as they are over. `load` gives what thinks and listens; it is closed at the end.

    device: what this process is limited to, if so.

    Raises GlintError where a sentence cannot be spoken or a picture cannot be read.
    """
    with Studio(offline, alone=True) as studio:  # a scenario sounds the same with others and without
        takes = _takes(scenarios, studio, progress)
        progress("loading the models")
        mind, ears = load()
        try:
            for number, scenario in enumerate(scenarios):
                progress(f"{number + 1} of {len(scenarios)}: {scenario.title}")
                yield play(scenario, Sounds(scenario, takes), mind, ears, realtime, device)
        finally:
            progress("ending")
            mind.close()


def _takes(scenarios: Sequence[Scenario], studio: Studio, progress: Callable[[str], None]) -> list[Take]:
    lines = list(dict.fromkeys(line for scenario in scenarios for line in lines_of(scenario)))
    takes: list[Take] = []
    for take in studio.takes(lines):
        takes.append(take)
        progress(f"speaking, {len(takes)} of {len(lines)}: {take.text}")
    return takes


def play(
    scenario: Scenario,
    sounds: Sounds,
    mind: Mind,
    ears: Ears,
    realtime: bool = False,
    device: Device | None = None,
) -> Played:
    """One of them, from its first step to its last; mind and ears are left as they were."""
    began = time.monotonic()
    scenery = Scenery(scenario)
    with Faults() as faults, _prepared(mind, faults) as speaking:
        at_work = AtWork(mind, _unused(ears))
        director = Director(scenario, sounds, scenery, faults)

        def sound() -> Iterator[np.ndarray]:
            yield from director.sound(stage)
            live.close()

        stage = Stage(sound(), scenery, faults, None if realtime else lambda: at_work() or speaking())
        log = TurnLog(faults.log, lambda text: stage.record.event("note", text))

        def over(turn: Turn) -> None:
            stage.record.turn(turn)
            log.append(turn)

        worn = device.glasses(stage) if device else stage
        live = Live(worn, mind, at_work.ears, on_event=stage.record.event, on_turn=over, gauge=stage)
        try:
            live.run()
        finally:
            stage.close()
        record = stage.record
        took_s = time.monotonic() - began
        return Played(scenario, director.held, director.failures, record.turns, record.events, stage.now_s, took_s)


@contextmanager
def _prepared(mind: Mind, faults: Faults) -> Iterator[Callable[[], bool]]:
    """A mind as at the start, and slow where it should be; gives what tells whether it is making speech."""
    model, voice, volume, pace = mind.model, mind.voice, mind.volume, mind.voice.pace
    watched = _Watched(voice)
    mind.model, mind.voice, mind.volume = Slowed(model, faults), watched, 1.0  # type: ignore[assignment]
    voice.pace = 1.0
    try:
        yield lambda: watched.speaking > 0
    finally:
        mind.model, mind.voice, mind.volume, voice.pace = model, voice, volume, pace


def _unused(ears: Ears) -> Ears:
    """The same ears that have heard nothing yet, so that no scenario depends on the one before."""
    return replace(
        ears,
        wake_words=WakeWord() if ears.wake_words else None,
        echo=open_echo() if ears.echo else None,
    )


class _Watched:
    """A voice that tells whether it speaks. Implements models.speech.Voice."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self.speaking = 0

    @property
    def pace(self) -> float:
        return self._voice.pace

    @pace.setter
    def pace(self, pace: float) -> None:
        self._voice.pace = pace

    @property
    def rate(self) -> int:
        return self._voice.rate

    def speak(self, text: str) -> Generator[np.ndarray, None, None]:
        """As the protocol says."""
        self.speaking += 1
        try:
            yield from self._voice.speak(text)
        finally:
            self.speaking -= 1
