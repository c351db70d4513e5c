"""What English the loop expects: `python -m export.recipe.lexicon --data DATA` writes english.npz. Seconds.

Words and pairs of neighbours out of people's captions and questions (training photos only) and of phrasings.toml, as
two Bloom filters (Bloom, 1970): a bit array says of a word whether it was there, and wrongly yes once in a while.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import click
import numpy as np

from export.recipe.phrasings import expanded, kinds
from models.evaluation.pictures import is_dev
from models.known_english import PAIR_BITS, WORD_BITS, filter_of
from models.phrase_classifier import words_of

OUT = Path(__file__).parents[2] / "models/weights/routing/english.npz"
CHECKED = 4  # of every five sentences by their hash, this one is left out, to see how many would not be known


def sentences(data: Path) -> Iterable[str]:
    """Captions and questions of photos that are not held out."""
    for row in _rows(data / "flickr8k/train.jsonl"):
        yield from row["captions"]
    for name in ("coco/vqa.jsonl", "daquar/qa.jsonl"):
        for row in _rows(data / name):
            if not is_dev(row["file"]) and not is_checked(row["question"]):
                yield row["question"]
                yield from row["answers"]


def is_checked(question: str) -> bool:
    """Whether a question of the training photos is kept back to count how many are wrongly not caught."""
    return crc32(question.lower().encode()) % 5 == CHECKED


def _rows(file: Path) -> Iterable[dict]:
    return map(json.loads, file.read_text("utf-8").splitlines())


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="flickr8k, coco and daquar.")
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True)
def write(data: Path, out: Path) -> None:
    """Write the filters of known words and pairs of words."""
    words: set[str] = set(kinds())
    pairs: set[str] = set()
    for text in [*sentences(data), *(p.text for p in expanded(40))]:
        framed = ["^", *words_of(text), "$"]
        words.update(framed[1:-1])
        pairs.update(f"{one} {two}" for one, two in pairwise(framed))
    click.echo(f"{len(words)} words, {len(pairs)} pairs")
    np.savez_compressed(out, words=filter_of(words, WORD_BITS), pairs=filter_of(pairs, PAIR_BITS))
    click.echo(f"{out}: {out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    write()
