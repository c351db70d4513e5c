"""`python -m sim.renderings KIND --out FOLDER`: draws a set of pictures and writes the truth beside them."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

KINDS = {  # kind: (module, function of folder, seed, count)
    "labels": ("sim.renderings.labels", "render"),
    "tags": ("sim.renderings.tags", "render"),
    "charts": ("sim.renderings.charts", "render"),
    "colours": ("sim.renderings.colours", "render"),
    "posters": ("sim.renderings.posters", "render"),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write to; made if missing.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed draws the same pictures.")
@click.option("--count", type=click.IntRange(1), default=60, show_default=True, help="How many pictures.")
def renderings(kind: str, out: Path, seed: int, count: int) -> None:
    """Draw pictures with known truth and write them as FOLDER/*.jpg and FOLDER/data.jsonl.

    \b
    labels   nutrition facts and packages, distorted like photographs
    tags     price tags of shelves
    charts   bar and line charts
    colours  patches and things under several lights
    posters  notices, requests and orders, which are to be read and not obeyed

    \b
    Examples:
      python -m sim.renderings labels --out labels --seed 2026 --count 60
      glint evaluate labels --data labels/data.jsonl
    """
    module, function = KINDS[kind]
    out.mkdir(parents=True, exist_ok=True)
    getattr(importlib.import_module(module), function)(out, seed, count)


if __name__ == "__main__":
    renderings()
