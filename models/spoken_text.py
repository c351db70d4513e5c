"""Written text made ready to be spoken: marks that are not said are dropped, units spelt out, and the whole is cut
into pieces short enough that the first is heard early.

Numbers, dates and most abbreviations are left to espeak-ng, which reads them well in every language it knows.
"""

import re

UNITS = {
    "km": "kilometres",
    "cm": "centimetres",
    "mm": "millimetres",
    "m": "metres",
    "kg": "kilograms",
    "g": "grams",
    "ml": "millilitres",
    "l": "litres",
    "km/h": "kilometres per hour",
    "mph": "miles per hour",
    "°C": "degrees Celsius",
    "°F": "degrees Fahrenheit",
}
# A full stop after these, or after a single letter (a.m., U.S.), ends no sentence.
ABBREVIATIONS = {"mr", "mrs", "ms", "dr", "st", "vs", "etc", "approx", "no", "prof", "jr", "sr"}
LONGEST = 120  # characters in a piece, about eight seconds of speech; a synthesiser's memory grows with it


def readable(text: str) -> str:
    """Drop Markdown marks and control characters, spell out units behind numbers, and join lines."""
    text = re.sub(r"[*_`#|<>\[\]{}\\~^]+|[\x00-\x1f\x7f-\x9f]", " ", text)
    units = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
    text = re.sub(rf"(?<=\d) ?({units})(?![\w/])", lambda unit: " " + UNITS[unit[1]], text)
    return " ".join(text.split())


def clauses(text: str) -> list[str]:
    """Cut at . ! ? ; : , before a space, each clause with its mark; abbreviations and numbers stay whole."""
    found: list[str] = []
    begin = 0
    for mark in re.finditer(r"[.!?;:,]+[\"')\u201d\u2019]*(?=\s|$)", text):
        word = re.search(r"[\w.]*$", text[begin : mark.start()])
        last = (word[0] if word else "").lower().rsplit(".", 1)[-1]
        if mark[0] == "." and (last in ABBREVIATIONS or (len(last) == 1 and last.isalpha())) and mark.end() < len(text):
            continue
        found.append(text[begin : mark.end()].strip())
        begin = mark.end()
    return [clause for clause in (*found, text[begin:].strip()) if re.search(r"\w", clause)]


def pieces(text: str) -> list[str]:
    """What to synthesise at a time: the first clause alone, so that it sounds early, then sentence by sentence.

    No piece is longer than LONGEST characters unless a single word is.
    """
    found: list[str] = []
    for clause in clauses(text):
        for part in _wrap(clause):
            # A first piece of one short word ("Yes, ...") would end before the second is ready.
            first = len(found) == 1 and len(found[0]) >= 8
            ended = found and found[-1][-1] in ".!?"
            if not found or first or ended or len(found[-1]) + len(part) >= LONGEST:
                found.append(part)
            else:
                found[-1] += f" {part}"
    return found


def _wrap(clause: str) -> list[str]:
    import textwrap

    return textwrap.wrap(clause, LONGEST, break_long_words=False, break_on_hyphens=False)
