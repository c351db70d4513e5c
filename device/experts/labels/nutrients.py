"""Names of nutrients in English, German and French, as they are printed and as they are misread.

The order of KEYS matters: "saturated fat" is about saturates, "added sugars" about none of the nutrients we report.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

FIELDS = ("energy", "fat", "saturates", "carbohydrate", "sugars", "fibre", "protein", "salt", "sodium")
OTHER = "other"
"""A nutrient that is on the label but not one of FIELDS; its values must not be taken for a neighbour's."""

KEYS: tuple[tuple[str, tuple[str, ...]], ...] = (  # field, what is found inside letters alone, without accents
    (
        OTHER,
        (
            *("trans", "unsat", "ungesatt", "insatur", "polyol", "starch", "starke", "amidon", "added", "ajoute"),
            *("zugesetzt", "alcohol", "alkohol", "cholest", "vitamin", "calci", "iron", "potassium", "kalium", "omega"),
            *("magnes", "includ", "fromfat", "caffein", "zinc", "beta", "phosph", "referenceintake", "dailyvalue"),
        ),
    ),
    ("saturates", ("saturates", "saturated", "satures", "saturfat", "satfat", "gesattigt", "gesatt")),
    ("sugars", ("sugars", "sugar", "zucker", "sucres", "sucre")),
    ("fibre", ("fibre", "fiber", "ballaststoffe", "fibres")),
    ("sodium", ("sodium", "natrium")),
    ("protein", ("protein", "proteine", "eiweiss", "eiweib", "eiwe", "elwe")),
    ("carbohydrate", ("carbohydrate", "kohlenhydrate", "glucides", "totalcarb", "carbs")),
    ("energy", ("energy", "energie", "brennwert", "calories", "energetique")),
)
SHORT = (  # as whole words only
    ("salt", re.compile(r"(?<![a-z])(?:salt|salz|sel)(?![a-z])|^(?:ofwhich)?(?:salt|salz)(?:equivalent)?$")),
    ("fat", re.compile(r"(?<![a-z])(?:total\s?)?(?:fats?|fett|lipide?s?)(?![a-z])|^(?:fat|fett)(?:total|gesamt)?$")),
    ("fat", re.compile(r"matieres?\s?grasses?")),
)
_ALIKE = 84  # of 100; two letters of twelve may be wrong


def letters(text: str) -> str:
    """Lower case, without accents; everything but letters becomes a space."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    return re.sub(r"[^a-z]+", " ", "".join(c for c in plain if not unicodedata.combining(c))).strip()


@lru_cache(4096)
def field_of(text: str) -> str | None:
    """The nutrient that a piece of text names: one of FIELDS, OTHER or None."""
    words = letters(text)
    compact = words.replace(" ", "")
    if len(compact) < 3:
        return None
    for field, keys in KEYS:
        if any(key in compact for key in keys):
            return field
    for field, pattern in SHORT:
        if pattern.search(words):
            return field
    from rapidfuzz import fuzz

    for field, keys in KEYS:
        for key in keys:
            if len(key) >= 6 and len(compact) >= len(key) - 1 and fuzz.partial_ratio(key, compact) >= _ALIKE:
                return field
    return None
