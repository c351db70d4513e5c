"""`glint bench all`: every bench in turn, each in a process of its own, so that none counts another's memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device.cli.bench import ALL, COMMON, finish, new_results, prepare
from device.cli.interrupts import Interrupts
from sim.benchmark.benches.options import SHARED
from sim.benchmark.memory_trace import Memory, read_memory
from sim.benchmark.registry import benches

if TYPE_CHECKING:
    from sim.benchmark.registry import Benchmark

_BESIDES = ("machine", "versions", "memory")


def _run_all(as_json: bool, report: Path | None, compare: Path | None, quick: bool, **shared: Any) -> None:
    chosen = [bench for bench in benches() if not bench.needs]
    for bench in benches():
        if bench.needs:
            click.echo(f"glint bench {bench.name} is left out: it needs {bench.needs}", err=True)
    old = prepare(report, compare, [bench.name for bench in chosen])
    results = new_results()
    ended = False
    with Interrupts():
        for number, bench in enumerate(chosen):
            click.echo(f"glint bench {bench.name} ({number + 1} of {len(chosen)})", err=True)
            said, ended = _run_apart([bench.name, "--json", "--memory", *arguments(bench, quick, shared)])
            figures, memory, failure = _parsed(bench.name, said)
            if figures:
                results.figures[bench.name] = figures
            if memory is not None and report is not None:
                results.memory[bench.name] = memory
            if failure and not ended:
                results.failed[bench.name] = failure
                click.echo(f"glint bench {bench.name} failed", err=True)
            if ended:
                break
        finish(results, as_json, report, compare, old)
    if ended:
        raise click.Abort
    if results.failed:
        sys.exit(1)


def arguments(bench: Benchmark, quick: bool, shared: dict[str, Any]) -> list[str]:
    """What a bench is called with: those of the shared options that it has, and what makes it short where wished."""
    wanted = {**(bench.quick if quick else {}), **shared}
    words: list[str] = []
    for option in bench.options:
        value = wanted.get(str(option.name))
        if option.is_flag:
            words += option.opts[:1] if value else []
        elif value is not None:
            words += [option.opts[0], str(value)]
    return words


def _run_apart(words: list[str]) -> tuple[str, bool]:
    """What `glint bench WORDS` prints, and whether Ctrl-C ended it, which is then passed on."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "device", "bench", *words]
    ended = False
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        # Its own session: a terminal's Ctrl-C would reach it too, a second time.
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,
        )
        try:
            try:
                child.wait()
            except KeyboardInterrupt:
                ended = True
                child.send_signal(signal.SIGINT)
                child.wait()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        printed.seek(0)
        return printed.read(), ended


def _parsed(name: str, said: str) -> tuple[dict[str, Any], Memory | None, str]:
    """Figures, memory over time, and what went wrong, "" if nothing did."""
    try:
        record = json.loads(said)
    except ValueError:
        return {}, None, f"glint bench {name} broke off; what it said is above."
    if "error" in record:
        return {}, None, str(record["error"])
    memory = record.get("memory", {}).get(name)
    figures = {key: value for key, value in record.items() if key not in _BESIDES}
    return figures, read_memory(memory) if memory else None, ""


_HELP = """
Run every bench in turn.

\b
  glint bench all                             everything but the soak, more than an hour
  glint bench all --quick --report FOLDER     a few minutes; the figures of the loop are then of a few turns

Each runs in a process of its own. One that fails is named under `failed`, the others run nevertheless, and the exit
status is 1.
"""

bench_all = click.Command(
    ALL,
    params=[
        click.Option(["--quick"], is_flag=True, help="Little of everything."),
        *SHARED,
        *COMMON,
    ],
    callback=_run_all,
    help=_HELP,
    short_help="Run every bench in turn.",
)
