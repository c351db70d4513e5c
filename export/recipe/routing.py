"""Trains the classifier of intents: `python -m export.recipe.routing --data DATA`. Minutes on one core.

Learns from phrasings.toml, from what the recogniser made of some of them (phrasings_heard.jsonl) and, for all that is
no intent of its own, from people's questions about photos. Every draw is seeded. To see how it does on phrasings it
does not know, each template is left out of one of five trainings; that is also what calibrates it.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import click
import numpy as np

from device.routing.marks import marks_of
from export.recipe.phrasings import PHRASINGS, expanded, kinds
from models.evaluation.pictures import is_dev
from models.phrase_classifier import PhraseClassifier, features, words_of

WEIGHTS = Path(__file__).parents[2] / "models/weights/routing/intents.npz"
HEARD = PHRASINGS.with_name("phrasings_heard.jsonl")
OTHER = "other"
BUCKETS, EPOCHS, BATCH, RATE, DECAY = 6144, 8, 256, 0.02, 1e-5
VERSIONS = 3
EACH = 16  # drawn from a template
PEOPLES = {"coco/vqa.jsonl": 1000, "daquar/qa.jsonl": 300}  # questions about photos
# Words by which a question about a photo may be of another intent; those are not learnt as "other".
_OWN = re.compile(
    r"\b(?:how|colou?rs?|says?|written|read|words?|letters?|brand|company|names?|where|there|any|see|who|number|price|cost"
    r"|date|chart|describe|photo|picture|image|this|safe|count|which)\b"
)
OPENINGS = [
    "please",
    "can you tell me",
    "could you tell me",
    "okay",
    "ok so",
    "hey",
    "um",
    "uh",
    "well",
    "so",
    "and",
    "now",
    "excuse me",
    "hey glint",
    "can you",
    "could you",
    "i want to know",
    "tell me",
    "do you know",
    "glint",
    "alright",
    "quickly",
    "can you please",
    "let me know",
    "i would like to know",
]
CLOSINGS = [
    "please",
    "for me",
    "now",
    "thanks",
    "thank you",
    "right now",
    "here",
    "then",
    "if you can",
    "glint",
    "quickly",
    "would you",
]
FOLDS = 5
KINDS = kinds()


@dataclass(frozen=True)
class Sample:
    """fold: which of the trainings does without it; the phrasings of one template share it."""

    text: str
    intent: str
    fold: int
    marks: tuple[str, ...]  # of the patterns that it matches
    weight: float = 1.0
    said: bool = False  # as the recogniser heard it


def samples(data: Path | None, held_out: frozenset[str] = frozenset()) -> list[Sample]:
    """All there is to learn from, without texts whose words are in `held_out`. data: folder of the photos' sets."""
    return [replace(sample, marks=marks_of(sample.text)) for sample in unmarked(data, held_out)]


def unmarked(data: Path | None, held_out: frozenset[str]) -> list[Sample]:
    """The same without marks, for trying every pattern on every text takes most of the time."""
    drawn = expanded(EACH)
    siblings = Counter(p.template for p in drawn)

    def sample(text: str, intent: str, template: str, weight: float, said: bool = False) -> Sample:
        return Sample(text, intent, _fold(template), (), weight, said)

    found = [sample(p.text, p.intent, p.template, siblings[p.template] ** -0.5) for p in drawn]
    if HEARD.exists():
        for row in map(json.loads, HEARD.read_text("utf-8").splitlines()):
            found.append(sample(row["text"], row["intent"], row["template"], 0.5, said=True))
    if data is not None:
        found += [sample(text, OTHER, text, 0.2) for text in _asked_by_people(data)]
    return [sample for sample in found if words_of(sample.text) and " ".join(words_of(sample.text)) not in held_out]


def _fold(template: str) -> int:
    return crc32(template.encode()) % FOLDS


def _asked_by_people(data: Path) -> Iterable[str]:
    for file, most in PEOPLES.items():
        rows = map(json.loads, (data / file).read_text("utf-8").splitlines())
        asked = sorted({row["question"] for row in rows if not is_dev(row["file"])})
        random.Random(5).shuffle(asked)
        yield from [text for text in asked if not _OWN.search(text.lower())][:most]


def _disturbed(text: str, chance: random.Random) -> str:
    """With what people say around a question, and now and then without one of its words."""
    words = text.split()
    if len(words) > 3 and chance.random() < 0.15:
        del words[chance.randrange(len(words))]
    if chance.random() < 0.3:
        words.insert(0, chance.choice(OPENINGS))
    if chance.random() < 0.2:
        words.append(chance.choice(CLOSINGS))
    return " ".join(words)


def learn(found: Sequence[Sample], names: Sequence[str], seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """float32 weights [BUCKETS, intents] and bias [intents], by Adam (Kingma and Ba, 2015) on the cross entropy.

    Every intent counts alike, whatever the number of its phrasings.
    """
    index = {name: column for column, name in enumerate(names)}
    answer = np.array([index[sample.intent] for sample in found])
    worth = np.array([sample.weight for sample in found], np.float32)
    totals = np.bincount(answer, worth, len(names))
    worth *= (totals.mean() / totals[answer]) ** 0.7
    weights, bias = np.zeros((BUCKETS, len(names)), np.float32), np.zeros(len(names), np.float32)
    moments = [np.zeros_like(a) for a in (weights, weights, bias, bias)]
    versions, order, step = _versions(found, random.Random(seed)), np.random.default_rng(seed), 0
    steps = EPOCHS * -(-len(found) // BATCH)
    for epoch in range(EPOCHS):
        for batch in np.array_split(order.permutation(len(found)), -(-len(found) // BATCH)):
            x = _filled([versions[epoch % VERSIONS][i] for i in batch])
            logits = x @ weights + bias
            logits -= logits.max(1, keepdims=True)
            share = np.exp(logits)
            share /= share.sum(1, keepdims=True)
            share[np.arange(len(batch)), answer[batch]] -= 1
            share *= worth[batch, None] / len(batch)
            step += 1
            rate = RATE * (1 - step / (steps + 1)) * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            slopes = x.T @ share + DECAY * weights, share.sum(0)
            for value, slope, first, second in zip((weights, bias), slopes, moments[::2], moments[1::2], strict=True):
                first += 0.1 * (slope - first)
                second += 0.001 * (slope * slope - second)
                value -= rate * first / (np.sqrt(second) + 1e-8)
    return weights, bias


def _fewer(marks: tuple[str, ...], chance: random.Random) -> tuple[str, ...]:
    """Now and then without: what no pattern takes must be learnt too."""
    return () if chance.random() < 0.3 else marks


Sparse = tuple[np.ndarray, np.ndarray]  # buckets and values, as models.phrase_classifier.features


def _versions(found: Sequence[Sample], chance: random.Random) -> list[list[Sparse]]:
    """The features of every sample, disturbed in one way for each of the versions."""
    return [
        [_sparse(_disturbed(sample.text, chance), _fewer(sample.marks, chance)) for sample in found]
        for _ in range(VERSIONS)
    ]


def _sparse(text: str, marks: tuple[str, ...]) -> Sparse:
    return features(words_of(text), KINDS, BUCKETS, marks)


def _filled(rows: Sequence[Sparse]) -> np.ndarray:
    x = np.zeros((len(rows), BUCKETS), np.float32)
    for row, (buckets, values) in enumerate(rows):
        x[row, buckets] = values
    return x


def packed(names: Sequence[str], weights: np.ndarray, bias: np.ndarray, sharpness: float) -> PhraseClassifier:
    """In 8 bits, and as sure as it should be."""
    scale = np.abs(weights).max(0) / 127
    whole = np.round(weights / scale).astype(np.int8)
    return PhraseClassifier(
        tuple(names), KINDS, whole, (scale * sharpness).astype(np.float32), bias * np.float32(sharpness)
    )


def left_out(found: Sequence[Sample], names: Sequence[str]) -> tuple[list[Sample], np.ndarray]:
    """What each training makes of the phrasings it did without: the samples and their logits, float32 [n, intents]."""
    rows, logits = [], []
    for fold in range(FOLDS):
        weights, bias = learn([s for s in found if s.fold != fold], names)
        rest = [s for s in found if s.fold == fold]
        rows += rest
        logits.append(_filled([_sparse(s.text, s.marks) for s in rest]) @ weights + bias)
    return rows, np.concatenate(logits)


def calibrated(logits: np.ndarray, answer: np.ndarray) -> float:
    """The factor of the logits at which their probabilities are likeliest (Guo et al., 2017, arXiv:1706.04599)."""

    def cost(factor: float) -> float:
        scaled = logits * factor
        scaled = scaled - scaled.max(1, keepdims=True)
        return float(np.mean(np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(answer)), answer]))

    return min(np.linspace(0.2, 2, 91), key=cost)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Folder with coco and daquar.")
@click.option("--held-out", type=click.Path(exists=True, path_type=Path), help="JSON lines whose `text` is not learnt.")
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--check", type=click.Path(path_type=Path), help="Write what the trainings make of what they left out.")
@click.option("--sharpness", type=float, help="As an earlier run told; spares the trainings that leave some out.")
def train(data: Path | None, held_out: Path | None, out: Path, check: Path | None, sharpness: float | None) -> None:
    """Train the classifier, write its weights and say how it does on templates that were left out."""
    unseen = [] if held_out is None else map(json.loads, held_out.read_text("utf-8").splitlines())
    found = samples(data, frozenset(" ".join(words_of(row["text"])) for row in unseen))
    names = sorted({sample.intent for sample in found})
    click.echo(f"{len(found)} phrasings of {len(names)} intents")
    if sharpness is None:
        sharpness = _checked(found, names, check)
    out.parent.mkdir(parents=True, exist_ok=True)
    packed(names, *learn(found, names), sharpness).save(out)
    click.echo(f"{out}: {out.stat().st_size / 1000:.0f} kB")


def _checked(found: Sequence[Sample], names: Sequence[str], check: Path | None) -> float:
    """Says how the trainings do on what they left out, and writes it; the sharpness that it asks for."""
    rows, logits = left_out(found, names)
    answer = np.array([names.index(row.intent) for row in rows])
    sharpness = calibrated(logits, answer)
    right = logits.argmax(1) == answer
    for kind, among in (("written", False), ("heard in noise", True)):
        chosen = np.array([row.said == among for row in rows])
        if chosen.any():
            click.echo(f"right on templates left out, {kind}: {right[chosen].mean():.4f} of {chosen.sum()}")
    click.echo(f"sharpness {sharpness:.2f}")
    if check is not None:
        with check.open("w", encoding="utf-8") as file:
            for row, line in zip(rows, logits * sharpness, strict=True):
                best = int(line.argmax())
                chance = float(1 / np.exp(line - line.max()).sum())
                record = {"text": row.text, "intent": row.intent, "found": names[best], "chance": round(chance, 3)}
                file.write(json.dumps(record | {"heard": row.said}) + "\n")
    return sharpness


if __name__ == "__main__":
    train()
