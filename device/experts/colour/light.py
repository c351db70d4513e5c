"""The colour and strength of the light in a picture, so that a colour can be named as it would look by day.

A voting scheme: each light that lamps and skies give off (Planck's curve, somewhat green or magenta) gets the votes of
the pixels that would be grey under it; bright ones count more, and every colour of the picture counts once, so that one
large red wall does not outvote the rest. What most pictures look like, a camera's white balance being near right, goes
in as a prior; with nothing grey in sight the answer stays near it. Knows no names of colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.colour_space import to_oklab

_MIREDS = np.arange(100, 441, 17)  # 10,000 K to 2,270 K
_TINTS = np.linspace(-0.15, 0.15, 7)  # log of green against the rest
_USUAL = 153.0  # mired of daylight
_NARROW, _WIDE, _TINT = 55.0, 95.0, 0.075  # how far lights stray from it: bluer, yellower, greener
_GREY = 0.035  # chroma by lightness up to about which a pixel looks grey
_DOUBT = 1.0  # weight of what may be there beside what was seen; dull pictures say little
_FAVOUR = 1.0  # power of a pixel's brightness that it votes with
_TRUST = 9.0  # weight of the votes against the prior
_LIFT = 0.6  # how much of what a dark picture lacks is made up for
_DAMPING = 0.7  # how much of the estimated colour of the light is taken away
_BRIGHT = 0.75  # linear light of the brightest tenth in a well exposed picture


@dataclass(frozen=True)
class Light:
    """gains: what to multiply linear RGB with, float [3]. certainty: 0..1, how well the picture shows its light."""

    gains: np.ndarray
    certainty: float


@lru_cache(1)
def _candidates() -> tuple[np.ndarray, np.ndarray]:
    """Lights as linear RGB of luminance 1 [n, 3], and the log of their prior [n]."""
    lights, priors = [], []
    for mired in _MIREDS:
        white = _planck(1e6 / mired)
        for tint in _TINTS:
            light = white * np.exp([0.0, tint, 0.0])
            lights.append(light / (light @ [0.2126, 0.7152, 0.0722]))
            width = _WIDE if mired > _USUAL else _NARROW
            priors.append(-0.5 * ((mired - _USUAL) / width) ** 2 - 0.5 * (tint / _TINT) ** 2)
    return np.array(lights), np.array(priors)


def _planck(kelvin: float) -> np.ndarray:
    """Linear sRGB of a black body by Kim et al.'s cubic fit of the Planckian locus (2002), relative to daylight."""
    t = 1e3 / kelvin
    if kelvin <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    xyz = np.array([x / y, 1, (1 - x - y) / y])
    to_rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    return np.maximum(to_rgb @ xyz, 0.05)


def estimate_light(linear: np.ndarray) -> Light:
    """linear: float RGB [n, 3], a picture's pixels or a fair sample of them (a few thousand)."""
    bright = float(np.quantile(linear.max(1), 0.95)) if len(linear) else 0.0
    exposure = float(np.clip(_BRIGHT / max(bright, 1e-3), 1.0, 10.0)) ** _LIFT
    usable = linear[(linear.max(1) < 0.97) & (linear.max(1) > 0.02)]
    lights, prior = _candidates()
    votes = np.zeros(len(lights))
    share = min(1.0, len(usable) / (0.05 * max(1, len(linear))))
    if len(usable):
        colours, counts = _palette(usable)
        bright = np.minimum(colours.max(1) * exposure / _BRIGHT, 1.0)
        weights = np.sqrt(counts / len(linear)) * bright**_FAVOUR
        lab = to_oklab(colours[None] / lights[:, None])
        chroma = np.hypot(lab[..., 1], lab[..., 2]) / np.maximum(lab[..., 0], 0.05)
        votes = np.exp(-0.5 * (chroma / _GREY) ** 2) @ weights / (weights.sum() + _DOUBT)
    score = _TRUST * share * votes + prior
    belief = np.exp(score - score.max())
    belief /= belief.sum()
    light = np.exp(_DAMPING * belief @ np.log(lights))
    return Light(exposure / (light / (light @ [0.2126, 0.7152, 0.0722])), float(min(1.0, share * votes.max() * 3)))


def _palette(linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture's distinct colours, mean linear RGB [n, 3], and how many pixels have each [n]."""
    steps = np.clip(np.cbrt(linear) * 14, 0, 15).astype(np.int64)
    _, index, counts = np.unique(steps @ [256, 16, 1], return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(index.ravel(), linear[:, channel]) for channel in range(3)], 1)
    return sums / counts[:, None], counts
