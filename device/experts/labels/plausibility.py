"""Do the numbers of a nutrition label make sense together?

What cannot be (more sugars than carbohydrate, kJ that are not the kcal, a serving that does not follow from 100 g) is
either misread or misprinted; both make the values less sure, and both are said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from device.evidence import Basis
from device.experts.labels.fact import Fact, distinct
from device.experts.labels.nutrition import Nutrition
from device.experts.labels.quantity import shown
from device.experts.labels.values import Values

KCAL_PER_GRAM = {"fat": 9.0, "carbohydrate": 4.0, "protein": 4.0, "fibre": 2.0}  # EU 1169/2011, annex XIV
KJ_PER_KCAL = 4.184
SALT_PER_SODIUM = 2.5
DOUBT = 0.5
"""What a contradiction leaves of the confidence of the values in it."""
LEAST = 0.3
"""Values less sure than this are not given: they are in two contradictions, or in one and hard to read."""


def complete(found: Nutrition) -> None:
    """Values per 100 from those per serving, salt from sodium, and doubts; all in place."""
    _drop_impossible(found, found.per_100, 100.0)
    if found.serving is not None and found.serving.value > 0:
        _drop_impossible(found, found.per_serving, found.serving.value)
    if found.per_100 and found.per_serving:
        _compare_columns(found)
    if found.serving is not None and found.serving.value > 0 and not found.per_100:
        share = found.serving.value / 100
        found.per_100 = {name: _per_100(fact, found.serving, share) for name, fact in found.per_serving.items()}
    for values, where in ((found.per_100, 100.0), (found.per_serving, None)):
        _within(found, values, where)
        for name in [name for name, fact in values.items() if fact.confidence < LEAST]:
            del values[name]
            found.unsure.add(name)
        if "sodium" in values and "salt" not in values:
            sodium = values["sodium"]
            value = float(f"{sodium.value * SALT_PER_SODIUM:.4g}")
            values["salt"] = replace(
                sodium, value=value, basis=Basis.MEASURED, printed=None, note={"from": "2.5 x sodium"}
            )


def _drop_impossible(found: Nutrition, values: Values, weight: float) -> None:
    """Leaves out what weighs more than the food it is in, or has more energy than fat: a misreading for certain."""
    for name, fact in list(values.items()):
        if fact.value > weight * (9.3 if name == "energy" else 1.02) + (1 if weight < 100 else 0):
            del values[name]
            found.unsure.add(name)


def _per_100(fact: Fact, serving: Fact, share: float) -> Fact:
    value = float(f"{fact.value / share:.4g}")
    note = {name: said for name, said in fact.note.items() if name != "kJ"} | {"from": "per serving"}
    confidence = min(fact.confidence, serving.confidence)
    basis = Basis.MEASURED
    also = serving.lines
    return replace(fact, value=value, also=also, basis=basis, confidence=confidence, printed=None, note=note)


def _compare_columns(found: Nutrition) -> None:
    """Per serving must be per 100 times one and the same share for every nutrient."""
    shares = {
        name: found.per_serving[name].value / fact.value
        for name, fact in found.per_100.items()
        if name in found.per_serving and fact.value >= 1 and found.per_serving[name].value > 0
    }
    if found.serving is not None and found.serving.value > 0:
        share = found.serving.value / 100
        fitting = [s for s in shares.values() if abs(s / share - 1) < 0.15]
        if len(shares) >= 3 and len(fitting) < len(shares) / 2:
            share = sorted(shares.values())[len(shares) // 2]
    elif len(shares) >= 3:
        share = sorted(shares.values())[len(shares) // 2]
    else:
        return
    for name, fact in list(found.per_100.items()):
        other = found.per_serving.get(name)
        if other is None or fact.below or other.below:
            continue
        coarse = 1.0 if name == "energy" else 0.06
        expected = fact.value * share
        if abs(other.value - expected) > 0.04 * expected + coarse + 0.5 * _last_digit(fact.value) * share:
            sentence = (
                f"{name} {shown(fact.value)} per 100 and {shown(other.value)} per serving do not fit "
                f"a serving of {shown(100 * share)}"
            )
            _doubt(found, sentence, found.per_100, [name])
            _doubt(found, "", found.per_serving, [name])


def _last_digit(value: float) -> float:
    text = f"{value:g}"
    return 10.0 ** -len(text.split(".")[1]) if "." in text else 1.0


def _within(found: Nutrition, values: Values, most: float | None) -> None:
    """The rules that hold in any column. most: what all parts may sum up to, None for a serving."""
    slack = 0.06 if most else 0.5
    for part, whole in (("saturates", "fat"), ("sugars", "carbohydrate")):
        if part in values and whole in values and values[part].value > values[whole].value + slack:
            sentence = f"{part} {shown(values[part].value)} g are more than {whole} {shown(values[whole].value)} g"
            _doubt(found, sentence, values, (part, whole))
    if most:
        derived = 1.06 if any(fact.note.get("from") == "per serving" for fact in values.values()) else 1.02
        parts = [name for name in ("fat", "carbohydrate", "protein", "fibre", "salt") if name in values]
        total = sum(values[name].value for name in parts)
        if total > most * derived:
            _doubt(found, f"the parts sum up to {shown(total)} g in 100", values, parts)
    energy = values.get("energy")
    if energy is None:
        return
    kilojoules = energy.note.get("kJ")
    if kilojoules and abs(kilojoules / KJ_PER_KCAL - energy.value) > 0.03 * energy.value + 2:
        sentence = f"{shown(kilojoules)} kJ are not {shown(energy.value)} kcal"
        _doubt(found, sentence, values, ["energy"])
    if all(name in values for name in ("fat", "carbohydrate", "protein")):
        computed = sum(share * values[name].value for name, share in KCAL_PER_GRAM.items() if name in values)
        # Alcohol, polyols and a printed fibre of none make up to a fifth of difference on honest labels.
        if abs(computed - energy.value) > 0.2 * max(computed, energy.value) + 12:
            sentence = f"fat, carbohydrate and protein give {shown(computed)} kcal, not {shown(energy.value)}"
            _doubt(found, sentence, values, ("energy", "fat", "carbohydrate", "protein"), 0.75)


def _doubt(found: Nutrition, sentence: str, values: Values, names: Iterable[str], by: float = DOUBT) -> None:
    names = list(names)
    if sentence and all(sentence != fact.value for fact in found.contradictions):
        lines = distinct(*(values[name].lines for name in names))
        sure = min(values[name].confidence for name in names)
        found.contradictions.append(Fact(sentence, "", lines, sure, Basis.MEASURED))
    for name in names:
        values[name] = values[name].doubted(by)
