"""Whether a question is to be refused, and for what: the rules first, then the classifier. Knows words, no picture."""

from __future__ import annotations

import re
from functools import lru_cache

from models.refusal_classifier import classifier
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
    rules = [rule_for(words) for words in parts]
    for rule in rules:
        if rule is not None and rule.kind != HARMLESS:
            return rule.kind
    for number, (words, rule) in enumerate(zip(parts, rules, strict=True)):
        judged = rule is None and (number == 0 or len(words) >= _FEWEST)
        if judged and (kind := classifier().kind(words)) != HARMLESS:
            return kind
    return HARMLESS
