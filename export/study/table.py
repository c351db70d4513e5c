"""The study as a Markdown table, and its place in a document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import GlintError

BEGIN, END = "<!-- study -->", "<!-- end of the study -->"
_KINDS = {"int4": "4", "int8": "8", "fp16": "16f", "fp32": "32f"}


def markdown(study: Mapping[str, Any]) -> str:
    """A line for each row, and a column for each figure, of which anything was measured; the front is in bold."""
    seen = any("captions_perplexity" in row for row in study["rows"])
    heads = ["row", "bits (head)", "block", "rounding", "MB", "perplexity of text"]
    heads += ["of captions", f"CIDEr ({study['photos']} photos)"] if seen else []
    heads += ["prefill tokens/s", "decode tokens/s"]
    heads += ["ms a picture"] if seen else []
    lines = []
    for row in study["rows"]:
        if "text_perplexity" not in row and "decode_tokens_per_s" not in row:
            continue
        name = f"**{row['name']}**" if row["name"] in study["front"] else row["name"]
        cells = [name, _bits(row), _block(row), _rounding(row), _number(row, "decoder_mb", ".0f"), _ratio(row, "text")]
        cells += [_ratio(row, "captions"), _cider(row)] if seen else []
        cells += [_speed(row, "prefill"), _speed(row, "decode")]
        cells += [_number(row, "encode_ms", ".1f")] if seen else []
        lines.append(cells)
    used = [column for column in range(len(heads)) if any(cells[column] for cells in lines)]
    kept = [[cells[column] for column in used] for cells in (heads, ["---"] * len(heads), *lines)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in kept) + "\n"


def put_into(document: Path, table: str) -> None:
    """Replaces what stands between BEGIN and END. GlintError where they are not in the document."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise GlintError(f"{document} has no place for the table: {BEGIN} and {END}.")
    document.write_text(f"{before}{begin}\n{table}{end}{after}", encoding="utf-8")


def _bits(row: Mapping[str, Any]) -> str:
    bits = f"{_KINDS[row['projections']]} ({_KINDS[row['head']]})"
    return bits if row["accuracy_level"] == 4 else f"{bits}, level {row['accuracy_level']}"


def _block(row: Mapping[str, Any]) -> str:
    if row["projections"].startswith("fp"):
        return ""
    head = "" if row["head"].startswith("fp") else f" ({row['head_block']})"
    return f"{row['block'] or 64}{head}{', symmetric' if row['symmetric'] else ''}"


def _rounding(row: Mapping[str, Any]) -> str:
    if row["vision"]:
        return f"encoder {row['vision']}"
    return row["rounding"] if row["projections"] == "int4" else ""


def _number(row: Mapping[str, Any], key: str, form: str) -> str:
    return format(row[key], form) if key in row else ""


def _ratio(row: Mapping[str, Any], label: str) -> str:
    if f"{label}_perplexity" not in row:
        return ""
    text = f"{row[f'{label}_perplexity']:.2f}"
    change = 100 * (row.get(f"{label}_ratio", 1) - 1)
    error = 100 * row.get(f"{label}_ratio_error", 0)
    return f"{text} ({change:+.1f} ± {error:.1f} %)" if error else text


def _cider(row: Mapping[str, Any]) -> str:
    if "cider" not in row:
        return ""
    gain = f" ({row['cider_gain']:+.3f} ± {row['cider_gain_error']:.3f})" if row.get("cider_gain_error") else ""
    return f"{row['cider']:.3f}{gain}"


def _speed(row: Mapping[str, Any], what: str) -> str:
    if f"{what}_tokens_per_s" not in row:
        return ""
    return f"{row[f'{what}_tokens_per_s']:.0f} (x{row[f'{what}_speed_ratio']:.2f})"
