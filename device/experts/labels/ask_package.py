"""Answers about ingredients, allergens and diets. Never a bare yes or no, never advice on what is safe to eat."""

from __future__ import annotations

import re
from collections.abc import Sequence

from device.evidence import Answer, Basis, Claim
from device.experts.intent import Words
from device.experts.labels.fact import box_of
from device.experts.labels.ingredients import Ingredients, against, found_in, plain, without_benign
from device.experts.labels.layout import Cell
from device.experts.labels.view import in_view, joined, labels_of, told
from device.experts.scene import Scene

NO_LIST = "I can't read a list of ingredients here. Show me the back, close and straight."
MISSED = "but I may have missed some"
LONGEST = 500  # characters of ingredients that are read out

FREE_OF = {"gluten free": "gluten", "nut free": "nuts", "dairy free": "milk", "lactose free": "milk"}
THINGS = (  # how it is asked for, allergens it means
    (r"peanut", ("peanuts",)),
    (r"\bnuts?\b|almond|hazelnut|walnut|cashew", ("nuts", "peanuts")),
    (r"dairy|milk|lactose", ("milk",)),
    (r"gluten|wheat", ("gluten",)),
    (r"egg", ("eggs",)),
    (r"soya?\b", ("soya",)),
    (r"shellfish|seafood|crustacean|prawn|shrimp", ("crustaceans", "molluscs")),
    (r"mollus", ("molluscs",)),
    (r"\bfish\b", ("fish",)),
    (r"sesame", ("sesame",)),
    (r"celery", ("celery",)),
    (r"mustard", ("mustard",)),
    (r"sul(?:ph|f)", ("sulphites",)),
    (r"lupin", ("lupin",)),
)


def _claim(finding: str, cells: Sequence[Cell], size: tuple[int, int], basis: Basis = Basis.VERBATIM) -> Claim:
    lines = tuple(cell.line for cell in cells)
    sure = min((cell.line.confidence for cell in cells), default=0.5)
    return Claim("labels", finding, sure, basis, box_of(lines, size), " ".join(cell.text for cell in cells))


def _seen(scene: Scene) -> Ingredients:
    """Of the label with a list of ingredients, else of the first that says anything about what is in it."""
    found = [one.label.ingredients for one in in_view(labels_of(scene), scene.size)]
    return next((i for i in found if i.list_text), next((i for i in found if i), Ingredients()))


def diet(scene: Scene, words: Words) -> Answer | None:
    """ "Is it vegan?" """
    name = _diet_name(words["diet"])
    found = _seen(scene)
    sentences, claims = [], []
    for said, cell in found.claims:
        if _about(said, name):
            sentences.append(f'It says "{said}".')
            claims.append(_claim(said, [cell], scene.size))
    reasons = against(name, found)
    if reasons:
        read = joined(list(dict.fromkeys(word for word, _ in reasons))[:4])
        religious = name in ("halal", "kosher")
        so = f"which may not be {name}" if religious else f"so it is not {name}"
        sentences.append(f"I read {read} in the ingredients, {so}.")
        claims += [_claim(word, [cell], scene.size) for word, cell in reasons[:4]]
    elif found.list_text:
        absent = f"no {FREE_OF[name]}" if name in FREE_OF else f"nothing that is not {name}"
        sentences.append(f"I see {absent} in the ingredients I could read, {MISSED}.")
        claims.append(_claim(found.list_text, found.cells, scene.size))
        if name in ("halal", "kosher"):
            sentences.append("Only a certificate can tell.")
    elif not sentences:
        return Answer(NO_LIST)
    else:
        sentences.append("I can't read a list of ingredients to check it.")
    if name in FREE_OF:
        warned, supported = _may_contain(found, scene)
        sentences += warned
        claims += supported
    return told(sentences, claims)


def _diet_name(asked: str) -> str:
    plain_words = asked.replace("-", " ").rstrip("s")
    if plain_words.startswith(("vegg", "vegetarian")):
        return "vegetarian"
    free = re.fullmatch(r"(\w+?) ?free", plain_words)
    return f"{free[1].rstrip('s')} free" if free else plain_words


def _about(said: str, name: str) -> bool:
    stem = {"gluten free": "gluten", "dairy free": "dairy|milk", "lactose free": "lactose", "nut free": "nut"}
    return re.search(stem.get(name, name), said) is not None or (name == "vegetarian" and "vegan" in said)


def _may_contain(found: Ingredients, scene: Scene) -> tuple[list[str], list[Claim]]:
    said = [(text, cells) for text, cells in found.sentences if re.match(r"may|kann|peut|traces|made", text, re.I)]
    return (
        [f"It says: {text}." for text, _ in said],
        [_claim(text, cells, scene.size) for text, cells in said],
    )


def contains(scene: Scene, words: Words) -> Answer | None:
    """ "Does it contain nuts?" """
    thing = words["thing"]
    names = next((names for pattern, names in THINGS if re.search(pattern, thing)), None)
    found = _seen(scene)
    if names is None:
        return _contains_word(found, thing, scene)
    if not found:
        return Answer(NO_LIST)
    surely = [a for a in found.allergens if a.name in names and not a.may]
    maybe = [a for a in found.allergens if a.name in names and a.may]
    if surely:
        read, means = (
            joined(list(dict.fromkeys(words))) for words in zip(*((a.word, a.name) for a in surely), strict=True)
        )
        return told(
            [f"I read {read} in the ingredients, so it contains {means}."],
            [_claim(a.word, [a.cell], scene.size) for a in surely],
        )
    sentences, claims = _may_contain(found, scene) if maybe else ([], [])
    if found.list_text:
        sentences.append(f"I see no {thing} in the ingredients I could read, {MISSED}.")
        claims.append(_claim(found.list_text, found.cells, scene.size))
    elif not maybe:
        sentences.append(NO_LIST)
    return told(sentences, claims)


def _contains_word(found: Ingredients, thing: str, scene: Scene) -> Answer | None:
    """For what is no allergen: is the word in the list?"""
    if not found.list_text:
        return None
    stem = plain(thing).removesuffix("s")
    word = found_in(rf"\b{re.escape(stem)}", without_benign(plain(found.list_text)))
    if len(stem) < 3:
        return None
    if word:
        cell = next((c for c in found.cells if word.split()[0] in plain(c.text)), found.cells[0])
        return told([f"I read {word} in the ingredients."], [_claim(word, [cell], scene.size)])
    claim = _claim(found.list_text, found.cells, scene.size)
    return told([f"I see no {thing} in the ingredients I could read, {MISSED}."], [claim])


def ingredients(scene: Scene, words: Words) -> Answer | None:
    """ "What are the ingredients?" Long lists are cut at a comma."""
    found = _seen(scene)
    if not found.list_text:
        return Answer(NO_LIST)
    text = found.list_text
    cut = text if len(text) <= LONGEST else text[: text.rfind(",", 0, LONGEST)]
    sentences = [f"It says: {cut}."]
    if cut != text:
        sentences.append("There is more.")
    return told(sentences, [_claim(text, found.cells, scene.size)])


def whats_in_it(scene: Scene, words: Words) -> Answer | None:
    """ "What is in it?": only where there is a list of ingredients; else it may be about a box or a bowl."""
    return ingredients(scene, words) if _seen(scene).list_text else None


def allergens(scene: Scene, words: Words) -> Answer | None:
    """ "What allergens are in it?" and "is it safe with my allergy", which nobody can tell from a photo."""
    found = _seen(scene)
    if not found:
        return Answer(NO_LIST)
    surely = list({a.name: a for a in found.allergens if not a.may}.values())
    wants_advice = re.search(r"\bsafe\b|\bcan i\b", words["question"].lower())
    sentences = ["I can't tell you whether it is safe."] if wants_advice else []
    claims = [_claim(a.word, [a.cell], scene.size) for a in surely]
    if surely:
        sentences.append(f"In what I could read: {joined([_named(a.name, a.word) for a in surely])}.")
    elif found.list_text:
        sentences.append("I see none of the main allergens in the ingredients I could read.")
        claims.append(_claim(found.list_text, found.cells, scene.size))
    else:
        sentences.append("I can't read the list of ingredients.")
    said, supported = _may_contain(found, scene)
    return told([*sentences, *said, "I may have missed some."], [*claims, *supported])


def _named(name: str, word: str) -> str:
    return word if name.removesuffix("s") in word else f"{name} from {word}"
