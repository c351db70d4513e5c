"""Answers about nutrition facts: how much of a nutrient, the facts as a whole, which of two has less.

Values are told with what they are per; nothing is said about what is healthy.
"""

from __future__ import annotations

from device.evidence import Answer, Basis, Claim
from device.experts.intent import Words
from device.experts.labels.fact import Fact, distinct
from device.experts.labels.nutrients import FIELDS
from device.experts.labels.nutrition import Nutrition
from device.experts.labels.quantity import shown
from device.experts.labels.view import Named, in_view, joined, labels_of, pair_of, told, upper_first
from device.experts.scene import Scene

ASKED = (  # how a nutrient is asked for, and which it is; the first that fits
    ("satur", "saturates"),
    ("sugar", "sugars"),
    ("sodium", "sodium"),
    ("salt", "salt"),
    ("protein", "protein"),
    ("carb", "carbohydrate"),
    ("fib", "fibre"),
    ("fat", "fat"),
    ("calorie", "energy"),
    ("energy", "energy"),
    ("kilo", "energy"),
    ("kcal", "energy"),
)
SPOKEN = {"saturates": "saturated fat", "sugars": "sugar"}
NO_TABLE = "I can't read any nutrition facts here. Turn to the table on the back, and hold it close and straight."


def field_asked(words: str) -> str:
    """The field that the words of a question mean."""
    return next(field for stem, field in ASKED if stem in words.lower())


def amount(scene: Scene, words: Words) -> Answer | None:
    """ "How much protein is in it?" """
    field = field_asked(words["nutrient"])
    seen = [one for one in in_view(labels_of(scene), scene.size) if one.label.nutrition]
    if not seen:
        return Answer(NO_TABLE)
    sentences, claims = [], []
    for one in seen:
        said, supported = _amount(one, field, per_serving=_asks_serving(words["question"]))
        sentences += said
        claims += supported
    return told(sentences, claims)


def _asks_serving(question: str) -> bool:
    return any(word in question.lower() for word in ("serving", "portion", "per slice", "per bar", "each"))


def _amount(one: Named, field: str, per_serving: bool) -> tuple[list[str], list[Claim]]:
    nutrition, name = one.label.nutrition, SPOKEN.get(field, field)
    order = [(nutrition.per_serving, _serving(nutrition)), (nutrition.per_100, f"per 100 {nutrition.basis}")]
    if not per_serving:
        order.reverse()
    found = [(values[field], per) for values, per in order if field in values]
    if not found and field in nutrition.unknown:
        fact = nutrition.unknown[field]
        sentence = f"{one.where}it says {name} {fact.spoken()}, but I can't read what that is per."
        return [upper_first(sentence)], [one.claim(fact.claim(f"{name} {fact.spoken()}", one.size))]
    if not found and field in nutrition.unsure:
        return [upper_first(f"{one.where}I can't read the {name} for certain.")], []
    if not found:
        return [upper_first(f"{one.where}I can read nutrition facts, but not how much {name} there is.")], []
    fact, per = found[0]
    finding = f"{fact.spoken()} {per}" if field == "energy" else f"{name} {fact.spoken()} {per}"
    sentences = [upper_first(f"{one.where}{_says(fact, field)} {finding}.")]
    claims = [one.claim(fact.claim(finding, one.size))]
    if per_serving and "serving" not in per:
        sentences.append("I can't read how much that is per serving.")
    if fact.basis is Basis.MEASURED and "from" in fact.note and len(found) > 1:
        printed, printed_per = found[1]
        sentences.append(f"It says {printed.spoken()} {printed_per}.")
        claims.append(one.claim(printed.claim(f"{printed.spoken()} {printed_per}", one.size)))
    for contradiction in nutrition.contradictions:
        if contradiction.value.startswith(field) or field in contradiction.value:
            sentences.append(f"But I misread something, or the label contradicts itself: {contradiction.value}.")
            claims.append(one.claim(contradiction.claim(contradiction.value, one.size)))
            break
    return sentences, claims


def _says(fact: Fact, field: str) -> str:
    if fact.basis is not Basis.MEASURED:
        return "it says"
    if fact.note.get("from") == "per serving":
        return "by the serving's size I work out"
    return "from the sodium I work out" if "from" in fact.note else "from the kilojoules I work out"


def _serving(nutrition: Nutrition) -> str:
    serving = nutrition.serving
    return f"per serving of {shown(serving.value)} {serving.unit}" if serving else "per serving"


def facts(scene: Scene, words: Words) -> Answer | None:
    """ "What are the nutrition facts?" """
    seen = [one for one in in_view(labels_of(scene), scene.size) if one.label.nutrition]
    if not seen:
        return Answer(NO_TABLE)
    one = seen[0]
    nutrition = one.label.nutrition
    printed = [
        (nutrition.per_100, f"Per 100 {nutrition.basis}"),
        (nutrition.per_serving, upper_first(_serving(nutrition))),
    ]
    if all("from" in fact.note for fact in nutrition.per_100.values()):
        printed.reverse()
    values, per = next(((v, p) for v, p in printed if v), (nutrition.unknown, "I can't read per how much, but it says"))
    told_fields = [field for field in FIELDS if field in values and "from" not in values[field].note]
    parts = [f"{SPOKEN.get(field, field)} {values[field].spoken()}" for field in told_fields]
    claims = [
        one.claim(values[field].claim(f"{per}: {part}", one.size))
        for field, part in zip(told_fields, parts, strict=True)
    ]
    sentences = [f"{per}: {joined(parts)}."]
    if nutrition.contradictions:
        contradiction = nutrition.contradictions[0]
        sentences.append(f"But I misread something, or the label contradicts itself: {contradiction.value}.")
        claims.append(one.claim(contradiction.claim(contradiction.value, one.size)))
    return told(sentences, claims)


def compare(scene: Scene, words: Words) -> Answer | None:
    """ "Which has less sugar?": two labels in view, or this one and the one before."""
    field = field_asked(words["nutrient"])
    name = SPOKEN.get(field, field)
    pair = [one for one in pair_of(scene) if one.label.nutrition]
    if len(pair) < 2:
        known = "I can read only a single label" if pair else "I can't read any nutrition facts"
        return Answer(f"{known}, so I can't compare. Show me both side by side, or ask again at the other.")
    by_serving = not all(field in one.label.nutrition.per_100 for one in pair)
    values = [one.label.nutrition.per_serving if by_serving else one.label.nutrition.per_100 for one in pair]
    missing = [one.name for one, known in zip(pair, values, strict=True) if field not in known]
    if missing:
        return Answer(f"I can't read the {name} of {joined(missing)}, so I can't compare.")
    (one, other), (first, second) = pair, (known[field] for known in values)
    pers = ["per serving" if by_serving else f"per 100 {side.label.nutrition.basis}" for side in pair]
    claims = [
        side.claim(fact.claim(f"{name} {fact.spoken()} {said}", side.size))
        for side, fact, said in zip(pair, (first, second), pers, strict=True)
    ]
    if first.value == second.value:
        return told([f"Both say the same: {name} {first.spoken()} {pers[0]}."], claims)
    if first.value > second.value:
        one, other, first, second = other, one, second, first
        pers.reverse()
    less = words.get("way", "less").split()[0] in ("less", "least", "fewer", "fewest", "lower", "lowest")
    better, best, worst = (one, first, second) if less else (other, second, first)
    if not less:
        pers.reverse()
    same = f"{best.spoken()} against {worst.spoken()} {pers[0]}"
    both = same if len(set(pers)) == 1 else f"{best.spoken()} {pers[0]} against {worst.spoken()} {pers[1]}"
    finding = f"{better.name} has {'less' if less else 'more'} {name}"
    sure = min(first.confidence, second.confidence)
    claims.append(Claim("labels", f"{finding}: {both}", sure, Basis.MEASURED, None, _both_lines(first, second)))
    sentences = [f"{upper_first(finding)}: {both}."]
    if by_serving:
        sentences.append("The servings may differ in size.")
    return told(sentences, claims)


def _both_lines(first: Fact, second: Fact) -> str:
    return " | ".join(line.text for line in distinct(first.lines, second.lines))
