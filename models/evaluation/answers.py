"""When a free answer counts as right: exact match, names as whole words, and agreement with voters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

ARTICLES = {"a", "an", "the"}


def normalise(text: str) -> str:
    """Lower case, without punctuation and articles, single spaces."""
    kept = re.sub(r"[^\w\s]", "", text.lower().replace("-", " "))
    return " ".join(word for word in kept.split() if word not in ARTICLES)


def is_exact(answer: str, accepted: Iterable[str]) -> bool:
    """Whether the answer equals one of `accepted` after `normalise`."""
    return normalise(answer) in {normalise(a) for a in accepted}


def names_it(answer: str, names: Iterable[str]) -> bool:
    """Whether one of `names` stands in the answer as whole words, after `normalise`."""
    padded = f" {normalise(answer)} "
    return any(normal and f" {normal} " in padded for normal in map(normalise, names))


def vqa_accuracy(answer: str, votes: Mapping[str, int]) -> float:
    """VQA accuracy (Antol et al. 2015): the mean over the voters of min(1, others who said the same / 3)."""
    total = sum(votes.values())
    same = sum(count for vote, count in votes.items() if normalise(vote) == normalise(answer))
    return (same * min(1.0, (same - 1) / 3) + (total - same) * min(1.0, same / 3)) / total if total else 0.0
