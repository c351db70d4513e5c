"""Trains the classifier of refusals (models.refusal_classifier): `python -m export.recipe.refusals --data DATA`.

Multinomial logistic regression over hashed features with an L2 penalty, by Adam on all examples at once, so that every
run gives the same weights. Learns from the phrasings of refusals.toml, and as harmless from the questions that people
asked about photos of coco and daquar (those that no rule refuses; the photos held out are left out here too), and from
the phrasings of all that may be answered (phrasings.toml), as they are written and as they are heard in noise.
"""

from __future__ import annotations

import json
import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from export.recipe.phrasings import expanded as expanded_templates
from models.evaluation.pictures import is_dev
from models.refusal_classifier import BUCKETS, RefusalClassifier, features
from models.refusals import FOLDER, HARMLESS, rule_for, words_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PHRASINGS = Path(__file__).with_suffix(".toml")
HELD_OUT = Path(__file__).parents[2] / "tests/data/refusals/held_out.jsonl"
HEARD = Path(__file__).with_name("phrasings_heard.jsonl")
REFUSED = ("medical", "identify_person", "safety", "refuse")  # intents of phrasings.toml that are no harmless ones
MOST, NATURAL, EACH = 16, 2500, 2  # phrasings of a pattern, questions about photos, of a template, that are learnt from
STEPS, RATE, PENALTY = 150, 0.1, 3e-6
SURELY = 0.8  # chosen by --check
FOLDS = 5


@dataclass(frozen=True)
class Example:
    """pattern: the line it comes from, -1 for a question about a photo: both parts of a split know different ones."""

    text: str
    kind: str
    pattern: int
    weight: float = 1.0


def phrasings(file: Path = PHRASINGS, most: int = MOST) -> list[Example]:
    """Up to `most` phrasings of each line of the file, drawn by a fixed seed, but none that is held out."""
    rows = map(json.loads, HELD_OUT.read_text("utf-8").splitlines())
    held_out = {tuple(words_of(row["text"])) for row in rows}
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


class Rows:
    """Questions as rows of a sparse matrix [n, BUCKETS]."""

    def __init__(self, examples: list[Example]):
        parts = [features(words_of(example.text)) for example in examples]
        lengths = [len(buckets) for buckets, _ in parts]
        self._columns = np.concatenate([buckets for buckets, _ in parts])
        self._values = np.repeat(np.array([value for _, value in parts], np.float32), lengths)
        self._rows = np.repeat(np.arange(len(examples)), lengths)
        self._starts = np.cumsum([0, *lengths[:-1]])

    def times(self, weights: np.ndarray) -> np.ndarray:
        """[BUCKETS, k] -> [n, k]."""
        return np.add.reduceat(weights[self._columns] * self._values[:, None], self._starts, axis=0)

    def transposed_times(self, residuals: np.ndarray) -> np.ndarray:
        """[n, k] -> [BUCKETS, k]."""
        columns = [np.bincount(self._columns, self._values * column[self._rows], BUCKETS) for column in residuals.T]
        return np.stack(columns, 1).astype(np.float32)


def fitted(examples: list[Example], kinds: list[str]) -> RefusalClassifier:
    """The weights of a training, rounded to 8 bits."""
    rows, count = Rows(examples), len(kinds)
    truth = np.eye(count, dtype=np.float32)[[kinds.index(example.kind) for example in examples]]
    weights = np.array([example.weight for example in examples], np.float32)
    share = (weights / weights.sum())[:, None]
    parameters = np.zeros((BUCKETS + 1, count), np.float32)
    mean: np.ndarray = np.zeros_like(parameters)
    square: np.ndarray = np.zeros_like(parameters)
    for step in range(1, STEPS + 1):
        logits = rows.times(parameters[:-1]) + parameters[-1]
        exp = np.exp(logits - logits.max(1, keepdims=True))
        residuals = share * (exp / exp.sum(1, keepdims=True) - truth)
        slope = np.concatenate([rows.transposed_times(residuals), residuals.sum(0, keepdims=True)])
        slope[:-1] += PENALTY * parameters[:-1]
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2
        rate = RATE * (1 - step / (STEPS + 1))
        parameters -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    scale = np.abs(parameters[:-1]).max(0) / 127
    rounded = np.round(parameters[:-1] / scale).astype(np.int8)
    return RefusalClassifier(kinds, rounded, scale, parameters[-1], SURELY)


def check(examples: list[Example], kinds: list[str]) -> None:
    """Prints what rules and classifier do together, for thresholds, on lines that the classifier has not seen."""
    lines = sorted({example.pattern for example in examples if example.pattern != -1})
    fold = dict(zip(lines, np.random.default_rng(0).integers(0, FOLDS, len(lines)), strict=True))
    folds = np.array([fold.get(example.pattern, number % FOLDS) for number, example in enumerate(examples)])
    weights = np.array([example.weight for example in examples])
    is_natural = np.array([example.pattern == -1 for example in examples])
    is_everyday = np.array([example.pattern < -1 for example in examples])
    harmless = np.array([example.kind == HARMLESS for example in examples])
    rules = [rule_for(words_of(example.text)) for example in examples]
    by_rule = np.array([None if rule is None else rule.kind != HARMLESS for rule in rules], object)
    chances = np.zeros(len(examples))
    for number in range(FOLDS):
        learnt = fitted([e for e, f in zip(examples, folds, strict=True) if f != number], kinds)
        for place in np.flatnonzero(folds == number):
            chances[place] = 1 - learnt.chances(words_of(examples[place].text))[0]
    for surely in (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.1):
        refused = np.where(by_rule == None, chances >= surely, by_rule).astype(bool)  # noqa: E711
        shares = [
            np.average(refused[which], weights=weights[which])
            for which in (~harmless, harmless & ~is_natural & ~is_everyday, is_natural, is_everyday)
        ]
        names = ("refused", "harmless", "about photos", "everyday")
        click.echo(f"surely {surely}: " + ", ".join(f"{n} {s:.4f}" for n, s in zip(names, shares, strict=True)))


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
    examples = [*phrasings(), *natural(data), *everyday()]
    kinds = [HARMLESS, *sorted({example.kind for example in examples} - {HARMLESS})]
    if checking:
        check(examples, kinds)
    else:
        fitted(examples, kinds).save(out)


if __name__ == "__main__":
    main()
