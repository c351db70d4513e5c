"""A device's report for people: what was measured and what is modelled, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table


def rendering(report: Mapping[str, Any]) -> RenderableType:
    """Of Device.report(); what a caller has added to its two parts is shown too."""
    sides = [_side(report[part]) for part in ("measured", "modelled")]
    table = Table(title=report["title"], show_lines=False)
    for heading in ("measured here", "modelled"):
        table.add_column(heading)
        table.add_column("", justify="right")
    empty = ("", "")
    for row in range(max(map(len, sides))):
        table.add_row(*(cell for side in sides for cell in (side[row] if row < len(side) else empty)))
    return Group(table, *report["notes"])


def _side(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _shown(value)) for name, value in figures.items()]


def _shown(value: Any) -> str:
    if value is None:
        return "no"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
