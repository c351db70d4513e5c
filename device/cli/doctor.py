"""`glint doctor`: prints what device/doctor.py finds."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from device.doctor import Finding

_MARKS = {"ok": "[green]ok[/]", "missing": "[red]missing[/]", "optional": "[yellow]optional[/]"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def doctor_command(as_json: bool) -> None:
    """Say what works on this machine, what is missing and how to get it.

    Each line is ok, missing (`glint ask` needs it) or optional (it works without), with the one command that helps.
    Everything is tried: the runtime runs a product, the models are read and hashed, the devices are looked for.

    The exit code is 0 when `glint ask` can work here, else 1.
    """
    from device.doctor import can_ask, examine  # other commands start without it

    findings = examine()
    works = can_ask(findings)
    if as_json:
        click.echo(json.dumps({"ok": works, "checks": [asdict(finding) for finding in findings]}))
    else:
        _print(findings)
        click.echo("`glint ask` can work here." if works else "`glint ask` cannot work here yet: see what is missing.")
    if not works:
        sys.exit(1)


def _print(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    group = None
    for finding in findings:
        if finding.group != group:
            group = finding.group
            table.add_row(f"[bold]{group}[/]")
        advice = f"\n[bold]{escape(finding.remedy)}[/]" if finding.remedy else ""
        table.add_row(f"  {finding.name}", _MARKS[finding.state], escape(finding.detail) + advice)
    Console().print(table)
