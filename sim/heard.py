"""What the recogniser hears of sentences that are spoken in noise: `python -m sim.heard --data FILE --out FILE`."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np

from device.glasses import RATE
from sim.benchmark.noise import Noises
from sim.benchmark.utterances import ESPEAK, PIPER, Line, Studio

_FILE = click.Path(path_type=Path)
BEFORE_S, AFTER_S = 0.3, 0.4  # of noise, as the loop hands to the recogniser with what was said
SPEAKERS = {
    "piper": PIPER,
    "espeak": ESPEAK,
    "both": tuple(v for pair in zip(PIPER, ESPEAK, strict=False) for v in pair),
}
TALK = (
    "I told him that we would be there by seven at the latest.",
    "The train was late again, so I walked all the way along the river.",
    "She has painted the kitchen in a colour that nobody likes.",
    "We should ask your sister before we buy another one of those.",
    "There was a long line at the bakery, and then the bread was gone.",
    "Nobody knows who left the window open last night.",
)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--data", type=_FILE, required=True, help="JSON lines with `text`; what else they hold is kept.")
@click.option(
    "--out", type=_FILE, required=True, help="The same lines; `text` is what was heard, `said` what was said."
)
@click.option("--noise-db", "levels", type=float, multiple=True, default=(10.0,), help="Speech above noise; in turn.")
@click.option("--voice", type=click.Choice(sorted(SPEAKERS)), default="piper", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def heard(data: Path, out: Path, levels: tuple[float, ...], voice: str, seed: int) -> None:
    """Speak sentences, add babble, white and pink noise in turn, and write what Moonshine makes of them.

    \b
      python -m sim.heard --data tests/data/routing_heldout.jsonl --out tests/data/routing_heard.jsonl --noise-db 10
    """
    from device.hearing.recognizer import open_recognizer
    from models.speech import NoSpeech

    rows = [json.loads(line) for line in data.read_text("utf-8").splitlines() if line.strip()]
    rows = [row for row in rows if any(c.isalpha() for c in row["text"])]
    speakers = SPEAKERS[voice]
    recognizer = open_recognizer()
    with Studio() as studio, out.open("w", encoding="utf-8") as file:
        talk = list(studio.takes([Line(text, PIPER[n % len(PIPER)]) for n, text in enumerate(TALK)]))
        noises = [Noises(level, talk, seed) for level in levels]
        lines = [Line(row["text"], speakers[(number + seed) % len(speakers)]) for number, row in enumerate(rows)]
        for number, (row, take) in enumerate(zip(rows, studio.takes(lines), strict=True)):
            said = np.pad(take.samples(), (int(BEFORE_S * RATE), int(AFTER_S * RATE)))
            said = said + noises[number % len(noises)].noise(number, len(said))
            try:
                text = recognizer.text(said.astype(np.float32)).strip()
            except NoSpeech:
                text = ""
            file.write(json.dumps({**row, "text": text, "said": row["text"]}, ensure_ascii=False) + "\n")
            file.flush()


if __name__ == "__main__":
    heard()
