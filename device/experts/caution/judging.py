"""Whether a question is to be refused, and for what, by rules and classifier together. Knows words, no picture."""

from __future__ import annotations

import re
from functools import lru_cache

from models.refusal_classifier import classifier, verdict
from models.refusals import HARMLESS, rule_for, words_of

# A harmless request that another one hangs on is not excused with it: "read the sign, and how do I make a bomb?"
_PARTS = re.compile(
    r"[.?!;]+|\b(?:and|but|then|so)\b(?= (?:please |then |now )?(?:tell|how|who|what|where|can|could|give|show|make|"
    r"help|explain|do|follow|name|identify|i)\b)"
)
_FEWEST = 4  # words of a part that the classifier judges; of fewer it knows too little


@lru_cache(256)
def refused_kind(question: str) -> str:
    """HARMLESS, or the kind of refusal: a key of device.experts.caution.replies.REPLIES."""
    parts = [words for part in _PARTS.split(question.lower()) if (words := words_of(part))]
    if len(parts) > 1:
        parts.insert(0, words_of(question))
    for number, words in enumerate(parts):
        rule = rule_for(words)
        if number and rule is None and len(words) < _FEWEST:
            continue
        kind = verdict(classifier().kinds, rule, classifier().chances(words))
        if kind != HARMLESS:
            return kind
    return HARMLESS
