""" "Think carefully": whether a question asks for more thought than usual, and what is left of it then."""

from __future__ import annotations

import re

_CARE = (
    r"(?:please )?(?:(?:could|can|would) you )?(?:please )?"
    r"(?:think (?:carefully|hard|twice|again|it over|about (?:it|that|this))(?: about (?:it|that|this))?"
    r"|look (?:again|carefully|closely|more closely|twice)(?: at (?:it|that|this))?"
    r"|take (?:your time|another look|a closer look)|contemplate)(?: please)?"
)
_BEFORE = re.compile(
    rf"^\W*(?:hey glint\W+|glint\W+)?{_CARE}(?:\s*[,.:;!?-]+\s*|\s+and (?:then )?(?:tell me\W+)?|\s+|$)", re.I
)
_AFTER = re.compile(rf"[\s,.:;!?-]+(?:and |but )?{_CARE}\W*$", re.I)


def with_care(question: str) -> tuple[str, bool]:
    """The question without the wish, "" where the wish is all there is, and whether there was one."""
    rest = _AFTER.sub("?", _BEFORE.sub("", question, count=1), count=1)
    return (rest.strip(), True) if rest != question else (question, False)
