"""Goes through a scenario's steps while the loop listens, and writes down what does not hold.

What it does between two chunks of sound happens at that moment of the sound's clock. Knows the steps, not the loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from device.glasses import CHUNK
from sim.scenario.faults import Faults
from sim.scenario.judge import Miss, Window, misses
from sim.scenario.record import Record
from sim.scenario.scenery import Scenery
from sim.scenario.script import Expect, Fault, Room, Say, Scenario, See, Step, Wait
from sim.scenario.sounds import Said, Sounds
from sim.scenario.stage import Stage, chunks

SILENCE = np.zeros(CHUNK, np.float32)


@dataclass(frozen=True)
class Failure:
    """What did not hold, and the line of the file that says it should."""

    line: int
    miss: Miss


class Director:
    """`sound` is the script of a Stage. All that is said is made before it begins."""

    def __init__(self, scenario: Scenario, sounds: Sounds, scenery: Scenery, faults: Faults) -> None:
        self._scenario, self._scenery, self._faults = scenario, scenery, faults
        self._said: dict[int, Said] = {}
        self._rooms: dict[int, np.ndarray | None] = {}
        for number, step in enumerate(scenario.steps):
            if isinstance(step.act, Say):
                self._said[number] = sounds.said(step.act, seed=number)
            elif isinstance(step.act, Room):
                self._rooms[number] = sounds.room(step.act, seed=number)
        self.failures: list[Failure] = []
        self.held = 0  # expectations that did hold
        self._window = Window()
        self._cue_turns = 0  # turns that were over when something was last said or pressed
        self._judged = False  # the step before was an expect

    def sound(self, stage: Stage) -> Iterator[np.ndarray]:
        """float32 [CHUNK] at RATE each, to the end of the last step."""
        for number, step in enumerate(self._scenario.steps):
            if step.at is not None:
                yield from self._until(step, stage)
            if step.verb != "expect" and self._judged:
                self._window = Window(len(stage.record.events), len(stage.record.turns))
            self._judged = step.verb == "expect"
            yield from self._act(number, step, stage)

    def _until(self, step: Step, stage: Stage) -> Iterator[np.ndarray]:
        assert step.at is not None
        left_s = step.at - stage.now_s
        if chunks(left_s) < 0:
            self._failed(step, Miss(f"this at {step.at:g} s", f"what came before took until {stage.now_s:.2f} s"))
        for _ in range(chunks(left_s)):
            yield SILENCE

    def _act(self, number: int, step: Step, stage: Stage) -> Iterator[np.ndarray]:
        act, record = step.act, stage.record
        if isinstance(act, See):
            self._scenery.see(act, stage.now_s)
        elif isinstance(act, Say):
            yield from self._say(self._said[number], stage)
        elif isinstance(act, Room):
            stage.furnish(self._rooms[number], act.echo)
        elif isinstance(act, Fault):
            self._faults.set(act)
        elif isinstance(act, Wait):
            yield from self._wait(step, act, record)
        elif isinstance(act, Expect):
            self._judge(step, act, record)
        elif isinstance(act, float):
            for _ in range(chunks(act)):
                yield SILENCE
        else:
            self._cue(record, stage.now_s, stage.now_s)
            stage.press()

    def _say(self, said: Said, stage: Stage) -> Iterator[np.ndarray]:
        self._cue(stage.record, stage.now_s + said.begins_s, stage.now_s + said.ends_s)
        for at in range(0, len(said.samples), CHUNK):
            yield said.samples[at : at + CHUNK]

    def _cue(self, record: Record, began_s: float, ended_s: float) -> None:
        record.cue_began_s, record.cue_ended_s = began_s, ended_s
        self._cue_turns = len(record.turns)

    def _wait(self, step: Step, wait: Wait, record: Record) -> Iterator[np.ndarray]:
        for _ in range(chunks(wait.within)):
            if self._has_come(wait.until, record):
                return
            yield SILENCE
        if not self._has_come(wait.until, record):
            told = "an answer, spoken in full," if wait.until == "answer" else f"to be {wait.until}"
            self._failed(step, Miss(f"{told} within {wait.within:g} s", f"it is {record.state}"))

    def _has_come(self, until: str, record: Record) -> bool:
        if until == "answer":
            return len(record.turns) > self._cue_turns and record.state not in ("thinking", "speaking")
        return record.state == until

    def _judge(self, step: Step, expect: Expect, record: Record) -> None:
        missed = list(misses(expect, record, self._window))
        for miss in missed:
            self._failed(step, miss)
        self.held += sum(getattr(expect, key) is not None for key in expect.__struct_fields__) - len(missed)

    def _failed(self, step: Step, miss: Miss) -> None:
        self.failures.append(Failure(step.line, miss))
