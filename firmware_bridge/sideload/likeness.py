"""What two machines heard and answered, compared part by part, in the order in which a turn goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SEEN_WITHIN = 0.001  # by how much the confidence of a finding may differ: sums are added up in another order
# The same for the chance of an answer. Activations are rounded to 8 bits before each of 121 products, so a difference
# in the last digit becomes one of 1 in 127 here and there: on one machine it moves this chance from 0.950 to 0.940.
SAID_WITHIN = 0.03


@dataclass
class Answers:
    """What one machine said. onnxruntime: its version, as its doctor tells it; turns: by what was done."""

    machine: str
    onnxruntime: str
    turns: dict[str, dict[str, Any]] = field(default_factory=dict)


def differences(here: Answers, there: Answers) -> list[str]:
    """In what the two differ, a sentence each, in the order in which a turn goes; empty when in nothing."""
    found = []
    if here.onnxruntime != there.onnxruntime:
        found.append(f"The versions of onnxruntime differ: {here.onnxruntime} and {there.onnxruntime}.")
    for what, turn in here.turns.items():
        found += [f"{what.capitalize()}: {line}" for line in _different(turn, there.turns[what])]
    return found


def _different(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[str]:
    # Whether a sentence begins with a capital is a close call of the recogniser's that rounding may turn.
    if here["transcript"].casefold() != there["transcript"].casefold():
        yield f"heard {here['transcript']!r} and {there['transcript']!r} (the recogniser)."
    if signs := _unlike(here["evidence"], there["evidence"]):
        yield f"saw other things: {signs} (the vision encoder or an expert)."
    if here["answered_by"] != there["answered_by"]:
        yield f"took another way to the answer: {here['answered_by']} and {there['answered_by']}."
    chances = chance(here), chance(there)
    if abs(chances[0] - chances[1]) > SAID_WITHIN:
        yield f"found its own words {chances[0]:.3f} and {chances[1]:.3f} likely (the decoder's arithmetic)."
    if here["answer"] != there["answer"]:
        yield f"answered {here['answer']!r} and {there['answer']!r} (the decoder, if nothing before it differs)."


def chance(turn: Mapping[str, Any]) -> float:
    """How likely the language model found what it said; 1 where it was not asked."""
    return next((float(step["chance"]) for step in turn["steps"] if step.get("chance") is not None), 1.0)


def _unlike(here: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]]) -> str:
    """Findings that only one machine has, or with another confidence."""
    sure = [{(claim["source"], claim["finding"]): claim["confidence"] for claim in claims} for claims in (here, there)]
    unlike = [
        f"{finding} {sure[0].get((source, finding), 0):.3f} and {sure[1].get((source, finding), 0):.3f}"
        for source, finding in dict.fromkeys([*sure[0], *sure[1]])
        if abs(sure[0].get((source, finding), 0) - sure[1].get((source, finding), 0)) > SEEN_WITHIN
    ]
    return ", ".join(unlike)
