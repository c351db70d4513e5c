"""Answers what colour something is, whether it is a given colour, and whether two things are the same.

Knows the middle of the picture, its left and right, what the object head has a box for, and the picture before. For
anything else it leaves the question to the language model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from device.evidence import Answer, Basis, Box, Claim
from device.experts.coach import find_fault
from device.experts.colour.surfaces import CENTRE, Surface, light_of, surfaces
from device.experts.intent import Intent, Words
from device.experts.scene import Scene
from models.colour_names import BASIC
from models.colour_space import difference
from models.errors import GlintError

LEFT: Box = (0.08, 0.3, 0.42, 0.7)
RIGHT: Box = (0.58, 0.3, 0.92, 0.7)
_SECOND = 0.3  # of the region: a second colour of that size is spoken of
_SAME, _SIMILAR = 0.05, 0.11  # OKLab distance of two things seen in one picture or two
_INNER = 0.25  # of a box's width and height that is cut off on each side: its corners are background
_LEAST_SCORE = 0.4  # of a detection whose box is trusted


def spoken(found: Sequence[Surface]) -> tuple[str, list[str]]:
    """("red and white", the names in it): the colours of a region as they are said."""
    first = found[0]
    if len(first.rivals) > 1:
        names = list(first.rivals[:2])
        return f"either {names[0]} or {names[1]}", names
    others = [s for s in found[1:] if s.share >= _SECOND and s.basic != first.basic and len(s.rivals) == 1]
    names = [first.name, *(other.name for other in others[:1])]
    return " and ".join(names), names


def colour_claims(found: Sequence[Surface], names: Sequence[str], box: Box) -> tuple[Claim, ...]:
    """One for each name that is spoken."""
    chances = {name: chance for s in found for name, chance in [*s.chances.items(), (s.name, s.confidence)]}
    return tuple(Claim("colour", name, round(chances.get(name, 0.0), 2), Basis.MEASURED, box) for name in names)


def _answer(found: Sequence[Surface], box: Box, subject: str = "It is", dark: bool = False) -> Answer:
    text, names = spoken(found)
    start = "There is little light, but it looks" if dark else subject
    return Answer(f"{start} {text}.", colour_claims(found, names, box))


def _box_of(scene: Scene, thing: str) -> Box | None:
    """The inner part of the best box of a thing, by the object head's name for it."""
    name = re.sub(r"^(?:the|this|that|my|a|an|his|her|your|their|these|those) ", "", thing)
    singular = name[:-1] if name.endswith("s") and not name.endswith("ss") else name
    try:
        boxes = scene.objects.boxes
    except GlintError:
        return None
    found = next((d for d in boxes if d.name in (name, singular) and d.score >= _LEAST_SCORE), None)
    if found is None or found.name == "person":
        return None
    left, top, right, bottom = found.box
    aside, down = _INNER * (right - left), _INNER * (bottom - top)
    return left + aside, top + down, right - aside, bottom - down


def _region(scene: Scene, words: Words) -> Box | None:
    """Where to look: the middle, or a thing that is named; None when it is not found."""
    return _box_of(scene, words["thing"]) if "thing" in words else CENTRE


def _too_dark(scene: Scene) -> Answer | None:
    fault = find_fault(scene.pixels)
    return Answer(fault.advice, (fault.claim,)) if fault and fault.name == "black" else None


def _what_colour(scene: Scene, words: Words) -> Answer | None:
    box = _region(scene, words)
    if box is None:
        return None
    fault = find_fault(scene.pixels)
    if fault and fault.name == "black":
        return Answer(fault.advice, (fault.claim,))
    subject = "They are" if re.search(r"\b(?:are|these|those)\b", words["question"].lower()) else "It is"
    return _answer(surfaces(scene.pixels, box), box, subject, fault is not None and fault.name == "dark")


def _is_it(scene: Scene, words: Words) -> Answer | None:
    """ "Is this red", "is it red or blue"."""
    asked = [BASIC[word] for word in re.findall(r"[a-z]+", words["colours"]) if word in BASIC]
    box = _region(scene, words)
    if box is None or not asked:
        return None
    if (dark := _too_dark(scene)) is not None:
        return dark
    found = surfaces(scene.pixels, box)
    text, names = spoken(found)
    claims = colour_claims(found, names, box)
    first = found[0]
    meant = [name for name in asked if name in first.rivals or any(name == BASIC[n.split()[-1]] for n in names)]
    if len(asked) > 1:
        if not meant:
            return Answer(f"Neither; it is {text}.", claims)
        chosen = max(meant, key=lambda name: first.chances.get(name, 0.0))
        if len(first.rivals) == 1:
            return Answer(f"It is {text}.", claims)
        return Answer(f"Rather {chosen}.", colour_claims(found, [chosen], box))
    if not meant:
        return Answer(f"No, it is {text}.", claims)
    return Answer(f"Perhaps: it is {text}." if len(first.rivals) > 1 else f"Yes, it is {text}.", claims)


def _compare(one: Surface, other: Surface, names: tuple[str, str], boxes: tuple[Box, Box]) -> Answer:
    apart = difference(one.oklab, other.oklab)
    claims = [
        Claim("colour", surface.name, surface.confidence, Basis.MEASURED, box)
        for surface, box in zip((one, other), boxes, strict=True)
    ]
    verdict = "the same colour" if apart < _SAME else "similar colours" if apart < _SIMILAR else "different colours"
    sure = float(np.clip(0.5 + abs(apart - (_SAME + _SIMILAR) / 2) / 0.1, 0.5, 0.95))
    claims.append(Claim("colour", verdict, round(sure, 2), Basis.MEASURED))
    if apart < _SAME:
        return Answer(f"They look the same colour: {one.name}.", tuple(claims))
    detail = f"{names[0]} is {one.name}, {names[1]} is {other.name}"
    if one.name == other.name:
        detail = f"both are {one.name}, but not the same shade"
    return Answer(f"They are {verdict}: {detail}.", tuple(claims))


def _same(scene: Scene, words: Words) -> Answer | None:
    """Left against right of one picture."""
    if (dark := _too_dark(scene)) is not None:
        return dark
    light = light_of(scene.pixels, (LEFT[0], LEFT[1], RIGHT[2], RIGHT[3]))
    one, other = (surfaces(scene.pixels, box, light)[0] for box in (LEFT, RIGHT))
    return _compare(one, other, ("the left one", "the right one"), (LEFT, RIGHT))


def _same_as_before(scene: Scene, words: Words) -> Answer | None:
    """The middle of this picture against that of the one before, each in its own light."""
    if scene.before is None:
        return Answer("I have nothing to compare it with; show me the other one first.")
    if (dark := _too_dark(scene)) is not None:
        return dark
    one, other = surfaces(scene.pixels)[0], surfaces(scene.before.pixels)[0]
    return _compare(one, other, ("this one", "the one before"), (CENTRE, CENTRE))


_COLOUR = r"colou?rs?"
_WHAT = rf"(?:what(?:'s| is| are)?|which)(?: the)? (?:exact |main )?{_COLOUR}"
_THING_HERE = (
    r"(?:the|this|that) (?:thing|one|object|item|stuff)(?: (?:here|there))?"
    r"(?: in (?:the|my) (?:middle|center|centre|hand)| in front of me"
    r"| (?:that )?i(?:'m| am) (?:holding|looking at|pointing at))?"
)
_HERE = rf"(?:this|that|it|these|those|they|{_THING_HERE})"
_THING = r"(?P<thing>(?:the|this|that|my|these|those|his|her|your|their) (?:[a-z]+ )?[a-z]+)"
_WORD = "(?:" + "|".join(sorted(BASIC, key=len, reverse=True)) + ")"
_SHADE = r"(?:(?:light|dark|bright|pale|deep) )?"
_NAMED = rf"(?P<colours>{_SHADE}{_WORD}(?: or {_SHADE}{_WORD})*)"
_BEFORE = r"(?:before|the (?:last|other|previous|first)(?: one| thing)?|the one before|that one)"
_BOTH = r"(?:these|those|they|both|the two|the)(?: (?:two|both|things|ones|socks|shoes|shirts|items|objects))*"
INTENTS = (
    Intent(
        "same colour as before",
        rf"(?:is|are) {_HERE} (?:in |of )?the same (?:{_COLOUR}|shade) (?:as|like) {_BEFORE}"
        rf"|(?:does|do) (?:this|it|that|they) have the same colou?r (?:as|like) {_BEFORE}",
        _same_as_before,
    ),
    Intent(
        "same colour",
        rf"(?:are|do) {_BOTH}(?: have| of| in)? (?:the )?(?:same|similar|different|matching) (?:{_COLOUR}|shade)"
        r"(?: or not| or different(?: ones)?)?"
        rf"|is (?:this|it|that) the same {_COLOUR}|same colou?r"
        r"|do (?:these|those|they|the two)(?: two)? match in colou?r",
        _same,
    ),
    Intent(
        "what colour",
        rf"{_WHAT}(?: (?:is|are|of|does|do))?(?: {_HERE})?(?: have)?|(?:the )?colou?r(?: of (?:this|that|it))?",
        _what_colour,
    ),
    Intent("what colour is the thing", rf"{_WHAT} (?:is|are|of|has) {_THING}", _what_colour),
    Intent("is it a colour", rf"(?:is|are) {_HERE} {_NAMED}(?: or not| in colou?r)?", _is_it),
    Intent("is the thing a colour", rf"(?:is|are) {_THING} {_NAMED}(?: or not| in colou?r)?", _is_it),
)
