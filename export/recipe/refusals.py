"""Trains the classifier of refusals (models.refusal_classifier): `python -m export.recipe.refusals --data DATA`.

Cross-entropy by AdamW over shuffled batches, with a fixed seed; words are left out at random, so that it leans on no
single one; rounded to 8 bits at the end. Learns from the phrasings of refusals.toml and refusals_lines.jsonl, and as
harmless from the questions that people asked about photos of coco and daquar (those that no rule refuses; the photos
held out are left out here too), and from the phrasings of all that may be answered (phrasings.toml), as they are
written and as they are heard in noise.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import click
import numpy as np
import torch

from export.recipe.phrasings import expanded as expanded_templates
from models.evaluation.pictures import is_dev
from models.refusal_classifier import BUCKETS, LENGTH, WIDTHS, RefusalClassifier, features, rows_of, verdict
from models.refusals import FOLDER, HARMLESS, rule_for, words_of
from models.word_vectors import word_vectors

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PHRASINGS = Path(__file__).with_suffix(".toml")
LINES = Path(__file__).with_name("refusals_lines.jsonl")
HELD_OUT = Path(__file__).parents[2] / "tests/data/refusals/held_out.jsonl"
HEARD = Path(__file__).with_name("phrasings_heard.jsonl")
REFUSED = ("medical", "identify_person", "safety", "refuse")  # intents of phrasings.toml that are no harmless ones
MOST, NATURAL, EACH = 10, 9000, 4  # phrasings of a pattern, questions about photos, of a template, that are learnt from
FILTERS, SEEN = 48, 48  # of each width; values of a word that they look at
ROUNDS, BATCH, RATE, PIECES_RATE = 5, 128, 2e-3, 0.05
DROPPED, WORDS_DROPPED, SMOOTHED = 0.4, 0.08, 0.03


@dataclass(frozen=True)
class Example:
    """pattern: the line it comes from, -1 for a question about a photo: both parts of a split know different ones.
    hand: who wrote it, of the lines of refusals_lines.jsonl."""

    text: str
    kind: str
    pattern: int
    weight: float = 1.0
    hand: int | None = None


def _held_out() -> set[tuple[str, ...]]:
    return {tuple(words_of(json.loads(line)["text"])) for line in HELD_OUT.read_text("utf-8").splitlines()}


def phrasings(file: Path = PHRASINGS, most: int = MOST) -> list[Example]:
    """Up to `most` phrasings of each line of the file, drawn by a fixed seed, but none that is held out."""
    held_out = _held_out()
    data = tomllib.loads(file.read_text("utf-8"))
    lines = [(kind, line) for kind, text in data["refused"].items() for line in text.strip().splitlines()]
    lines += [(HARMLESS, line) for text in data["harmless"].values() for line in text.strip().splitlines()]
    found = []
    for number, (kind, line) in enumerate(lines):
        texts = expanded(line, data["slots"], most, random.Random(number))
        weight = min(1.0, 8 / len(texts) + 0.25)
        apart = [text for text in texts if tuple(words_of(text)) not in held_out]
        found += [Example(text, kind, number, weight) for text in apart]
    return found


def lines(file: Path = LINES) -> list[Example]:
    """Phrasings that other hands wrote, one a line. Patterns are numbered from a million up."""
    held_out = _held_out()
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [
        Example(row["text"], row["kind"], 10**6 + number, 2.0, row["hand"])
        for number, row in enumerate(rows)
        if tuple(words_of(row["text"])) not in held_out
    ]


def taught() -> list[Example]:
    """All that was written to learn refusing from."""
    return [*phrasings(), *lines()]


def expanded(line: str, slots: dict[str, str], most: int, draw: random.Random) -> list[str]:
    """`most` phrasings of a pattern, drawn at random; fewer where it has fewer."""
    found: dict[str, None] = {}
    for _ in range(3 * most):
        text = line
        while re.search(r"[(<]", text):
            text = re.sub(r"<(\w+)>", lambda slot: draw.choice(slots[slot[1]].split("|")), text)
            text = re.sub(r"\(([^()<]*)\)", lambda choice: draw.choice(choice[1].split("|")), text)
        found[" ".join(text.split())] = None
        if len(found) == most:
            break
    return list(found)


def natural(data: Path, most: int = NATURAL) -> list[Example]:
    """Questions about photos that are not held out."""
    questions: dict[str, None] = {}
    for file in ("coco/vqa.jsonl", "daquar/qa.jsonl"):
        for row in map(json.loads, (data / file).read_text("utf-8").splitlines()):
            rule = rule_for(words_of(row["question"]))
            if not is_dev(row["file"]) and (rule is None or rule.kind == HARMLESS):
                questions[row["question"]] = None
    drawn = random.Random(0).sample(sorted(questions), min(most, len(questions)))
    return [Example(text, HARMLESS, -1) for text in drawn]


def everyday() -> list[Example]:
    """What routing learns as questions to be answered, unless a rule refuses it. Patterns are numbered from -2 down."""
    heard = map(json.loads, HEARD.read_text("utf-8").splitlines())
    said = [(one.text, one.intent, one.template) for one in expanded_templates(EACH)]
    said += [(row["text"], row["intent"], row["template"]) for row in heard]
    numbers: dict[str, int] = {}
    found = []
    for text, intent, template in said:
        rule = rule_for(words_of(text))
        if intent not in REFUSED and words_of(text) and (rule is None or rule.kind == HARMLESS):
            found.append(Example(text, HARMLESS, -2 - numbers.setdefault(template, len(numbers)), 0.5))
    return found


class Network(torch.nn.Module):
    """What models.refusal_classifier.RefusalClassifier computes, in torch."""

    def __init__(self, kinds: int):
        super().__init__()
        known = torch.from_numpy(word_vectors().vectors)
        self.words = torch.nn.Embedding.from_pretrained(known, padding_idx=0)
        self.project = torch.nn.Linear(known.shape[1], SEEN)
        self.filters = torch.nn.ModuleDict(
            {str(width): torch.nn.Conv1d(SEEN, FILTERS, width, padding=width // 2) for width in WIDTHS}
        )
        self.out = torch.nn.Linear(FILTERS * len(WIDTHS) + SEEN, kinds)
        self.pieces = torch.nn.EmbeddingBag(BUCKETS, kinds, mode="sum")
        torch.nn.init.zeros_(self.pieces.weight)

    def forward(
        self, rows: torch.Tensor, buckets: torch.Tensor, starts: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """rows [n, LENGTH]; buckets and their values, of each example from its place in starts on -> [n, kinds]."""
        if self.training:
            rows = rows * (torch.rand(rows.shape) > WORDS_DROPPED)
        seen, known = self.project(self.words(rows)), (rows > 0).float()[..., None]
        mean = (seen * known).sum(1) / (known.sum(1) + 1)
        highest = [torch.relu(one(seen.transpose(1, 2))).amax(2) for one in self.filters.values()]
        summary = torch.nn.functional.dropout(torch.cat([mean, *highest], 1), DROPPED, self.training)
        return self.out(summary) + self.pieces(buckets, starts, per_sample_weights=values)


class Inputs:
    """The features of examples, worked out once."""

    def __init__(self, examples: list[Example]):
        words = [words_of(example.text) for example in examples]
        self._rows = torch.from_numpy(np.stack([rows_of(one) for one in words]).reshape(-1, LENGTH))
        self._pieces = [features(one) for one in words]

    def of(self, which: np.ndarray) -> tuple[torch.Tensor, ...]:
        """What Network takes."""
        pieces = [self._pieces[one] for one in which]
        starts = np.cumsum([0, *(len(buckets) for buckets, _ in pieces[:-1])])
        values = np.concatenate([np.full(len(buckets), value, np.float32) for buckets, value in pieces])
        buckets = np.concatenate([buckets for buckets, _ in pieces])
        return self._rows[which], torch.from_numpy(buckets), torch.from_numpy(starts), torch.from_numpy(values)


def fitted(examples: list[Example], kinds: list[str], seed: int = 0) -> RefusalClassifier:
    """The weights of a training, rounded to 8 bits."""
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    inputs, network = Inputs(examples), Network(len(kinds))
    truth = torch.tensor([kinds.index(example.kind) for example in examples])
    weights = torch.tensor([example.weight for example in examples])
    rest = [one for name, one in network.named_parameters() if one.requires_grad and not name.startswith("pieces")]
    optimizer = torch.optim.AdamW(
        [
            {"params": rest, "lr": RATE, "weight_decay": 0.02},
            {"params": network.pieces.parameters(), "lr": PIECES_RATE, "weight_decay": 0.0},
        ]
    )
    steps = ROUNDS * (len(examples) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (steps + 1))
    for _ in range(ROUNDS):
        order = draw.permutation(len(examples))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            which = order[start : start + BATCH]
            logits = network(*inputs.of(which))
            losses = torch.nn.functional.cross_entropy(logits, truth[which], reduction="none", label_smoothing=SMOOTHED)
            optimizer.zero_grad()
            (losses * weights[which]).mean().backward()
            optimizer.step()
            schedule.step()
    return RefusalClassifier(kinds, rounded(network))


def rounded(network: Network) -> dict[str, np.ndarray]:
    """The weights by name: matrices as int8 with their unit under NAME.unit, the rest as they are."""
    found: dict[str, np.ndarray] = {}
    for name, tensor in network.state_dict().items():
        array = tensor.numpy()
        if name.startswith("words"):
            continue
        if array.ndim == 1:
            found[name] = array
        else:
            unit = np.abs(array).max(0 if name.startswith("pieces") else None) / 127
            found[name], found[f"{name}.unit"] = np.round(array / unit).astype(np.int8), np.float32(unit)
    return found


def refused(classifier: RefusalClassifier, examples: list[Example]) -> np.ndarray:
    """Whether examples are refused by rules and classifier together, bool [n]."""
    words = [words_of(example.text) for example in examples]
    kinds = [verdict(classifier.kinds, rule_for(one), classifier.chances(one)) for one in words]
    return np.array([kind != HARMLESS for kind in kinds])


def check(examples: list[Example], kinds: list[str]) -> None:
    """Prints what rules and classifier do together on what the classifier has not seen: the lines of each
    other hand, learnt from all but them, and a fifth of the patterns, of the questions about photos and of the rest."""

    def in_a_fifth(example: Example) -> bool:
        source = example.text if example.pattern == -1 else str(example.pattern)
        return example.hand is None and crc32(source.encode()) % 5 == 0

    def of_hand(hand: int) -> Callable[[Example], bool]:
        return lambda example: example.hand == hand

    hands = sorted({example.hand for example in examples if example.hand is not None})
    parts = {f"hand {hand}": of_hand(hand) for hand in hands} | {"a fifth": in_a_fifth}
    for name, left_out in parts.items():
        rest = [example for example in examples if left_out(example)]
        classifier = fitted([example for example in examples if not left_out(example)], kinds)
        found = refused(classifier, rest)
        sorts = np.array([e.kind if e.hand is not None or e.pattern >= 0 else str(min(-e.pattern, 2)) for e in rest])
        bad = np.array([e.kind != HARMLESS for e in rest])
        click.echo(f"{name}: refused {found[bad].mean():.3f}, harmless {found[~bad].mean():.4f}")
        for sort in sorted(set(sorts)):
            label = {"1": "about photos", "2": "everyday"}.get(sort, sort)
            click.echo(f"  {label}: {found[sorts == sort].mean():.4f} of {(sorts == sort).sum()}")


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder that holds the training sets (README.md in export/recipe says which).",
)
@click.option("--out", type=click.Path(path_type=Path), default=FOLDER / "classifier.npz", show_default=True)
@click.option("--check", "checking", is_flag=True, help="Train on parts instead, and print what the rest looks like.")
def main(data: Path, out: Path, checking: bool) -> None:
    """Train the classifier of refusals: a minute or two on one core."""
    examples = [*taught(), *natural(data), *everyday()]
    kinds = [HARMLESS, *sorted({example.kind for example in examples} - {HARMLESS})]
    if checking:
        check(examples, kinds)
    else:
        fitted(examples, kinds).save(out)


if __name__ == "__main__":
    main()
