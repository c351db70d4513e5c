"""What a bench found, and how it differs from an older run, as tables in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sim.benchmark.compare import Comparison
    from sim.benchmark.registry import Benchmark

_STYLES = {"better": "green", "worse": "red"}


def print_figures(bench: Benchmark, figures: dict[str, Any]) -> None:
    """A row a figure, a column for each of the ways in which it was measured; words below."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from sim.benchmark.registry import is_figure, is_rows

    titles = {"": "Glint"} | {way.suffix: way.title for way in bench.ways}
    rows: dict[str, dict[str, str]] = {}
    for name, value in figures.items():
        if is_figure(value):
            found = bench.find(name)
            figure, way = found if found else (None, None)
            rows.setdefault(figure.name if figure else name, {})[way.suffix if way else ""] = str(value)
    shown = [suffix for suffix in titles if not suffix or any(suffix in row for row in rows.values())]
    table = Table(title=bench.name, box=SIMPLE_HEAD)
    table.add_column(no_wrap=True)
    for suffix in shown:
        table.add_column(titles[suffix].replace(" ", "\n"), justify="right")
    for name, row in rows.items():
        table.add_row(name, *(row.get(suffix, "") for suffix in shown))
    Console().print(table)
    for name, value in figures.items():
        if is_rows(value):
            continue
        for text in value if isinstance(value, list) else [value] if isinstance(value, str) else []:
            click.echo(f"{name}: {text}")


def print_comparison(comparison: Comparison) -> None:
    """A row for each figure that both runs have, then what only one has, and whether it was the same machine."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"compared with {comparison.old_name}", box=SIMPLE_HEAD)
    table.add_column(no_wrap=True)
    for column in ("old", "new", "ratio"):
        table.add_column(column, justify="right")
    table.add_column("", no_wrap=True)
    several = len(comparison.changes) > 1
    for bench, changes in comparison.changes.items():
        for name, change in changes.items():
            ratio = "" if change.ratio is None else f"{change.ratio:g}"
            shown = f"{bench} {name}" if several else name
            style = _STYLES.get(change.verdict)
            table.add_row(shown, f"{change.old:g}", f"{change.new:g}", ratio, change.verdict, style=style)
    Console().print(table)
    for what, only in (("only in the old figures", comparison.only_old), ("only in the new", comparison.only_new)):
        names = [f"{bench} {name}" if several else name for bench, of in only.items() for name in of]
        if names:
            click.echo(f"{what}: {', '.join(names)}")
    if comparison.versions:
        click.echo(f"other versions: {'; '.join(comparison.versions)}")
