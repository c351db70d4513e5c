"""Which rows nothing beats, and a picture of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Known = Mapping[str, Any]
_AS_FAST = 0.98  # of the other's speed; less of a difference does not repeat


def loss_of(rows: Sequence[Known]) -> str:
    """The figure that says how good a row is: perplexity of captions where any photo was shown, of text otherwise."""
    return "captions_perplexity" if any("captions_perplexity" in row for row in rows) else "text_perplexity"


def gain_of(rows: Sequence[Known]) -> str:
    """The figure that says how cheap a row is: speed where it was measured, size otherwise."""
    return "decode_tokens_per_s" if any("decode_tokens_per_s" in row for row in rows) else "decoder_mb"


def front(rows: Sequence[Known]) -> list[str]:
    """Names of the decoders that none beats: by less loss at no less speed (or no more bytes), or as little at more."""
    loss, gain = loss_of(rows), gain_of(rows)
    known = [
        (row["name"], row[loss], 1 / row[gain] if gain == "decoder_mb" else row[gain])
        for row in rows
        if loss in row and gain in row and not row.get("vision")
    ]

    def beats(other: tuple[str, float, float], own: tuple[str, float, float]) -> bool:
        if other[1] == own[1]:
            return own[2] < _AS_FAST * other[2]
        return other[1] < own[1] and other[2] >= _AS_FAST * own[2]

    return [own[0] for own in known if not any(beats(other, own) for other in known)]


def plot(rows: Sequence[Known], shipped: str, path: Path) -> None:
    """Quality against speed (or size), the front as a line, the shipped row named as such; SVG or PNG by the suffix."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    loss, gain = loss_of(rows), gain_of(rows)
    shown = [row for row in rows if loss in row and gain in row and not row.get("vision")]
    best = set(front(shown))
    figure, axes = pyplot.subplots(figsize=(7.5, 5))
    for row in shown:
        is_shipped = row["name"] == shipped
        colour = "#c0392b" if is_shipped else "#1f5fa8" if row["name"] in best else "#8a8a8a"
        axes.plot(row[gain], row[loss], "*" if is_shipped else "o", color=colour, markersize=14 if is_shipped else 6)
        axes.annotate(
            row["name"], (row[gain], row[loss]), xytext=(6, 4), textcoords="offset points", fontsize=8, color=colour
        )
    line = sorted((row[gain], row[loss]) for row in shown if row["name"] in best)
    axes.plot(*zip(*line, strict=True), color="#1f5fa8", linewidth=1, zorder=0)
    axes.set_xlabel("decoded tokens a second" if gain == "decode_tokens_per_s" else "MB of the decoder")
    axes.set_ylabel(f"perplexity of {'captions' if loss.startswith('captions') else 'text'}, lower is better")
    # float16 and float32 are four times as large as the rest, which would be one clot.
    axes.set_xscale("log")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    matplotlib.rcParams["svg.hashsalt"] = "glint"
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
