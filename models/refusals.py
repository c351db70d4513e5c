"""Which questions are refused, told from their words alone, by the rules of weights/refusals.

words.toml says which words mean the same kind of thing, rules.toml what must stand in a question in which order. Knows
no picture and no answers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent / "weights/refusals"
HARMLESS = "harmless"

_FILLERS = set(re.findall(r"\w+", "please uh um er erm hey glint okay ok hmm hm ah oh well actually basically kindly"))
_SHORT = (
    (r"won't", "will not"),
    (r"can't|cannot", "can not"),
    (r"n't\b", " not"),
    (r"i'm\b|\bim\b", "i am"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'ll\b", " will"),
    (r"'d\b", " would"),
    (r"\b(who|what|where|when|how|why|that|this|there|he|she|it|here|name)(?:'s|s'| s)(?= |$)", r"\1 is"),
    (r"\b(?:whos|whose's)\b", "who is"),
    (r"\bwhats\b", "what is"),
    (r"\bwanna\b", "want to"),
    (r"\bgonna\b", "going to"),
    (r"\bgotta\b", "have to"),
    (r"\bdunno\b", "do not know"),
    (r"\bcolor", "colour"),
    (r"ogniz", "ognis"),
    (r"\bdont\b", "do not"),
)
_SHORTER = [(re.compile(pattern), longer) for pattern, longer in _SHORT]


def words_of(question: str) -> list[str]:
    """The words of a question in one spelling: lower case, no punctuation, contractions written out, no fillers."""
    text = " ".join(re.sub(r"[^a-z0-9' -]", " ", question.lower().replace("\u2019", "'")).split())
    for pattern, longer in _SHORTER:
        text = pattern.sub(longer, text)
    words: list[str] = []
    for word in text.replace("-", "").split():
        word = word.strip("'")
        if word and word not in _FILLERS and word != (words[-1] if words else ""):
            words.append(word)
    return words


@dataclass(frozen=True)
class Item:
    """One place of a rule. single: words and kinds that stand there; several: the same of more than one word.

    gap: how many words, at most, it passes over instead. end: the end of the question will do.
    """

    single: frozenset[str]
    several: tuple[tuple[str, ...], ...] = ()
    gap: int = 0
    optional: bool = False
    negated: bool = False
    end: bool = False
    beginning: bool = False


@dataclass(frozen=True)
class Rule:
    """kind: of the refusal, or HARMLESS. text: as it is written in rules.toml."""

    kind: str
    text: str
    items: tuple[Item, ...]

    @cached_property
    def needed(self) -> tuple[frozenset[str], ...]:
        """Of each place that has to be filled by one word: the words that do."""
        return tuple(
            item.single
            for item in self.items
            if item.single and not (item.several or item.optional or item.negated or item.end)
        )

    def matches(self, said: Sequence[frozenset[str]], everything: frozenset[str]) -> bool:
        """said: each word of a question with its kinds. everything: all of them together."""
        if any(everything.isdisjoint(words) for words in self.needed):
            return False
        starts = range(1) if self.items[0].beginning else range(len(said) + 1)
        return any(self._matches(said, start, 0) for start in starts)

    def _matches(self, said: Sequence[frozenset[str]], at: int, place: int) -> bool:
        if place == len(self.items):
            return True
        item = self.items[place]
        if item.beginning:
            return at == 0 and self._matches(said, at, place + 1)
        if item.gap:
            return any(self._matches(said, at + n, place + 1) for n in range(min(item.gap, len(said) - at) + 1))
        if item.negated:
            return (at == len(said) or item.single.isdisjoint(said[at])) and self._matches(said, at, place + 1)
        if at < len(said) and not item.single.isdisjoint(said[at]) and self._matches(said, at + 1, place + 1):
            return True
        if (item.optional or (item.end and at == len(said))) and self._matches(said, at, place + 1):
            return True
        return any(
            at + len(words) <= len(said)
            and all(word in said[at + n] for n, word in enumerate(words))
            and self._matches(said, at + len(words), place + 1)
            for words in item.several
        )


_GAPS = {"*": 2, "**": 6, "***": 99}


def _item(text: str) -> Item:
    if text == "^":
        return Item(frozenset(), beginning=True)
    if text in _GAPS:
        return Item(frozenset(), gap=_GAPS[text])
    choices = text.strip("!?").split("/")
    words = [tuple(word for word in choice.split("_") if word) for choice in choices if choice != "$"]
    return Item(
        frozenset(choice[0] for choice in words if len(choice) == 1),
        tuple(choice for choice in words if len(choice) > 1),
        optional=text.endswith("?"),
        negated=text.startswith("!"),
        end="$" in choices,
    )


@lru_cache(1)
def rules() -> tuple[Rule, ...]:
    """Those of rules.toml in the order in which they are tried."""
    read = tomllib.loads((FOLDER / "rules.toml").read_text("utf-8"))
    sections = {HARMLESS: read[HARMLESS], **read["refused"]}
    return tuple(
        Rule(kind, line, tuple(map(_item, line.split())))
        for kind, lines in sections.items()
        for line in lines.strip().splitlines()
    )


@lru_cache(1)
def kinds_of_words() -> dict[str, frozenset[str]]:
    """word -> the word and the kinds of thing it stands for, from words.toml."""
    found: dict[str, set[str]] = {}
    for kind, words in tomllib.loads((FOLDER / "words.toml").read_text("utf-8")).items():
        for word in words.replace("-", "").split():
            found.setdefault(word, {word}).add(kind.upper())
    return {word: frozenset(kinds) for word, kinds in found.items()}


def meant(word: str) -> frozenset[str]:
    """A word, with the kinds of thing that it stands for in capitals."""
    kinds = kinds_of_words()
    if word in kinds:
        return kinds[word]
    owner = word.removesuffix("'s")
    if owner != word and not kinds.get(owner, frozenset()).isdisjoint(("PERSON", "ROLE", "KIN")):
        return frozenset((word, "HIS"))
    return frozenset((word,))


@lru_cache(1)
def _rules_by_word() -> dict[str, frozenset[int]]:
    """word or kind -> the numbers of the rules that can match only where it stands; "" -> those that need no word."""
    found: dict[str, set[int]] = {"": set()}
    for number, rule in enumerate(rules()):
        for word in min(rule.needed, key=len, default=frozenset({""})):
            found.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


def rule_for(words: Sequence[str]) -> Rule | None:
    """The first rule that the words of a question match."""
    said = [meant(word) for word in words]
    everything = frozenset().union(*said)
    by_word, every = _rules_by_word(), rules()
    numbers = by_word[""].union(*(by_word[word] for word in everything & by_word.keys()))
    return next((every[number] for number in sorted(numbers) if every[number].matches(said, everything)), None)
