"""The report: one page that needs nothing else, for a phone or a laptop, and the figures beside it as JSON."""

from __future__ import annotations

import json
import tempfile
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from models.errors import GlintError
from sim.benchmark.compare import CHANGED, SAME, Comparison
from sim.benchmark.page import STYLE
from sim.benchmark.plots import Row, bars, memory_over_time
from sim.benchmark.registry import ACCURACY, BENCHES, LATENCY, Benchmark, Figure, bench_named, is_figure, is_rows
from sim.benchmark.results import FILE, Results, in_order

PAGE = "index.html"


def prepare_report(folder: Path) -> None:
    """Makes the folder, before anything is measured. Raises GlintError where nothing can be written or drawn."""
    if find_spec("matplotlib") is None:
        raise GlintError('The report\'s plots need matplotlib; run: pip install "glint[report]".')
    if folder.exists() and not folder.is_dir():
        raise GlintError(f"{folder} is a file; give a folder with --report.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for there in filter(Path.exists, (folder / PAGE, folder / FILE)):
            with there.open("ab"):
                pass
    except OSError as error:
        raise GlintError(
            f"{folder} cannot be written ({error.strerror or error}); give another folder with --report."
        ) from error


def write_report(folder: Path, results: Results, comparison: Comparison | None = None) -> Path:
    """Writes PAGE and FILE into `folder`; returns the page's path. Raises GlintError where they cannot be written."""
    page = report_page(results, comparison)
    record = results.as_dict() | ({"compared": comparison.as_dict()} if comparison else {})
    try:
        (folder / FILE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        (folder / PAGE).write_text(page, encoding="utf-8")
    except OSError as error:
        raise GlintError(f"The report cannot be written into {folder}: {error.strerror or error}.") from error
    return folder / PAGE


def report_page(results: Results, comparison: Comparison | None = None) -> str:
    """HTML. Needs matplotlib."""
    sections = [_bench(name, results, comparison) for name in in_order(results.figures)]
    sections += [f"<section><h2>{escape(n)}</h2><p class=worse>{escape(t)}</p></section>" for n, t in _lost(results)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Glint benchmark</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>Glint benchmark</h1>\n<p>{escape(results.made)}</p>\n"
        f'<p>The figures are in <a href="{FILE}">{FILE}</a>; docs/benchmark.md of the project explains each.</p>\n'
        + (_compared(comparison) if comparison else "")
        + f"<section><h2>Machine</h2>{_facts(results.machine)}</section>\n"
        + f"<section><h2>Versions</h2>{_facts(results.versions)}</section>\n"
        + "\n".join(sections)
        + "\n</main>\n</body>\n</html>\n"
    )


def _lost(results: Results) -> list[tuple[str, str]]:
    return [(name, text) for name, text in results.failed.items() if name not in results.figures]


def _facts(facts: dict[str, Any]) -> str:
    rows = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += [(of, version) for of, version in value.items()]
        else:
            rows.append((name.replace("_mb", ", MB"), ", ".join(value) if isinstance(value, list) else value))
    return "<dl>" + "".join(f"<dt>{escape(n)}</dt><dd>{escape(str(v))}</dd>" for n, v in rows) + "</dl>"


def _compared(comparison: Comparison) -> str:
    lines = [f"<p>Compared with {escape(comparison.old_name)}.</p>"]
    if comparison.machine:
        lines.append(f"<p class=worse>Compare with care: {escape('; '.join(comparison.machine))}.</p>")
    if comparison.versions:
        lines.append(f"<p>Other versions: {escape('; '.join(comparison.versions))}.</p>")
    for what, names in (("old", comparison.only_old), ("new", comparison.only_new)):
        listed = [f"{bench} {name}" for bench, of in names.items() for name in of]
        if listed:
            lines.append(f"<p>Only in the {what} figures: {escape(', '.join(listed))}.</p>")
    return f"<section><h2>Comparison</h2>{''.join(lines)}</section>\n"


def _bench(name: str, results: Results, comparison: Comparison | None) -> str:
    figures = results.figures[name]
    if comparison is not None and name not in comparison.changes:
        comparison = None
    bench = bench_named(name) if name in BENCHES else Benchmark(name, "", (), lambda: iter(()))
    parts = [f'<section id="{escape(name)}"><h2>{escape(name)}</h2>\n<p>{escape(bench.purpose)}</p>']
    if name in results.failed:
        parts.append(f"<p class=worse>{escape(results.failed[name])}</p>")
    for kind, title, unit, most in (
        (LATENCY, "Latency by stage", "milliseconds; less is better", None),
        (ACCURACY, "Accuracy", "share", 1.0),
    ):
        rows = _rows(bench, figures, kind)
        if rows:
            drawn = bars(f"{name}-{kind}", f"{title} of {name}", rows, unit, most)
            parts.append(f"<figure><figcaption>{title}</figcaption>{drawn}</figure>")
    memory = results.memory.get(name)
    if memory is not None and memory.mb:
        drawn = memory_over_time(f"{name}-memory", f"Memory of {name} over time", memory)
        parts.append(f"<figure><figcaption>Memory over time</figcaption>{drawn}</figure>")
    return "\n".join([*parts, _ways(bench, figures), _table(bench, figures, comparison), "</section>"])


def _ways(bench: Benchmark, figures: dict[str, Any]) -> str:
    """What the ends of the names mean, of those that there are."""
    there = {known[1].suffix for known in map(bench.find, figures) if known and known[1]}
    listed = [
        f"<dt><code>...{w.suffix}</code></dt><dd>{escape(w.meaning)}</dd>" for w in bench.ways if w.suffix in there
    ]
    return f"<dl>{''.join(listed)}</dl>" if listed else ""


def _rows(bench: Benchmark, figures: dict[str, Any], kind: str) -> list[Row]:
    found: dict[str, dict[str, float]] = {}
    for name, value in figures.items():
        known = bench.find(name)
        if known is None or known[0].plot != kind or not is_figure(value):
            continue
        figure, way = known
        if way is None or way.suffix != "_ratio":
            found.setdefault(figure.name, {})[way.title if way else "Glint"] = figure.plotted(value)
    ordered = [figure for figure in bench.figures if figure.name in found]
    return [Row(_label(figure), found[figure.name]) for figure in ordered]


def _label(figure: Figure) -> str:
    if figure.plot == ACCURACY:
        return f"{figure.name} ({figure.better} is better)"
    return figure.name.removesuffix(f"_{figure.unit}") if figure.unit == "s" else figure.name  # the axis is in ms


def _table(bench: Benchmark, figures: dict[str, Any], comparison: Comparison | None) -> str:
    """A row a figure, those of the same figure in other ways below it."""
    heads = ["figure", "value"] + (["before", "change"] if comparison else [])
    groups: dict[str, list[str]] = {}
    for name in [name for name, value in figures.items() if not is_rows(value)]:
        known = bench.find(name)
        groups.setdefault(known[0].name if known else name, []).append(name)
    lines = []
    for names in groups.values():
        for number, name in enumerate(sorted(names, key=list(figures).index)):
            lines.append(_line(bench, name, figures[name], comparison, first=not number))
    head = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _line(bench: Benchmark, name: str, value: Any, comparison: Comparison | None, first: bool) -> str:
    known = bench.find(name)
    figure, way = known if known else (None, None)
    better = bench.better(name)
    about = [figure.meaning] if figure and first else []
    about += [f"{better.capitalize()} is better."] if better and first else []
    about += [f"{way.title.capitalize()}."] if way else []
    unit = "" if figure is None or not is_figure(value) or (way and way.suffix == "_ratio") else figure.unit
    unit = "" if unit == "share" else unit
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    amount = "amount" if is_figure(value) else "words"
    cells = [
        f'<th scope="row"><code>{escape(name)}</code><small>{escape(" ".join(about))}</small></th>',
        f"<td class={amount}>{escape(shown)} <small>{escape(unit)}</small></td>",
    ]
    if comparison:
        change = comparison.changes.get(bench.name, {}).get(name)
        if change is None:
            cells.append("<td></td><td></td>")
        else:
            ratio = "" if change.ratio is None or change.verdict in (SAME, CHANGED) else f" &times;{change.ratio:g}"
            cells.append(f"<td class=amount>{change.old:g}</td><td class={change.verdict}>{change.verdict}{ratio}</td>")
    return f'<tr class="{"" if first else "further"}">{"".join(cells)}</tr>'
