"""What changed between two runs of the same benches: which figure is better, which is worse, and was it the machine?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from models.errors import GlintError
from sim.benchmark.registry import BENCHES, bench_named, is_figure
from sim.benchmark.results import Results, in_order

NOISE = 0.05  # a change by a smaller share is none: so much do figures differ from run to run
_MEMORY_NOISE = 0.02  # a kernel takes a little more or less for itself
BETTER, WORSE, SAME, CHANGED = "better", "worse", "same", "changed"


@dataclass(frozen=True)
class Change:
    """One figure, then and now. ratio: new by old, None where that says nothing (one is not above 0).

    verdict: BETTER, WORSE, SAME (within NOISE), or CHANGED where neither more nor less is better.
    """

    old: float
    new: float
    ratio: float | None
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """changes, only_old and only_new by bench; the latter two are figures that the other one lacks.

    machine: what differs in the two machines, in words, and versions: in the versions. old_name: of the file.
    """

    old_name: str
    changes: dict[str, dict[str, Change]]
    only_old: dict[str, list[str]]
    only_new: dict[str, list[str]]
    machine: list[str]
    versions: list[str]

    def as_dict(self, bench: str | None = None) -> dict[str, Any]:
        """JSON-ready; bench: of this one alone, its figures not under its name."""
        changes = {name: {figure: asdict(change) for figure, change in of.items()} for name, of in self.changes.items()}
        return {
            "with": self.old_name,
            "machine_differs": self.machine,
            "versions_differ": self.versions,
            "figures": changes if bench is None else changes.get(bench, {}),
            "only_old": self.only_old if bench is None else self.only_old.get(bench, []),
            "only_new": self.only_new if bench is None else self.only_new.get(bench, []),
        }


def compare(old: Results, new: Results, old_name: str) -> Comparison:
    """Of the benches that both have. Raises GlintError where there is no such bench."""
    require_common(old, new.figures, old_name)
    changes: dict[str, dict[str, Change]] = {}
    only_old: dict[str, list[str]] = {}
    only_new: dict[str, list[str]] = {}
    for bench in in_order(new.figures):
        if bench not in old.figures:
            continue
        before, after = ({n: v for n, v in r.figures[bench].items() if is_figure(v)} for r in (old, new))
        changes[bench] = {name: _change(bench, name, before[name], after[name]) for name in after if name in before}
        only_old[bench] = [name for name in before if name not in after]
        only_new[bench] = [name for name in after if name not in before]
    versions = _differs(old.versions, new.versions) if old.versions else []
    return Comparison(old_name, changes, only_old, only_new, machine_differs(old, new), versions)


def require_common(old: Results, benches: Iterable[str], old_name: str) -> None:
    """Raises GlintError where `old` has no figures of any of the benches."""
    wanted = list(benches)
    if wanted and not any(name in old.figures for name in wanted):
        raise GlintError(
            f"{old_name} has figures of {', '.join(in_order(old.figures))} and none of {', '.join(wanted)}; "
            "compare with a file of the same bench."
        )


def machine_differs(old: Results, new: Results) -> list[str]:
    """What the machines differ in, in words; that the old one is not known where it is not."""
    if not old.machine:
        return ["the old figures do not say of which machine they are"]
    then, now = dict(old.machine), dict(new.machine)
    before, after = then.get("memory_mb", 0), now.get("memory_mb", 0)
    if is_figure(before) and abs(before - after) <= _MEMORY_NOISE * after:
        then["memory_mb"] = after
    return _differs(then, now)


def _differs(old: dict[str, Any], new: dict[str, Any], of: str = "") -> list[str]:
    found = []
    for name in [*new, *(name for name in old if name not in new)]:
        then, now = old.get(name), new.get(name)
        if isinstance(then, dict) and isinstance(now, dict):
            found += _differs(then, now, f"{name} ")
        elif then != now:
            found.append(f"{of}{name} {_said(then)} -> {_said(now)}")
    return found


def _said(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return ", ".join(map(str, value)) or "none"
    return "not there" if value is None else str(value)


def _change(bench: str, name: str, old: float, new: float) -> Change:
    ratio = float(f"{new / old:.3g}") if old > 0 and new > 0 else None
    better = bench_named(bench).better(name) if bench in BENCHES else ""
    if abs(new - old) <= NOISE * max(abs(old), abs(new)):
        verdict = SAME
    elif not better:
        verdict = CHANGED
    else:
        verdict = BETTER if (new > old) == (better == "more") else WORSE
    return Change(old, new, ratio, verdict)
