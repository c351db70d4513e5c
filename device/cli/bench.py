"""`glint bench`: how fast things are on this machine. sim.benchmark.registry says which benches there are.

One bench runs in this process; `all` runs each in a process of its own (device/cli/bench_all.py).
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device.cli.progress_log import told_by

if TYPE_CHECKING:
    from sim.benchmark.registry import Benchmark
    from sim.benchmark.results import Results

ALL = "all"
_LOG_EVERY_S = 60.0

JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object on standard output.")
REPORT = click.Option(
    ["--report"],
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write a page with plots (index.html) and the figures (figures.json) into this folder.",
)
COMPARE = click.Option(
    ["--compare"],
    metavar="OLD.json",
    type=click.Path(path_type=Path),
    help="Say what changed since: what --json printed then, or a report's figures.json.",
)
COMMON = (JSON, REPORT, COMPARE)
MEMORY = click.Option(["--memory"], is_flag=True, hidden=True, help="Memory over time too, in the JSON.")


class _Benches(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        from sim.benchmark.registry import BENCHES

        return [*BENCHES, ALL]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        from sim.benchmark.registry import BENCHES, bench_named

        if name == ALL:
            from device.cli.bench_all import bench_all

            return bench_all
        return command_of(bench_named(name)) if name in BENCHES else None


@click.command("bench", cls=_Benches, invoke_without_command=True)
@click.pass_context
def bench(ctx: click.Context) -> None:
    """Measure speed, memory and accuracy on this machine.

    \b
      glint bench speech                            a minute
      glint bench all --quick --report FOLDER       a short run of everything, as a page with plots
      glint bench model --json > old.json           to compare with later:
      glint bench model --compare old.json

    Ctrl-C ends a bench; what has been measured so far is printed. docs/benchmark.md explains every figure.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def command_of(benchmark: Benchmark) -> click.Command:
    """`glint bench NAME`."""
    from device.cli.bench_help import help_of

    def call(**options: Any) -> None:
        _run(benchmark, **options)

    return click.Command(
        benchmark.name,
        params=[*benchmark.options, *COMMON, MEMORY],
        callback=call,
        help=help_of(benchmark),
        short_help=benchmark.purpose,
    )


def _run(
    benchmark: Benchmark, as_json: bool, report: Path | None, compare: Path | None, memory: bool, **options: Any
) -> None:
    from rich.console import Console

    from sim.benchmark.memory_trace import MemoryTrace
    from sim.benchmark.registry import Run

    old = prepare(report, compare, [benchmark.name])
    results = new_results()
    figures = results.figures.setdefault(benchmark.name, {})
    trace = MemoryTrace() if report or memory else None
    console = Console(stderr=True)
    ended = False
    with ExitStack() as stack:
        status = stack.enter_context(console.status("starting"))
        if trace is not None:
            stack.enter_context(trace)
        run = Run(told_by(console, status.update, _LOG_EVERY_S), trace.phase if trace else lambda part: None)
        try:
            for found in benchmark.measure(run, **options):
                figures |= found
        except KeyboardInterrupt:
            ended = True
    if trace is not None:
        results.memory[benchmark.name] = trace.memory()
    finish(results, as_json, report, compare, old, benchmark, memory)
    if ended:
        raise click.Abort


def prepare(report: Path | None, compare: Path | None, benches: list[str]) -> Results | None:
    """Whatever would fail at the end fails now. Returns what is compared with. Raises GlintError."""
    from sim.benchmark.compare import require_common
    from sim.benchmark.results import read_results

    old = read_results(compare) if compare else None
    if old is not None:
        require_common(old, benches, str(compare))
    if report is not None:
        from sim.benchmark.report import prepare_report

        prepare_report(report)
    return old


def new_results() -> Results:
    """Of this machine and moment, without figures yet."""
    from sim.benchmark.machine import machine, versions
    from sim.benchmark.results import Results

    return Results(machine(), versions(), time.strftime("%Y-%m-%d %H:%M %z"))


def finish(
    results: Results,
    as_json: bool,
    report: Path | None,
    compare_with: Path | None,
    old: Results | None,
    only: Benchmark | None = None,
    memory: bool = False,
) -> None:
    """Compares, writes the report, prints. only: the bench, where it is a single one."""
    from device.cli.bench_tables import print_comparison, print_figures
    from sim.benchmark.compare import compare
    from sim.benchmark.registry import bench_named

    measured = {name for name, figures in results.figures.items() if figures}
    common = old is not None and measured & set(old.figures)  # a bench that was ended may have left nothing
    comparison = compare(old, results, str(compare_with)) if old is not None and common else None
    if report is not None and measured:
        from sim.benchmark.report import write_report

        click.echo(f"glint: the report is {write_report(report, results, comparison)}", err=True)
    if comparison is not None and comparison.machine:
        click.echo(f"glint: compare with care: {'; '.join(comparison.machine)}.", err=True)
    if as_json:
        record = results.flat(only.name) if only else results.as_dict()
        if memory and only:
            record["memory"] = {name: asdict(of) for name, of in results.memory.items()}
        if comparison is not None:
            record["compared"] = comparison.as_dict(only.name if only else None)
        click.echo(json.dumps(record))
        return
    for name, figures in results.figures.items():
        print_figures(bench_named(name), figures)
    if comparison is not None:
        print_comparison(comparison)
