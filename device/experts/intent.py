"""What can be asked of the experts: a table row for each kind of question.

A row says what the question looks like and which function answers it. device.experts.table joins the rows of all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from device.evidence import Answer
from device.experts.scene import Scene

Words = Mapping[str, str]
"""What the named groups of the pattern matched, those that matched something; "question" is the whole question."""


@dataclass(frozen=True)
class Intent:
    """name: one word or two. pattern: a regular expression that the whole question, plain, must match.

    "Plain" is `plain`: lower case, no punctuation but apostrophes, decimal points and what stands inside words, single
    spaces, no "please", "can you tell me", "glint". answer: None when the picture does not bear out an answer of this
    kind; then the next row, and in the end the language model, is asked.
    """

    name: str
    pattern: str
    answer: Callable[[Scene, Words], Answer | None]

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def match(self, question: str) -> Words | None:
        """The words of a question that is of this kind."""
        found = self._compiled.fullmatch(plain(question))
        if found is None:
            return None
        return {"question": question} | {name: words for name, words in found.groupdict().items() if words}


_POLITE = re.compile(
    r"^(?:(?:hey|okay|ok|please|so|and|now|glint|hi|well|um|uh)\b ?)*"
    r"(?:(?:can|could|would|will) you (?:please )?(?:tell me |say |show me )?|tell me |do you know |i want to know )?"
)
_CLOSING = re.compile(r"(?: (?:please|thanks|thank you|glint|now|for me|to me))+$")


def plain(question: str) -> str:
    """The form in which a question is compared with patterns."""
    words = re.sub(r"(?<!\w)[^\w\s]+|[^\w\s']+(?!\w)|[?!,;:\"]", " ", question.lower().replace("\u2019", "'"))
    words = " ".join(words.split())
    return _CLOSING.sub("", _POLITE.sub("", words, count=1)).strip()
