""" "Why?", "how do you know?", "show me": tells what the answer before rests on, and the steps that led to it.

Knows claims and steps, not how they were made.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise

from device.evidence import Answer, Basis, Box, Claim
from device.experts.intent import plain
from device.steps import OF_CLAIMS, Act, Step

_THAT = r"(?: (?:of|about) (?:that|it))?"
_WHY = re.compile(
    r"why(?: is that| do you (?:say|think) (?:so|that))?|how come|what makes you (?:say|think) (?:so|that)"
)
_HOW = re.compile(
    r"how (?:do|can|did) you (?:know|tell|find (?:that )?out|get there)(?: (?:that|this|it))?|says who"
    r"|where did you (?:see|read|get) (?:that|it)"
)
_SURE = re.compile(rf"how (?:sure|certain|confident) are you{_THAT}|are you (?:really )?(?:sure|certain){_THAT}")
_SHOW = re.compile(
    r"show (?:me|it)(?: (?:that|it|where|where it is|the evidence|how you know))*"
    r"|where (?:is that|was that|did you see that|in the picture)"
)
MOST = 2  # claims that are told; more is a lecture
_BOUNDS = 0.2, 0.4
_SURENESS = (
    "No. That was only a guess, and such guesses are mostly wrong.",
    "Not very. I may well be wrong.",
    "Fairly, but I am wrong about such things at times.",
)
NOTHING = "I have no evidence for it beyond what the picture looks like to me."


def explained(question: str, claims: Sequence[Claim], steps: Sequence[Step] = ()) -> Answer | None:
    """The answer to a question about the answer before, whose claims and steps are given; None for any other."""
    asked = plain(question)
    if _SHOW.fullmatch(asked):
        return _shown(claims)
    if _HOW.fullmatch(asked):
        return account(claims, steps)
    if doubts(question):
        return assurance(claims, steps)
    return reasons(claims) if _WHY.fullmatch(asked) else None


def doubts(question: str) -> bool:
    """Whether it asks how sure the answer before is."""
    return _SURE.fullmatch(plain(question)) is not None


def reasons(claims: Sequence[Claim]) -> Answer:
    """The best claims, a sentence each, and how sure they are."""
    best = _best(claims)
    return Answer(" ".join(map(_reason, best)) or NOTHING, tuple(best))


def assurance(claims: Sequence[Claim], steps: Sequence[Step]) -> Answer:
    """How sure it is: of an answer of the language model, by the chance that it gave it; then the best claims.

    Of answers to questions about photos it never saw, those below the first bound were right in 4 of 79, those between
    the two in 7 of 34, the others in 65 of 107 (docs/contemplating.md).
    """
    why = reasons(claims)
    chances = [step.chance for step in steps if step.chance is not None]
    if not chances:
        return why
    word = _SURENESS[bisect(_BOUNDS, chances[-1])]
    return Answer(f"{word} {why.text}" if claims else word, why.claims)


def account(claims: Sequence[Claim], steps: Sequence[Step]) -> Answer:
    """What was done, in its order, in one sentence, with the best claims in their place; then what is only seen."""
    best = sorted(_best(claims), key=claims.index)
    done = [_exact(claim) for claim in best if claim.basis is not Basis.INFERRED]
    looked = [s.words for s in steps if s.act is Act.LOOKED and not (done and s.what.startswith("for "))]
    after = [s.words for s in steps if s.act not in (*OF_CLAIMS, Act.LOOKED, Act.AGREED)]
    all_done = list(dict.fromkeys([*looked, *done, *after]))
    agreed = [Claim("steps", step.words, 1.0, Basis.MEASURED) for step in steps if step.act is Act.AGREED]
    sentences = [f"I {_listed(all_done)}."] if all_done else []
    sentences += [f"{claim.finding}." for claim in agreed]
    sentences += [_reason(claim) for claim in best if claim.basis is Basis.INFERRED]
    return Answer(" ".join(sentences if best or agreed else [*sentences, NOTHING]), (*best, *agreed))


def place(box: Box) -> str:
    """Where a box is, in words: "at the top left"."""
    across, down = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    column = "left" if across < 1 / 3 else "right" if across > 2 / 3 else ""
    row = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else ""
    if not row and not column:
        return "in the middle"
    if not row:
        return f"on the {column}"
    return f"at the {row} {column}".strip()


def _shown(claims: Sequence[Claim]) -> Answer:
    placed = [claim for claim in claims if claim.box is not None]
    if not placed:
        return Answer("I cannot point at it; it is what the picture as a whole looks like to me.", tuple(claims))
    best = _best(placed)
    return Answer(" ".join(f"{_quoted(c)} is {place(c.box)} of the picture." for c in best if c.box), tuple(best))


def _best(claims: Sequence[Claim]) -> list[Claim]:
    order = list(Basis)
    return sorted(claims, key=lambda claim: (order.index(claim.basis), -claim.confidence))[:MOST]


def _listed(parts: Sequence[str]) -> str:
    """A verb that comes twice in a row is said once: 'read "EXIT" and "STOP"'."""
    verbs = [part.split()[0] for part in parts]
    same = [False, *(one == other for one, other in pairwise(verbs))]
    *most, last = [part.split(" ", 1)[1] if again else part for part, again in zip(parts, same, strict=True)]
    return f"{', '.join(most)} and {last}" if most else last


def _quoted(claim: Claim) -> str:
    if claim.basis is Basis.INFERRED:
        return f"The {claim.finding}" if not claim.finding[:1].isdigit() else claim.finding
    return f'"{claim.line or claim.finding}"'


def _exact(claim: Claim) -> str:
    """What was done for a claim that is read or measured, as it follows "I"."""
    where = f" {place(claim.box)}" if claim.box else ""
    if claim.basis is Basis.VERBATIM:
        doubt = "" if claim.confidence >= 0.8 else ", though not clearly"
        return f'read "{claim.line or claim.finding}"{where}{doubt}'
    source = f' from "{claim.line}"' if claim.line else ""
    return f"measured {claim.finding}{source}{where or (' in the picture' if not source else '')}"


def _reason(claim: Claim) -> str:
    if claim.basis is not Basis.INFERRED:
        return f"I {_exact(claim)}."
    where = f" {place(claim.box)}" if claim.box else ""
    sure = "I am quite sure" if claim.confidence >= 0.8 else "I think" if claim.confidence >= 0.5 else "I only guess"
    return f"{sure} that I see this{where}: {claim.finding}."
