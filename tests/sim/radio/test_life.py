"""Lives under random faults: they are repeatable, the bridge comes through them, and one that does not is found out."""

import asyncio
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.benchmark.benches.radio import BENCH
from sim.benchmark.radio import benchmark_radio
from sim.benchmark.registry import Run
from sim.radio.faults import KINDS, Fault, draw
from sim.radio.life import OLD_FIRMWARE, STATES, TURN, Bridge, live

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
CALM = 23  # a seed of a life without faults
BARE, STRANGER, OLD = 0, 1, 31  # seeds of lives without our app, with another host's glasses, with old firmware


class Deaf(Bridge):
    """Never hears the button, and never shows or says a thing."""

    def pressed(self):
        super().pressed()
        return False


class Asleep(Bridge):
    """Never gets anywhere."""

    async def run(self):
        await asyncio.sleep(1e6)


class HardOfHearing(Bridge):
    """Does not hear through the microphone again once a link was lost."""

    def __init__(self, chance, on_note, on_state):
        self.runs = 0
        super().__init__(chance, on_note, lambda state: (self._count(state), on_state(state)))
        self.ear, self.microphone = self.microphone, self

    def _count(self, state):
        self.runs += state.name == "RUN"

    def read(self, timeout_s):
        return self.ear.read(timeout_s) if self.runs < 2 else None


class Dead(Bridge):
    """Its program breaks."""

    async def run(self):
        raise ZeroDivisionError("division by zero")


class Stubborn(Bridge):
    """Does not close."""

    def stop(self):
        pass


def bench(sequences, seed, bridge=Bridge):
    figures = {}
    for found in benchmark_radio(sequences, seed, lambda what: None, bridge):
        figures |= found
    return figures


def test_three_dozen_lives_without_a_hang_or_a_lost_turn():
    figures = bench(36, seed=70_000)
    assert figures["failures"] == []
    assert (figures["hangs"], figures["lost_turns"]) == (0, 0)
    assert figures["turns"] >= 36
    assert figures["turns"] == figures["answered_turns"] + figures["told_turns"]
    assert figures["answered_turns"] > figures["told_turns"] > 0
    assert figures["faults"] > 20
    assert figures["reconnects"] > 0
    assert figures["packets_spoilt"] > 0
    assert figures["photos"] > figures["photos_retried"] > 0
    assert 0 < figures["back_median_s"] < 20
    assert figures["microphone_alone_s"] < 8


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", ["drop", "reboot"])
def test_a_link_that_is_lost_in_any_state(kind, state):
    faults = [Fault("stall", 0.5, TURN, seconds=9.0)] if state == "DEGRADE" else []
    if state == "WAIT":
        faults = [Fault("refuse", 0.0)]
    life = live(BARE, faults=[*faults, Fault(kind, 0.05, state)])
    assert (life.hang, life.lost) == ("", 0)
    if state != "BOND":
        assert life.struck == 1 + len(faults)
        assert state == TURN or state in [name for _, name in life.states]


def test_glasses_that_have_not_met_this_host():
    life = live(STRANGER, faults=[Fault("drop", 0.1, "BOND")])
    assert (life.hang, life.lost, life.struck) == ("", 0, 1)
    assert "BOND" in [name for _, name in life.states]


def test_firmware_that_is_too_old_is_refused_with_a_sentence():
    life = live(OLD)
    assert life.firmware == OLD_FIRMWARE
    assert life.hang == ""
    assert any("too old" in note for note in life.notes)
    assert "RUN" not in [name for _, name in life.states]


@pytest.mark.parametrize("seed", [132, 444])
def test_what_once_went_wrong_goes_well(seed):
    """A packet that was lost held up all others for 5 s; a notice of the app's own stayed beside the next card."""
    life = live(seed)
    assert (life.hang, life.lost) == ("", 0)


def test_a_life_is_repeated_by_its_seed():
    assert live(7) == live(7)
    assert live(7) != live(8)


def test_a_life_is_the_same_in_another_process():
    script = "from sim.radio.life import live; life = live(7); print(life.states, life.turns, life.packets)"
    here = live(7)
    for seed in ("1", "2"):
        said = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert said.strip() == f"{here.states} {here.turns} {here.packets}"


def test_turns_of_a_bridge_that_is_deaf_are_lost():
    figures = bench(1, CALM, Deaf)
    assert figures["lost_turns"] == figures["turns"] > 0
    assert figures["failures"][0]["seed"] == CALM


@pytest.mark.parametrize(
    ("bridge", "why"),
    [(Asleep, "does not run|may last"), (Dead, "ZeroDivisionError"), (Stubborn, "did not close")],
)
def test_a_bridge_that_hangs_is_found_out(bridge, why):
    figures = bench(1, CALM, bridge)
    assert figures["hangs"] == 1
    assert re.search(why, figures["failures"][0]["hang"])


def test_a_bridge_that_does_not_recover_wholly_is_found_out():
    life = live(CALM, HardOfHearing, [Fault("drop", 1.0, TURN)])
    assert life.hang.startswith("Long after the last fault")
    assert live(CALM, Bridge, [Fault("drop", 1.0, TURN)]).hang == ""


def test_every_kind_of_fault_is_drawn_and_every_state_struck():
    drawn = [fault for seed in range(2000) for fault in draw(random.Random(seed), STATES, 20.0)]
    assert {fault.kind for fault in drawn} == set(KINDS)
    assert {fault.state for fault in drawn} == {"", *STATES}


def test_the_bench_yields_the_figures_that_it_declares():
    found = {}
    for figures in BENCH.measure(Run(), sequences=6, seed=100):
        found |= figures
    assert [name for name in found if BENCH.find(name) is None] == []
    assert found["sequences"] == 6
