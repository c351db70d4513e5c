"""What each device profile does to the live loop: a few questions, asked in real time, under one after the other.

`python -m sim.profile.compare` prints the table. Each profile has a process of its own, so that none inherits the
memory or the threads of another. A turn that takes longer than a wearer waits is waited for all the same, and counted.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from device.cli.run import load
from device.glasses import RATE
from device.habits import Habits
from device.heap import share_heap
from device.hearing.ears import Ears
from device.live import Live
from device.seeing.photo import read_photo
from device.thinking.mind import Mind
from device.turn import Turn
from models.errors import GlintError
from sim.benchmark.booth import Booth, silence
from sim.benchmark.turns import PAUSE_BEFORE_S, STAGES, Turns, question_lines
from sim.benchmark.utterances import Studio, Take
from sim.profile.device import Device, applied
from sim.profile.guard import guard
from sim.profile.memory import MemoryWatch
from sim.profile.read import open_profile, profiles

UNLIMITED = "this machine"
TURNS = 6
SIZE = 960, 960  # of the photo
PHOTO = Path(__file__).parents[1] / "demo/photo.jpg"
PATIENCE_S = 90.0  # for one answer
SHOWN = {
    "first_audio_p50_s": "first audio, median",
    "first_audio_p95_s": "first audio, 95th percentile",
    "endpoint_ms": "end of question, ms",
    "answered_rate": "answered",
    "too_late_rate": "answered too late",
    "transcribe_ms": "transcribe, ms",
    "first_token_ms": "first token, ms",
    "peak_anonymous_mb": "memory no file backs, MB",
    "file_mb_at_peak": "of files, MB",
    "free_memory_mb": "free for both, MB",
    "slowdown": "slowdown",
    "mean_w": "mean power, W",
    "battery_hours": "battery, hours",
    "celsius_after_hours": "heat in the long run, C",
}


def measure(
    name: str, count: int, offline: bool = False, progress: Callable[[str], None] = lambda what: None
) -> dict[str, Any]:
    """Device.report of the profile (of UNLIMITED: no limits), with the figures of `count` turns among the measured.

    first_audio_p50_s and the like as benchmark_turns has them; too_late_rate: turns whose answer came after the loop,
    as people have it, would have given up.
    """
    progress(f"{name}: making the speech")
    with Studio(offline) as studio:
        takes = list(studio.takes(question_lines(count)))  # at full speed; the rest is not
        asking = Asking(takes, offline, progress=lambda what: progress(f"{name}: {what}"))
        if name != UNLIMITED:
            with applied(open_profile(name)) as device:
                figures = asking.ask(device)
                report = device.report()
        else:
            with MemoryWatch(None) as memory:
                figures = asking.ask(None)
            measured = {"peak_anonymous_mb": round(memory.peak_mb, 1), "file_mb_at_peak": round(memory.file_mb, 1)}
            report = {"name": name, "title": "This machine", "measured": measured, "modelled": {}, "notes": []}
    report["measured"] = figures | report["measured"]
    return report


@dataclass
class Asking:
    """Questions about the demo's photo, to models that are loaded for them."""

    takes: Sequence[Take]
    offline: bool
    progress: Callable[[str], None]

    def ask(self, device: Device | None) -> dict[str, Any]:
        """The figures of all of them, asked through the device's glasses."""
        self.progress("loading the models")
        mind, ears = load(threads=device.threads if device else 2, offline=self.offline)
        # As large as cameras see it: what a radio has to carry must not be less than it is.
        pixels = cv2.resize(read_photo(PHOTO), SIZE, interpolation=cv2.INTER_CUBIC)
        turns, late = Turns(), 0
        try:
            for number, take in enumerate(self.takes):
                self.progress(f"turn {number + 1} of {len(self.takes)}: {take.text}")
                waits = len(turns.waits)
                samples = take.samples()
                _ask(mind, ears, take.text, samples, pixels, device, turns)
                late += len(turns.waits) > waits and turns.waits[-1] > Habits().thinking_s + len(samples) / RATE / 5
        finally:
            mind.close()
        return turns.figures() | {"too_late_rate": round(late / len(self.takes), 3)}


def _ask(
    mind: Mind, ears: Ears, text: str, samples: np.ndarray, pixels: np.ndarray, device: Device | None, seen: Turns
) -> None:
    """One turn, woken by the button."""
    ends_s = PAUSE_BEFORE_S + len(samples) / RATE
    sound = np.concatenate([silence(PAUSE_BEFORE_S), samples, silence(PATIENCE_S)])
    booth = Booth(lambda booth: [sound], pixels)
    turns: list[Turn] = []

    def over(turn: Turn) -> None:
        turns.append(turn)
        live.close()

    worn = device.glasses(booth) if device is not None else booth
    live = Live(worn, mind, ears, Habits(thinking_s=PATIENCE_S), on_turn=over)
    live.run()
    gc.collect()
    seen.asked += 1
    seen.texts.append((text, turns[0].transcript if turns else ""))
    if not turns or not booth.answers:
        seen.unanswered += 1
    elif booth.answers[0].at_s < ends_s:
        seen.cut_off += 1
    else:
        seen.waits.append(booth.answers[0].at_s - ends_s)
        for stage in STAGES:
            seen.stages.setdefault(stage, []).append(turns[0].timings_ms.get(stage, 0.0))


def compare(
    names: Sequence[str], count: int, offline: bool, progress: Callable[[str], None] = lambda what: None
) -> list[dict[str, Any]]:
    """The report of each, from a process of its own. Raises GlintError where one fails."""
    reports = []
    for name in names:
        command = [sys.executable, "-m", "sim.profile.compare", "--json", "--turns", str(count), "--within", name]
        path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
        with subprocess.Popen(
            [*command, *(["--offline"] if offline else [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        ) as one:
            assert one.stdout is not None
            assert one.stderr is not None
            last = ""
            for line in one.stderr:
                last = line.strip() or last
                progress(last)
            said = one.stdout.read()
        if one.returncode:
            raise GlintError(f"{name} could not be measured: {last}")
        reports.append(json.loads(said))
    return reports


def _print(reports: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    table.add_column("")
    for report in reports:
        table.add_column(report["name"], justify="right")
    for key, shown in SHOWN.items():
        values = [(report["measured"] | report["modelled"]).get(key) for report in reports]
        table.add_row(shown, *("" if value is None else str(value) for value in values))
    console = Console()
    console.print(table)
    for note in dict.fromkeys(note for report in reports for note in report["notes"]):
        console.print(note)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--turns", type=click.IntRange(1, 1000), default=TURNS, show_default=True, help="Questions for each.")
@click.option("--offline", is_flag=True, help="Fetch nothing; fail when a model is not there.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole reports as one JSON list.")
@click.option("--within", help="Measure this one in this process, and print its report.", hidden=True)
def main(names: tuple[str, ...], turns: int, offline: bool, as_json: bool, within: str | None) -> None:
    """Ask a few questions under each device profile, or under NAMES, and print what they do to the live loop.

    "this machine", without limits, comes first.
    """

    def tell(what: str) -> None:
        click.echo(what, err=True)

    try:
        if within is not None:
            click.echo(json.dumps(measure(within, turns, offline, tell)))
            return
        for name in names:
            if name != UNLIMITED:
                open_profile(name)
        reports = compare(names or (UNLIMITED, *profiles()), turns, offline, tell)
    except GlintError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(reports)) if as_json else _print(reports)


if __name__ == "__main__":
    guard()
    share_heap()  # as the assistant's own command does
    main()
