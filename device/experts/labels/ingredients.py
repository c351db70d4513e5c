"""The list of ingredients, the EU's 14 allergens in it, and what speaks against vegan, vegetarian, halal and so on.

Finds what is there; that something is absent can never be said from a photo. Bold print is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from device.experts.labels.foods import ALLERGENS, BENIGN, DIETS, KEPT
from device.experts.labels.layout import Cell, below
from device.experts.labels.nutrients import letters

_START = re.compile(r"(?<![a-z])(?:ingredients?|zutaten|ingr[eé]dients?)\s?[:;.\-]?", re.IGNORECASE)
_END = re.compile(
    r"\b(?:nutrition|allerg|storage|store |best before|use by|may contain|kann spuren|peut contenir|"
    r"contains\b(?! \d)|enthält\b|contient\b|net w|nährwert|keep |produced|manufactured|once opened|"
    r"suitable for|warning|net \d|"
    r"exp\b|bbe\b)|^\s*\d+\s?m?[gl]\b",
    re.IGNORECASE,
)
_MAY = re.compile(
    r"(?:may (?:also )?contain|kann spuren|peut contenir|traces of|made in a factory|not suitable for)[^.]*", re.I
)
_CONTAINS = re.compile(
    r"(?<!may )(?<!not )(?<!also )\b(?:contains|contient|enthält|allergens?)\s?:?\s?(?P<what>[^.]*)", re.I
)
_CLAIM = re.compile(
    r"suitable for (?:vegans|vegetarians)|\b(?:gluten|dairy|lactose|nut|milk)[ -]?free\b|\bglutenfrei\b|"
    r"\bsans gluten\b|\bvegan\b|\bvegetarian\b|\bvegetarisch\b|\bhalal\b|\bkosher\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Named:
    """name: an allergen. word: as it was read. cell: where. may: only that it may be in it."""

    name: str
    word: str
    cell: Cell
    may: bool = False


@dataclass
class Ingredients:
    """list_text: the ingredients as read, "" where no list was found; claims: ("gluten free", where)."""

    list_text: str = ""
    cells: tuple[Cell, ...] = ()
    allergens: list[Named] = field(default_factory=list)
    claims: list[tuple[str, Cell]] = field(default_factory=list)
    sentences: list[tuple[str, tuple[Cell, ...]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.list_text or self.allergens or self.claims)


def read_ingredients(cells: Sequence[Cell]) -> Ingredients:
    """From the line that says so, the paragraph under it; "may contain" and claims from anywhere."""
    found = Ingredients()
    started = next(((c, m) for c in cells if (m := _START.search(c.text))), None)
    if started is not None:
        found.list_text, found.cells = _paragraph(started[0], started[1].end(), cells)
        found.allergens += _allergens(found.list_text, found.cells, may=False)
    for cell in cells:
        for claim in _CLAIM.finditer(cell.text):
            if cell not in found.cells and not re.search(r"\bnot\b|\bno\b", cell.text[: claim.start()], re.I):
                found.claims.append((claim[0].lower(), cell))
    for pattern, may in ((_MAY, True), (_CONTAINS, False)):
        for cell in cells:
            if not pattern.search(cell.text) or (_START.search(cell.text) and not may):
                continue
            paragraph = below(cell, cells)[:3]
            said = pattern.search(" ".join(c.text for c in paragraph))
            if said is None:
                continue
            named = _allergens(said[0], tuple(paragraph), may)
            if named:
                found.sentences.append((said[0].strip(), tuple(paragraph)))
                found.allergens += named
    return found


def _paragraph(start: Cell, offset: int, cells: Sequence[Cell]) -> tuple[str, tuple[Cell, ...]]:
    kept: list[Cell] = []
    text = ""
    for cell in below(start, cells):
        part = cell.text[offset:] if cell is start else cell.text
        end = _END.search(part)
        if end and cell is not start and end.start() == 0:
            break
        part = part[: end.start()] if end else part
        kept.append(cell)
        text += ("" if text.endswith("-") else " ") + part.strip()
        if end or part.rstrip().endswith("."):
            break
    return text.strip(" .:;"), tuple(kept)


def found_in(pattern: str, text: str) -> str | None:
    """The word of a text that a pattern finds, None for none; `text` as `plain` makes it."""
    match = re.search(pattern, text)
    if match is None:
        return None
    start, end = match.start(), match.end()
    while start and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return text[start:end]


def plain(text: str) -> str:
    """Lower-case words without accents, E numbers kept."""
    numbers = re.sub(r"\b[eE]\s?(\d{3}[a-z]?)\b", lambda m: f" enumber{_spelt(m[1])} ", text)
    words = letters(numbers)
    return re.sub(r"enumber([a-j]+)", lambda m: "e" + "".join(str("abcdefghij".index(c)) for c in m[1]), words)


def _spelt(digits: str) -> str:
    return "".join("abcdefghij"[int(c)] for c in digits if c.isdigit())


def without_benign(text: str) -> str:
    """`plain` text in which "coconut milk", "cocoa butter" and "gluten free" no longer look like milk and gluten."""

    def kept(match: re.Match[str]) -> str:
        said = match[0]
        if re.search(r"free|frei|^(?:no|without|ohne|sans|does not)\b", said):
            return " "
        return next((f" {word} " for word in KEPT if said.startswith(word)), " ")

    return BENIGN.sub(kept, text)


def _allergens(text: str, cells: tuple[Cell, ...], may: bool) -> list[Named]:
    words = without_benign(plain(text))
    found = []
    for name, pattern in ALLERGENS.items():
        word = found_in(pattern, words)
        if word is None:
            word = _misread(pattern, words)
        if word is not None:
            place = next((c for c in cells if word.split()[0] in plain(c.text)), cells[0])
            found.append(Named(name, word, place, may))
    return found


def _misread(pattern: str, words: str) -> str | None:
    """A word of seven letters or more with one letter wrong: an allergen overlooked is worse than one too many."""
    from rapidfuzz.distance import Levenshtein

    for key in re.findall(r"[a-z]{7,}", pattern):
        for word in words.split():
            if len(word) >= 6 and Levenshtein.distance(key, word.removesuffix("s"), score_cutoff=1) <= 1:
                return key
    return None


def against(diet: str, found: Ingredients) -> list[tuple[str, Cell]]:
    """Words in the ingredients that speak against a diet of DIETS, with where they stand."""
    allergens, patterns = DIETS[diet]
    reasons = [(named.word, named.cell) for named in found.allergens if named.name in allergens and not named.may]
    words = without_benign(plain(found.list_text))
    for pattern in patterns:
        word = found_in(pattern, words)
        if word is not None:
            cell = next((c for c in found.cells if word.split()[0] in plain(c.text)), found.cells[0])
            reasons.append((word, cell))
    return reasons
