"""First, second, last, line 3: which of a row of things is meant."""

from __future__ import annotations

from device.experts.intent import Words

ORDINALS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
)
CARDINALS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_FROM_THE_START = {"top": 0, "topmost": 0}
_FROM_THE_END = {"last": 1, "final": 1, "bottom": 1, "second to last": 2, "second last": 2, "next to last": 2}


def named_index(words: Words, count: int) -> int | None:
    """The index out of `count` that `ordinal` or `number` names; None when there are fewer, or it names none."""
    asked = words.get("ordinal") or words.get("number", "")
    if asked in _FROM_THE_END:
        index = count - _FROM_THE_END[asked]
    elif asked == "middle":
        index = (count - 1) // 2
    elif asked in _FROM_THE_START:
        index = _FROM_THE_START[asked]
    elif asked in ORDINALS:
        index = ORDINALS.index(asked)
    elif asked in CARDINALS:
        index = CARDINALS.index(asked)
    else:
        index = int("".join(filter(str.isdigit, asked)) or 0) - 1
    return index if 0 <= index < count else None


def ordinal(index: int) -> str:
    """0 -> "first"; as a word up to twenty, so that it is no number that needs a claim; "wanted" beyond."""
    return ORDINALS[index] if index < len(ORDINALS) else "wanted"
