"""Glasses over a radio under everything that can go wrong: one short life after the other, each drawn by a seed."""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from models.errors import GlintError
from sim.radio.life import Bridge, Life, live


def benchmark_radio(
    sequences: int, seed: int, tell: Callable[[str], None], bridge: Callable[..., Bridge] = Bridge
) -> Iterator[dict[str, Any]]:
    """As registry.Measure; the lives have the seeds from `seed` on. bridge: what is under test.

    Raises GlintError where the vendor's packages are missing.
    """
    lives: list[Life] = []
    began = time.process_time()
    try:
        with _one_core():
            for number in range(sequences):
                lives.append(live(seed + number, bridge))
                failed = sum(bool(life.hang) + life.lost for life in lives)
                tell(f"{number + 1} of {sequences} sequences, {failed} hangs and lost turns")
    except ImportError as error:
        raise GlintError(f"Emulated glasses need {error.name}; install with: pip install 'glint[halo,dev]'") from None
    finally:
        if lives:
            yield _figures(lives, seed, time.process_time() - began)


@contextmanager
def _one_core() -> Iterator[None]:
    """Threads that take turns lose a sixth of the time by moving from one core to another (Linux only)."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _figures(lives: list[Life], seed: int, cpu_s: float) -> dict[str, Any]:
    turns = [turn for life in lives for turn in life.turns]
    answered = [turn.after_s for turn in turns if "answer" in turn.ended]
    told = [turn.after_s for turn in turns if turn.ended and "answer" not in turn.ended]
    away = [seconds for life in lives for seconds in life.away_s]
    packets = sum((Counter(life.packets) for life in lives), Counter())
    return {
        "sequences": len(lives),
        "seed": seed,
        "hangs": sum(bool(life.hang) for life in lives),
        "lost_turns": sum(life.lost for life in lives),
        "failures": [_failure(life) for life in lives if life.hang or life.lost],
        "turns": len(turns),
        "answered_turns": len(answered),
        "told_turns": len(told),
        "faults": sum(life.struck for life in lives),
        "packets": packets["packets"],
        "packets_spoilt": sum(packets.values()) - packets["packets"],
        "reconnects": sum(max(0, life.connections - 1) for life in lives),
        "restarts": sum(name == "DEGRADE" for life in lives for _, name in life.states),
        "photos": sum(life.photos_taken for life in lives),
        "photos_retried": sum(life.photos_taken - life.photos_whole for life in lives),
        **_of("back", away),
        **_of("answer", answered),
        **_of("word", told),
        "microphone_alone_s": max(life.unattended_s for life in lives),
        "simulated_s": sum(life.seconds for life in lives),
        "cpu_s_per_sequence": cpu_s / len(lives),
    }


def _of(name: str, seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {f"{name}_median_s": statistics.median(seconds), f"{name}_p95_s": float(np.quantile(seconds, 0.95))}


def _failure(life: Life) -> dict[str, Any]:
    faults = [f"{fault.kind} {fault.at:.2f} s after {fault.state or 'the beginning'}" for fault in life.faults]
    return {"seed": life.seed, "hang": life.hang, "lost_turns": life.lost, "firmware": life.firmware, "faults": faults}
