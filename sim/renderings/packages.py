"""Draws the back of a package: name, ingredients, allergens, size and date."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from sim.renderings.paper import Card

RECIPES = {  # name: (ingredients, allergens in them)
    "Oat Biscuits": ("Oat flakes (45%), wheat flour, sugar, palm oil, honey, salt, raising agent (E500)", ["gluten"]),
    "Milk Chocolate": (
        "Sugar, cocoa butter, whole milk powder, cocoa mass, hazelnuts, soya lecithin",
        ["milk", "nuts", "soya"],
    ),
    "Tomato Soup": ("Water, tomatoes (38%), onion, sunflower oil, corn flour, sugar, salt, basil", []),
    "Tuna Salad": (
        "Tuna (fish) 40%, mayonnaise (rapeseed oil, egg yolk, mustard), sweetcorn",
        ["fish", "eggs", "mustard"],
    ),
    "Satay Sauce": (
        "Water, coconut milk, roasted peanuts (20%), soya beans, sesame oil",
        ["peanuts", "soya", "sesame"],
    ),
    "Lentil Crisps": ("Lentil flour, potato starch, sunflower oil, sea salt, paprika", []),
}
KINDS = {"best before": ("Best before", "BEST BEFORE:", "BBE"), "use by": ("Use by", "USE BY:"), "expires": ("EXP",)}
SHAPES = ("%d/%m/%Y", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%Y-%m-%d", "%d/%m/%y")


def package(rng: np.random.Generator) -> tuple[Card, dict[str, Any]]:
    """English; the day of the date is above 12, so that it has one reading."""
    name = str(rng.choice(list(RECIPES)))
    ingredients, allergens = RECIPES[name]
    card = Card(rng, int(rng.integers(760, 1100)), int(rng.integers(22, 32)))
    card.line(name, 1.6)
    card.paragraph(f"Ingredients: {ingredients}.")
    traces = str(rng.choice(["", "May contain traces of nuts.", "May contain celery and sesame."]))
    if traces:
        card.line(traces)
    size = float(rng.choice([125, 200, 400, 500, 750]))
    card.line(str(rng.choice(["Net weight {:g} g", "{:g} g e", "{:g}g"])).format(size))
    day = date(2025, 1, 13) + timedelta(days=30 * int(rng.integers(0, 40)))
    day = day.replace(day=int(rng.integers(13, 29)))
    kind = str(rng.choice(list(KINDS)))
    written = day.strftime(str(rng.choice(SHAPES)))
    card.line(f"{rng.choice(KINDS[kind])} {written.upper() if rng.random() < 0.4 else written}")
    return card, {
        "fields": {},
        "size": {"value": size, "unit": "g"},
        "date": {"kind": kind, "value": day.isoformat()},
        "allergens": allergens,
    }
