"""Colour spaces: sRGB as cameras write it, linear light, OKLab (Ottosson, 2020), and how different two colours look.

Arrays have the three channels last; any shape before that.
"""

from __future__ import annotations

import numpy as np

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_LINEAR = np.where(
    (_codes := np.arange(256) / 255) <= 0.04045, _codes / 12.92, ((_codes + 0.055) / 1.055) ** 2.4
).astype(np.float32)


def to_linear(rgb: np.ndarray) -> np.ndarray:
    """uint8 sRGB -> float32 linear light, 0..1."""
    return _LINEAR[rgb]


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light -> uint8 sRGB; what is outside 0..1 is clipped."""
    linear = np.clip(linear, 0, 1)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    return np.round(255 * coded).astype(np.uint8)


def to_oklab(linear: np.ndarray) -> np.ndarray:
    """Linear light -> OKLab: lightness 0..1, then green to red and blue to yellow, about -0.3..0.3."""
    return np.cbrt(np.maximum(linear, 0) @ _TO_LMS.T) @ _TO_LAB.T


def from_oklab(lab: np.ndarray) -> np.ndarray:
    """OKLab -> linear light, outside 0..1 where the screen cannot show it."""
    return ((lab @ np.linalg.inv(_TO_LAB).T) ** 3) @ np.linalg.inv(_TO_LMS).T


def from_hex(code: str) -> np.ndarray:
    """ "rrggbb" -> uint8 [3]."""
    return np.frombuffer(bytes.fromhex(code), np.uint8)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """How different two OKLab colours look.

    0.02 is just seen side by side (OKLab is scaled so that one CIEDE2000 step is about 0.01 to 0.02).
    """
    return float(np.linalg.norm(np.asarray(one) - np.asarray(other)))
