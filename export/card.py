"""The card of an exported bundle: where it comes from, under which licence, how it was made and how it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.bundle import Bundle

CARD_FILE = "MODEL_CARD.md"
_STAGE_FIGURES = ("max_abs_diff", "mean_abs_diff", "relative")


def write_card(bundle: Bundle, verification: Mapping[str, Any] | None = None) -> None:
    """Writes the card into the bundle's folder. verification: what export.verify found, as a record."""
    (bundle.folder / CARD_FILE).write_text(_card(bundle, verification), encoding="utf-8")


def report_text(record: Mapping[str, Any]) -> str:
    """What `glint export --json` gives, as Markdown: figures by part, and layer by layer."""
    verification = record["verification"]
    lines = [f"# {record['name']} {record['version']}, verified", "", *_verification(verification), ""]
    lines += [f"- {failure}" for failure in verification["failures"]]
    for part, stages in verification["layers"].items():
        rows = [
            (stage["name"], *(f"{stage[key]:.3g}" for key in _STAGE_FIGURES), f"{stage['cosine']:.6f}")
            for stage in stages
        ]
        lines += ["", f"## {part}, from the first layer to the last", ""]
        lines += _table(("after", *_STAGE_FIGURES, "cosine"), rows)
    return "\n".join(lines) + "\n"


def _card(bundle: Bundle, verification: Mapping[str, Any] | None) -> str:
    about = bundle.config["export"]
    revision = f", revision {about['revision']}" if about["revision"] else ""
    lines = [
        f"# {bundle.name} {bundle.version}",
        "",
        f"Exported by Glint from `{about['source']}`{revision} ({about['architecture']}). "
        "Use it with `glint ask --model FOLDER`.",
        "",
        "## Licence",
        "",
        *(f"- {name}: {licence}" for name, licence in bundle.config["licences"].items()),
        "",
        "## Settings",
        "",
        *_table(("part", "setting", "value"), _settings(about, bundle.decoder.max_tokens)),
        "",
    ]
    if about["notes"]:
        lines += ["## Notes", "", *(f"- {note}" for note in about["notes"]), ""]
    lines += ["## Verification", "", *_verification(verification), ""]
    lines += ["## Files", ""]
    lines += _table(("file", "bytes", "sha256"), [(n, str(f.bytes), f.sha256) for n, f in bundle.files.items()])
    lines += ["", "## Made from", ""]
    lines += _table(("file", "sha256"), list(bundle.sources.items()))
    return "\n".join(lines) + "\n"


def _settings(about: Mapping[str, Any], max_tokens: int) -> list[tuple[str, ...]]:
    rows = [("decoder", name, _said(value)) for name, value in about["decoder"].items()]
    rows += [("decoder", "rounding", about["rounding"]), ("decoder", "max_tokens", str(max_tokens))]
    return rows + [("vision", name, _said(value)) for name, value in about.get("vision", {}).items()]


def _said(value: Any) -> str:
    return "default" if value is None else str(value)


def _verification(record: Mapping[str, Any] | None) -> list[str]:
    if record is None:
        return ["Not verified: `glint export ... --verify` compares it with the original in PyTorch."]
    said = "It passed." if record["passed"] else f"It FAILED: {record['failures'][0]}"
    by = f"PyTorch {record['torch']}, transformers {record['transformers']}"
    lines = [
        f"Compared with the original in float32 ({by}). {said}",
        "",
    ]
    rows = []
    for name, part in record["parts"].items():
        for key, value in part.items():
            if isinstance(value, Mapping):
                rows += [(name, f"{key}.{inner}", _number(number)) for inner, number in value.items()]
            elif not isinstance(value, list):
                rows.append((name, key, _number(value)))
    return lines + _table(("part", "figure", "value"), rows)


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _table(heads: tuple[str, ...], rows: list[Any]) -> list[str]:
    cells = [heads, ("---",) * len(heads), *rows]
    return ["| " + " | ".join(row) + " |" for row in cells]
