"""Draws price tags of shelves: name, price, price per kilogram or litre, size, sometimes an offer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sim.renderings.paper import MARGIN, Card

THINGS = ("Oat Drink", "Basmati Rice", "Tomato Ketchup", "Strawberry Jam", "Olive Oil", "Muesli", "Apple Juice")


def tag(rng: np.random.Generator) -> tuple[Card, dict[str, Any]]:
    """British, continental or American."""
    style = str(rng.choice(["gb", "eu", "us"]))
    liquid = rng.random() < 0.4
    thing = str(rng.choice(THINGS))
    size, unit = float(rng.choice([250, 330, 500, 750])), "ml" if liquid else "g"
    price = round(float(rng.integers(4, 90)) / 10 + float(rng.choice([0.05, 0.09])), 2)
    per = "l" if liquid else "kg"
    unit_price = round(price / size * 1000, 2)
    card = Card(rng, 1800, int(rng.integers(24, 38)))
    card.line(thing, 1.2)
    card.line(f"{size:g} {unit}" if rng.random() < 0.5 else f"{size:g}{unit}")
    truth: dict[str, Any] = {"fields": {}, "size": {"value": size, "unit": unit}}
    if style == "gb":
        _large(card, f"£{price:.2f}")
        currency = "GBP"
        if rng.random() < 0.5:
            hundredth = round(unit_price / 10, 2)
            card.line(f"£{hundredth:.2f} per 100{unit}", 0.9)
            truth["unit_price"] = {"value": hundredth, "per": 100, "unit": unit}
        else:
            card.line(f"£{unit_price:.2f} per {'litre' if liquid else 'kg'}", 0.9)
            truth["unit_price"] = {"value": unit_price, "per": 1, "unit": per}
        if rng.random() < 0.4:
            card.line(f"2 for £{round(price * 1.6, 1):.2f}", 1.0)
    elif style == "eu":
        comma = rng.random() < 0.7
        _large(card, f"{price:.2f} €".replace(".", "," if comma else "."))
        currency = "EUR"
        text = f"1 {per} = {unit_price:.2f} €" if rng.random() < 0.5 else f"{unit_price:.2f} €/{per}"
        card.line(text.replace(".", "," if comma else "."), 0.9)
        truth["unit_price"] = {"value": unit_price, "per": 1, "unit": per}
    else:
        _large(card, f"${price:.2f}")
        currency = "USD"
        ounces = round(price / (size / (29.5735 if liquid else 28.3495)), 2)
        card.line(f"${ounces:.2f} per {'fl oz' if liquid else 'oz'}", 0.9)
        truth["unit_price"] = {"value": ounces, "per": 1, "unit": "fl_oz" if liquid else "oz"}
    truth["price"] = {"value": price, "currency": currency}
    return card, truth


def _large(card: Card, text: str) -> None:
    card.y += card.size // 2
    card.put(text, MARGIN, 2.4)
    card.y += round(card.size * 2.9)


def render(out: Path, seed: int, count: int) -> None:
    """Price tags alone, as sim.renderings.labels writes them."""
    from sim.renderings import labels

    labels.render(out, seed, count, {"tag": tag})
