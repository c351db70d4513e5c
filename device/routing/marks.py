"""What patterns say of a transcript: the names of the experts' rows that take it, and whether it asks for evidence.

The classifier learns how far each is to be trusted: "is there any sugar in it" is taken by the finder's pattern too.
"""

from __future__ import annotations

from device.experts.table import matches
from device.thinking.explain import explained

EVIDENCE = "about the answer before"


def marks_of(text: str) -> tuple[str, ...]:
    """Names in the order of device.experts.table, each once."""
    rows = dict.fromkeys(row.name for row, _ in matches(text))
    return (*rows, EVIDENCE) if explained(text, ()) is not None else tuple(rows)
