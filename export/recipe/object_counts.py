"""Chooses from which amount on the object head says that there are two, three and so on.

The head learned its amounts from the teacher's boxes, which miss some; what people answered to "How many are there?"
says how the amounts are to be read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from export.recipe.object_photos import NAMES
from export.recipe.object_rule import logistic, sigmoid

MOST = 8  # the greatest number that is told apart
PRIOR = 0.3  # of the regression: there are few questions
PLURALS = {
    **{f"{name}s": name for name in NAMES},
    **{f"{name}es": name for name in NAMES if name.endswith(("s", "ch", "sh"))},
    "people": "person",
    "sheep": "sheep",
    "skis": "skis",
    "knives": "knife",
    "teddy bears": "teddy bear",
}
_QUESTION = re.compile(r"how many ([a-z ]+?) (?:are|is|in|on|do|does|can|have|has|at|were)\b")


def asked(question: str) -> str | None:
    """The name of which a question wants the number; None for another question."""
    match = _QUESTION.match(question.lower())
    return PLURALS.get(match.group(1).removeprefix("the ")) if match else None


def number_in(answers: Sequence[str]) -> int | None:
    """The number that most people said; None when that is none."""
    most = max(answers, key=answers.count, default="")
    return int(most) if most.isdecimal() else None


def numbers_from(amounts: np.ndarray, numbers: np.ndarray) -> tuple[float, ...]:
    """The amounts from which on 2, 3, ... is the likeliest number (models.objects.Detections).

    amounts [n], of pairs of a photo and a name; numbers int [n], 1 and more. Proportional odds (McCullagh 1980), as one
    logistic regression on whether there are at least 2, 3, ...; they share the slope of the logarithm.
    """
    levels = np.arange(2, MOST + 2)
    of_level = np.tile(np.eye(len(levels)), (len(amounts), 1))
    features = np.concatenate([np.repeat(np.log(amounts), len(levels))[:, None], of_level], 1)
    reached = (numbers[:, None] >= levels).astype(float).ravel()
    slope, *starts = logistic(features, reached, np.ones(len(reached)), prior=PRIOR)
    grid = np.exp(np.linspace(np.log(amounts.min() / 2), np.log(amounts.max() * 2), 2000))
    least = np.minimum.accumulate(sigmoid(slope * np.log(grid)[:, None] + np.array(starts)), 1)
    chances = np.concatenate([np.ones((len(grid), 1)), least[:, :-1]], 1) - least  # of 1, 2, ... MOST
    likeliest = np.maximum.accumulate(chances.argmax(1) + 1)
    return tuple(round(float(grid[likeliest >= n].min()), 4) for n in levels[:-1] if (likeliest >= n).any())
