"""What the language model is given to read: the prompt around a picture, and the hints that the encoder's heads offer.

Shared word for word by training and use. Everything model-specific (markers, wording, names, thresholds) is data of the
bundle's manifest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PromptTemplate:
    """The prompt in reading order: head, visual tokens, hints, question.

    The part up to the question depends on the picture alone, so that it can be prefilled while the wearer still speaks.
    end, other_ends: tokens that end an answer. alone: the whole prompt where there is no picture; "" where the model
    cannot be asked without one.
    """

    head: str
    hints: str
    no_hints: str
    ask: str
    end: str
    other_ends: Sequence[str] = ()
    alone: str = ""

    def after_image(self, hints: str) -> str:
        return self.hints.replace("{hints}", hints) if hints else self.no_hints

    def question(self, question: str) -> str:
        return self.ask.replace("{question}", question)

    def without_picture(self, question: str) -> str:
        return self.alone.replace("{question}", question)


@dataclass(frozen=True)
class HintRule:
    """How one block of the hint scores is put into words.

    `names[i]` belongs to column `start + i`; the `top` highest of those above `threshold` are named, best first.
    """

    label: str
    start: int
    names: Sequence[str]
    threshold: float
    top: int
    separator: str


def named(scores: np.ndarray, rule: HintRule) -> list[tuple[str, float]]:
    """(name, probability) of what `rule` lets through, best first. scores: float [h], probabilities."""
    block = scores[rule.start : rule.start + len(rule.names)]
    best = np.argsort(-block, kind="stable")[: rule.top]
    return [(rule.names[i], float(block[i])) for i in best if block[i] >= rule.threshold]


def hint_text(scores: np.ndarray, rules: Sequence[HintRule], told: Mapping[str, Sequence[str]] = {}) -> str:
    """The hints of one picture, blocks in the order of `rules`, a name never twice; "" when nothing is sure enough.

    told: by label, what a block says instead of its own names.
    """
    seen: set[str] = set()
    blocks = []
    for rule in rules:
        words = told[rule.label] if rule.label in told else [name for name, _ in named(scores, rule)]
        names = [name for name in words if name not in seen]
        seen.update(names)
        if names:
            blocks.append(rule.separator.join(names))
    return "; ".join(blocks)
