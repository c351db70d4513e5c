"""The phrasings of phrasings.toml written out: which question means which intent, to learn from.

The templates are those of Home Assistant's intent library (hassil), which parses them; what it would make of a template
with long lists is millions of sentences, so a few are drawn from each.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from hassil.expression import Alternative, Expression, Group, ListReference, TextChunk
from hassil.parse_expression import parse_sentence

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PHRASINGS = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Phrasing:
    """template: the line of the file that it was drawn from."""

    text: str
    intent: str
    template: str


def read_phrasings(file: Path = PHRASINGS) -> dict[str, Any]:
    """{"lists": {name: words}, "classes": {name: words}, "intents": {intent: templates}}."""
    return tomllib.loads(file.read_text("utf-8"))


def kinds(file: Path = PHRASINGS) -> dict[str, tuple[str, ...]]:
    """By word, the classes of phrasings.toml that it stands in."""
    sorts: dict[str, tuple[str, ...]] = {}
    for kind, words in read_phrasings(file)["classes"].items():
        for word in words.split():
            sorts[word] = (*sorts.get(word, ()), kind)
    return sorts


def expanded(each: int, seed: int = 0, file: Path = PHRASINGS) -> list[Phrasing]:
    """Up to `each` different phrasings from each template, the same in every run."""
    book = read_phrasings(file)
    drawn: dict[str, Phrasing] = {}
    for intent, templates in book["intents"].items():
        for template in templates:
            chance = random.Random(f"{seed} {intent} {template}")
            expression = parse_sentence(template).expression
            texts = dict.fromkeys(_draw(expression, book["lists"], chance) for _ in range(3 * each))
            for text in list(texts)[:each]:
                drawn.setdefault(text, Phrasing(text, intent, template))
    return list(drawn.values())


def _draw(expression: Expression, lists: dict[str, list[str]], chance: random.Random) -> str:
    text = " ".join("".join(_pieces(expression, lists, chance)).split())
    return text.replace(" 's", "'s").replace(" 're", "'re")


def _pieces(expression: Expression, lists: dict[str, list[str]], chance: random.Random) -> list[str]:
    if isinstance(expression, TextChunk):
        return [expression.original_text]
    if isinstance(expression, ListReference):
        return [chance.choice(lists[expression.list_name])]
    if isinstance(expression, Alternative):
        return _pieces(chance.choice(expression.items), lists, chance)
    assert isinstance(expression, Group)
    return [piece for item in expression.items for piece in _pieces(item, lists, chance)]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File of JSON lines to write.")
@click.option("--each", type=click.IntRange(1), default=2, show_default=True, help="Drawn from a template, at most.")
@click.option("--seed", type=int, default=0, show_default=True)
def write(out: Path, each: int, seed: int) -> None:
    """Write phrasings in a random order as {"text", "intent", "template"}, to be spoken by sim.heard."""
    drawn = expanded(each, seed)
    random.Random(seed).shuffle(drawn)
    lines = [json.dumps({"text": p.text, "intent": p.intent, "template": p.template}) for p in drawn]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
