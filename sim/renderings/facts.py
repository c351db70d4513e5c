"""Makes up the nutrition facts of a food that could exist: parts that sum up, energy that follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Facts:
    """per_100: energy in kcal, all else in g, as printed. kj: the energy in kJ. serving: in `unit`, "g" or "ml"."""

    per_100: dict[str, float]
    kj: int
    serving: int
    unit: str


def invent(rng: np.random.Generator) -> Facts:
    """Rounded as the EU's guidance has it: to one decimal below 10 g, else to whole grams, salt to two."""
    drink = rng.random() < 0.25
    room = 14.0 if drink else rng.uniform(30, 95)
    shares = rng.dirichlet([1.2, 2.0, 0.6, 1.0])
    fat, carbohydrate, fibre, protein = (_rounded(room * share) for share in shares)
    saturates = min(fat, _rounded(fat * rng.uniform(0.1, 0.8)))
    sugars = min(carbohydrate, _rounded(carbohydrate * rng.uniform(0.05, 1)))
    salt = round(float(rng.uniform(0.01, 2.2)), 2)
    kcal = round(9 * fat + 4 * carbohydrate + 4 * protein + 2 * fibre)
    per_100 = {
        "energy": float(kcal),
        "fat": fat,
        "saturates": saturates,
        "carbohydrate": carbohydrate,
        "sugars": sugars,
        "fibre": fibre,
        "protein": protein,
        "salt": salt,
    }
    serving = int(rng.choice([150, 200, 250, 330] if drink else [15, 25, 30, 40, 45, 55, 60, 125]))
    return Facts(per_100, round(kcal * 4.184), serving, "ml" if drink else "g")


def _rounded(grams: float) -> float:
    return float(round(grams)) if grams >= 10 else round(float(grams), 1)


def written(grams: float, comma: bool = False) -> str:
    """6.2, "12", "0"; with a comma where numbers are written so."""
    text = f"{grams:g}"
    return text.replace(".", ",") if comma else text
