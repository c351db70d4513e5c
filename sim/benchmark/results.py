"""What one or several benches found, on which machine; as JSON, and read from it again.

A single bench prints its figures at the top level, beside `machine` and `versions`. Several, and a report's
figures.json, have them under `figures`, by bench. Both can be compared with; so can what was printed before there were
a machine and versions in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.errors import GlintError
from sim.benchmark.memory_trace import Memory, read_memory
from sim.benchmark.registry import BENCHES, benches, is_figure

FILE = "figures.json"
_NO_FIGURES = ("machine", "versions", "memory", "compared", "made", "failed")
_PLACE_ONLY = ("processor", "threads", "runs", "model", "peak_rss_mb")  # several benches have these


@dataclass
class Results:
    """figures: by bench and name; memory: by bench; failed: a sentence for each bench that did not come to its end.

    made: when, in words. machine and versions are as sim.benchmark.machine says, empty where they are not known.
    """

    machine: dict[str, Any]
    versions: dict[str, Any]
    made: str = ""
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready, for several benches and for FILE."""
        record: dict[str, Any] = {
            "made": self.made,
            "machine": self.machine,
            "versions": self.versions,
            "figures": self.figures,
        }
        if self.failed:
            record["failed"] = self.failed
        if self.memory:
            record["memory"] = {name: asdict(memory) for name, memory in self.memory.items()}
        return record

    def flat(self, bench: str) -> dict[str, Any]:
        """JSON-ready: the figures of one bench at the top level."""
        return self.figures.get(bench, {}) | {"machine": self.machine, "versions": self.versions}


def read_results(path: Path) -> Results:
    """What a file of JSON holds. Raises GlintError where it is missing, no JSON, or of something else."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GlintError(
            f"{path} cannot be read ({error.strerror or error}); --compare wants the JSON that `glint bench` made."
        ) from error
    except (ValueError, RecursionError) as error:
        raise GlintError(
            f"{path} is not JSON; --compare wants what `glint bench ... --json` printed, or a report's {FILE}."
        ) from error
    try:
        return results_of(fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise GlintError(
            f"{path} has no figures of `glint bench`; give what `glint bench ... --json` printed, or a report's {FILE}."
        ) from error


def results_of(fields: Any) -> Results:
    """JSON of either form. Raises ValueError, TypeError, KeyError or AttributeError for anything else."""
    nested = isinstance(fields["figures"], dict) if "figures" in fields else False
    figures = fields["figures"] if nested else _sorted_in(fields)
    found = {name: dict(of) for name, of in figures.items()}
    if not any(is_figure(value) for of in found.values() for value in of.values()):
        raise ValueError("no figures")
    return Results(
        dict(fields.get("machine", {})),
        dict(fields.get("versions", {})),
        str(fields.get("made", "")),
        found,
        {name: read_memory(memory) for name, memory in fields.get("memory", {}).items()} if nested else {},
        dict(fields.get("failed", {})),
    )


def _sorted_in(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Figures at the top level, under the bench that knows most of them: a file does not say which one it is of."""
    figures = {name: value for name, value in fields.items() if name not in _NO_FIGURES}

    def known(bench: Any) -> int:
        return sum(bench.find(name) is not None for name in figures if name not in _PLACE_ONLY)

    best = max(benches(), key=known)
    return {best.name: figures} if known(best) else {}


def in_order(names: Mapping[str, Any]) -> list[str]:
    """Names of benches in the order of the registry, those that it does not have at the end."""
    return [*(name for name in BENCHES if name in names), *(name for name in names if name not in BENCHES)]
