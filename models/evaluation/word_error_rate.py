"""Word error rate: how many words of a text were heard wrongly, left out or made up, per word of the text."""

import re

import jiwer

UNITS = (  # noqa: SIM905
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_expand = jiwer.ExpandCommonEnglishContractions()
SYMBOLS = {"%": " percent ", "&": " and ", "°": " degrees ", "$": " dollars ", "€": " euros "}


def word_error_rate(references: list[str], heard: list[str]) -> float:
    """Errors over all pairs per word over all references, by edit distance (jiwer); 0 is perfect, above 1 possible.

    Both sides are normalised alike: see `spoken_words`.
    """
    return float(jiwer.wer([spoken_words(text) for text in references], [spoken_words(text) for text in heard]))


def spoken_words(text: str) -> str:
    """Text as it sounds: lower case, whole numbers and a few symbols as words, no punctuation, single spaces.

    Contractions are spelt out ("there's" is two words), for a recogniser writes either; hyphens separate.
    """
    text = _expand(text.lower().replace("\u2019", "'"))
    for symbol, word in SYMBOLS.items():
        text = text.replace(symbol, word)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"(?<=\d)\.(?=\d)", " point ", text)
    text = re.sub(r"\d+", lambda number: f" {number_words(int(number[0]))} ", text)
    text = text.replace("'", "")
    return " ".join(re.sub(r"[^\w]+|_", " ", text).split())


def number_words(number: int) -> str:
    """0 -> zero, 342 -> three hundred forty two; a million or more is read digit by digit."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10 - 2] + (f" {UNITS[number % 10]}" if number % 10 else "")
    if number >= 1_000_000:
        return " ".join(UNITS[int(digit)] for digit in str(number))
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    return f"{number_words(number // size)} {name}" + (f" {number_words(number % size)}" if number % size else "")
