"""`glint read`: the text in a photo."""

from __future__ import annotations

import time
from pathlib import Path

import click

from device.cli.expert import finish, open_scene, photo_options


@click.command()
@photo_options
def read(image: Path, show: Path | None, as_json: bool, threads: int, offline: bool) -> None:
    """Read the text in a photo, line by line, in reading order.

    What stands beside each other is printed as one line. A line with a word that may well be misread is marked with
    "(?)"; what the reader is less sure of still is left out.

    \b
      glint read --image sign.jpg
      glint read --image receipt.jpg --json | jq -r '.lines[].text'
      glint read --image page.jpg --show page-read.png

    --json: `lines`, each with `text`, `quad` (four corners, x and y in pixels, clockwise from the text's own top left)
    and `confidence` (0 to 1); `seconds`, without loading the networks.
    """
    from device.experts.text.lines import Row, claims, nothing_to_read, rows

    scene = open_scene(image, threads, offline)
    scene.instruments.reader()
    started = time.perf_counter()
    lines = scene.lines
    record = {
        "lines": [
            {
                "text": line.text,
                "quad": [[round(float(v), 1) for v in corner] for corner in line.quad],
                "confidence": round(line.confidence, 4),
            }
            for line in lines
        ],
        "seconds": round(time.perf_counter() - started, 3),
    }
    text = "\n".join(f"{row.text}{'' if row.is_sure else ' (?)'}" for row in rows(scene))
    drawn = claims([Row(tuple(lines))], scene)
    finish(scene.pixels, drawn, record, text or nothing_to_read(scene), as_json, show)
