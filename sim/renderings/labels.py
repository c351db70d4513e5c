"""Draws nutrition labels, packages and price tags, photographs them, and writes what stands on them.

Every picture has one row: `file`, `layout`, `distortion`, `fields` (energy in kcal, all else in g, per 100 g or ml)
and, where they are printed, `per_serving`, `price`, `unit_price`, `size`, `date`; `questions` go to the language model.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sim.renderings.distort import DISTORTIONS, photograph
from sim.renderings.facts import Facts, invent, written
from sim.renderings.packages import package
from sim.renderings.paper import Card
from sim.renderings.tags import tag

Truth = dict[str, Any]
Layout = Callable[[np.random.Generator], tuple[Card, Truth]]

NAMES = {  # energy, fat, saturates, carbohydrate, sugars, fibre, protein, salt
    "en": ("Energy", "Fat", "of which saturates", "Carbohydrate", "of which sugars", "Fibre", "Protein", "Salt"),
    "en_de": (
        *("Energy / Energie", "Fat / Fett", "of which saturates / davon gesättigte Fettsäuren"),
        *("Carbohydrate / Kohlenhydrate", "of which sugars / davon Zucker", "Fibre / Ballaststoffe"),
        *("Protein / Eiweiß", "Salt / Salz"),
    ),
    "fr_en": (
        *("Énergie / Energy", "Matières grasses / Fat", "dont acides gras saturés / of which saturates"),
        *("Glucides / Carbohydrate", "dont sucres / of which sugars", "Fibres alimentaires / Fibre"),
        *("Protéines / Protein", "Sel / Salt"),
    ),
    "de": (
        *("Brennwert", "Fett", "davon gesättigte Fettsäuren", "Kohlenhydrate", "davon Zucker", "Ballaststoffe"),
        *("Eiweiß", "Salz"),
    ),
}
LITTLE = 0.5  # grams; of fibre less than that is printed as "<0.5 g", and 0.5 is the truth to be read
PER = {"en": "per", "en_de": "per / pro", "fr_en": "pour / per", "de": "pro"}
PORTION = {"en": "serving", "en_de": "portion", "fr_en": "portion", "de": "Portion"}


def _portions(facts: Facts) -> dict[str, float]:
    """Per serving, as printed."""
    share = facts.serving / 100
    made = {name: round(value * share, 2 if name == "salt" else 1) for name, value in facts.per_100.items()}
    return made | {"energy": float(round(facts.per_100["energy"] * share))}


def european(rng: np.random.Generator, language: str = "en") -> tuple[Card, Truth]:
    """A table per 100 g or ml, mostly with a second column per serving, sometimes with the share of a day's intake."""
    facts = invent(rng)
    two, intake, comma = rng.random() < 0.65, rng.random() < 0.3, language != "en"
    wide = language in ("en_de", "fr_en")
    card = Card(rng, 1800, int(rng.integers(16, 25) if wide else rng.integers(18, 33)))
    space = str(rng.choice(["", " "]))
    portions = _portions(facts)
    columns = [(facts.per_100, facts.kj), (portions, round(facts.kj * facts.serving / 100))][: 1 + two]
    head = ["Typical values" if language == "en" else "", f"{PER[language]} 100{space}{facts.unit}"]
    if two:
        portion = f"{PER[language]} {PORTION[language]} ({facts.serving}{space}{facts.unit})"
        head.append(portion if rng.random() < 0.6 else f"{PER[language]} {facts.serving}{space}{facts.unit}")
    rows = [head + ["%RI*"] * intake]
    energy_in_two_rows = rng.random() < 0.5
    for index, (name, printed) in enumerate(zip(facts.per_100, NAMES[language], strict=True)):
        if name == "energy":
            kilojoules = [f"{kj}{space}kJ" for _, kj in columns]
            kilocalories = [f"{values['energy']:g}{space}kcal" for values, _ in columns]
            if energy_in_two_rows:
                rows += [[printed, *kilojoules], ["", *kilocalories]]
            else:
                rows.append([printed, *(f"{a} / {b}" for a, b in zip(kilojoules, kilocalories, strict=True))])
            day, last = 2000.0, portions["energy"]
        else:
            cells = [f"{written(values[name], comma)}{space}g" for values, _ in columns]
            if name == "fibre" and facts.per_100["fibre"] < LITTLE:
                cells = [f"<{written(LITTLE, comma)}{space}g" for _ in columns]
            rows.append([("- " if printed[:5] in ("of wh", "davon") else "") * (index % 2) + printed, *cells])
            day, last = 70.0, portions[name]
        if intake:
            rows[-1].append(f"{100 * last / day:.0f}%")
    card.line({"de": "Nährwertangaben", "fr_en": "Valeurs nutritionnelles"}.get(language, "Nutrition"), 1.2)
    card.table(rows, rng.random() < 0.5)
    few = {"fibre": LITTLE} if facts.per_100["fibre"] < LITTLE else {}
    truth: Truth = {"fields": facts.per_100 | few}
    if two:
        truth["per_serving"] = portions | few
    return card, truth


def american(rng: np.random.Generator) -> tuple[Card, Truth]:
    """The box of the US: per serving, sodium in mg, shares of a day; per 100 g follows from the serving's size."""
    facts = invent(rng)
    share, serving = facts.serving / 100, facts.serving
    grams = {name: float(round(facts.per_100[name] * share)) for name in facts.per_100 if name != "salt"}
    grams["saturates"] = min(grams["fat"], round(facts.per_100["saturates"] * share * 2) / 2)
    sodium = round(facts.per_100["salt"] * share / 2.5 * 1000 / 5) * 5
    card = Card(rng, 1800, int(rng.integers(19, 25)))
    cup = str(rng.choice(["2/3 cup", "1 cup", "1 bar", "3 pieces"]))
    card.line("Nutrition Facts", 1.8, 1.25)
    card.line(f"{int(rng.integers(2, 12))} servings per container")
    card.line(f"Serving size {cup} ({serving}{facts.unit})")
    card.line("Amount per serving", 0.9)
    card.line(f"Calories {grams['energy']:g}", 1.6, 1.25)
    added = int(grams["sugars"] // 2)
    rows = [
        ["", "% Daily Value*"],
        [f"Total Fat {grams['fat']:g}g", f"{grams['fat'] / 0.78:.0f}%"],
        [f"  Saturated Fat {grams['saturates']:g}g", f"{grams['saturates'] / 0.2:.0f}%"],
        ["  Trans Fat 0g", ""],
        ["Cholesterol 5mg", "2%"],
        [f"Sodium {sodium}mg", f"{sodium / 23:.0f}%"],
        [f"Total Carbohydrate {grams['carbohydrate']:g}g", f"{grams['carbohydrate'] / 2.75:.0f}%"],
        [f"  Dietary Fiber {grams['fibre']:g}g", f"{grams['fibre'] / 0.28:.0f}%"],
        [f"  Total Sugars {grams['sugars']:g}g", ""],
        [f"    Includes {added}g Added Sugars", f"{added * 2}%"],
        [f"Protein {grams['protein']:g}g", ""],
    ]
    card.table(rows, rng.random() < 0.6, 1.3)
    printed = grams | {"sodium": sodium / 1000}
    return card, {
        "fields": {name: float(f"{value / share:.4g}") for name, value in printed.items()},
        "per_serving": printed,
    }


def australian(rng: np.random.Generator) -> tuple[Card, Truth]:
    """Per serving first, per 100 g last, energy in kJ only, sodium in mg."""
    facts = invent(rng)
    share = facts.serving / 100
    sodium = round(facts.per_100["salt"] / 2.5 * 1000)
    card = Card(rng, 1800, int(rng.integers(22, 31)))
    card.line("NUTRITION INFORMATION", 1.1)
    card.line(f"Servings per package: {int(rng.integers(2, 12))}")
    card.line(f"Serving size: {facts.serving} {facts.unit}")
    rows = [["", "Quantity per serving", f"Quantity per 100 {facts.unit}"]]
    rows.append(["Energy", f"{facts.kj * share:.0f} kJ", f"{facts.kj} kJ"])
    names = {"protein": "Protein", "fat": "Fat, total", "saturates": " - saturated"}
    names |= {"carbohydrate": "Carbohydrate", "sugars": " - sugars", "fibre": "Dietary fibre"}
    per_serving = {name: round(facts.per_100[name] * share, 1) for name in names}
    rows += [[names[n], f"{per_serving[n]:.1f} g", f"{facts.per_100[n]:.1f} g"] for n in names]
    rows.append(["Sodium", f"{sodium * share:.0f} mg", f"{sodium} mg"])
    card.table(rows, rng.random() < 0.5)
    per_100 = {name: facts.per_100[name] for name in names}
    energies = facts.kj / 4.184, round(facts.kj * share) / 4.184
    return card, {
        "fields": per_100 | {"energy": float(f"{energies[0]:.4g}"), "sodium": sodium / 1000},
        "per_serving": per_serving | {"energy": float(f"{energies[1]:.4g}"), "sodium": round(sodium * share) / 1000},
    }


def linear(rng: np.random.Generator) -> tuple[Card, Truth]:
    """Everything in one sentence, as on small packages."""
    facts = invent(rng)
    card = Card(rng, int(rng.integers(760, 1150)), int(rng.integers(22, 32)))
    values = {name: f"{written(value)} g" for name, value in facts.per_100.items()}
    fibre = f"Fibre {values['fibre']}, " if rng.random() < 0.7 else ""
    said = [
        f"Nutrition per 100 {facts.unit}: Energy {facts.kj} kJ / {facts.per_100['energy']:g} kcal",
        f"Fat {values['fat']}, of which saturates {values['saturates']}",
        f"Carbohydrate {values['carbohydrate']}, of which sugars {values['sugars']}",
        f"{fibre}Protein {values['protein']}, Salt {values['salt']}.",
    ]
    card.paragraph(", ".join(said))
    return card, {"fields": {n: v for n, v in facts.per_100.items() if fibre or n != "fibre"}}


LAYOUTS: dict[str, Layout] = {
    "european": european,
    "american": american,
    "tag": tag,
    "australian": australian,
    "bilingual": lambda rng: european(rng, str(rng.choice(["en_de", "fr_en"]))),
    "package": package,
    "linear": linear,
    "german": lambda rng: european(rng, "de"),
}


def render(out: Path, seed: int, count: int, layouts: dict[str, Layout] | None = None) -> None:
    """Writes `count` pictures, through all layouts and distortions in turn, and data.jsonl."""
    layouts = layouts or LAYOUTS
    rows = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        layout = list(layouts)[number % len(layouts)]
        distortion = list(DISTORTIONS)[number % len(DISTORTIONS)]
        card, truth = layouts[layout](rng)
        file = f"{number:03d}-{layout}-{distortion}.jpg"
        Image.fromarray(photograph(card.pixels, distortion, rng)).save(out / file, quality=92)
        rows.append({"file": file, "layout": layout, "distortion": distortion, **truth, "questions": _questions(truth)})
    (out / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def _questions(truth: Truth) -> list[dict[str, Any]]:
    asked = {"sugars": "sugar", "fibre": "fibre", "fat": "fat", "protein": "protein", "salt": "salt"}
    found = [
        {"question": f"How much {word} is in it per 100 g?", "answer": truth["fields"][name]}
        for name, word in asked.items()
        if name in truth["fields"]
    ]
    if "price" in truth:
        found.append({"question": "How much does it cost?", "answer": truth["price"]["value"]})
    return found
