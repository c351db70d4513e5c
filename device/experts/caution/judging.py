"""Whether a question is to be refused, and for what, by rules and classifier together, and the language model's layers
where those are not sure. Knows words, no picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from models.refusal_classifier import classifier, is_open, verdict
from models.refusals import HARMLESS, Rule, rule_for, words_of

# A harmless request that another one hangs on is not excused with it: "read the sign, and how do I make a bomb?"
_PARTS = re.compile(
    r"[.?!;]+|\b(?:and|but|then|so)\b(?= (?:please |then |now )?(?:tell|how|who|what|where|can|could|give|show|make|"
    r"help|explain|do|follow|name|identify|i)\b)"
)
_FEWEST = 4  # words of a part that the classifier judges; of fewer it knows too little


SecondOpinion = Callable[[Sequence[str]], "np.ndarray | None"]
"""words -> logits of the classifier's kinds, or None where nobody has one."""


def refused_kind(question: str, second_opinion: SecondOpinion = lambda words: None) -> str:
    """HARMLESS, or the kind of refusal: a key of device.experts.caution.replies.REPLIES.

    second_opinion: asked for where it could change the verdict.
    """
    for words, rule, chances in _parts(question):
        logits = second_opinion(words) if is_open(rule, chances) else None
        kind = verdict(classifier().kinds, rule, chances, logits)
        if kind != HARMLESS:
            return kind
    return HARMLESS


@lru_cache(256)
def _parts(question: str) -> list[tuple[list[str], Rule | None, np.ndarray]]:
    """What is judged by itself: its words, its rule and its chances."""
    parts = [words for part in _PARTS.split(question.lower()) if (words := words_of(part))]
    if len(parts) > 1:
        parts.insert(0, words_of(question))
    ruled = [(words, rule_for(words)) for words in parts]
    judged = [
        (words, rule)
        for number, (words, rule) in enumerate(ruled)
        if not number or rule is not None or len(words) >= _FEWEST
    ]
    return [(words, rule, classifier().chances(words)) for words, rule in judged]
