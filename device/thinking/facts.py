"""Finds in a text what must not be said without evidence: numbers, prices, dates, drugs and names of products.

Knows words, not where they come from. Errs towards finding too much: a fact that is none costs an "I think".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from fractions import Fraction


class Kind(Enum):
    """From the general to the special."""

    NUMBER = auto()
    NAME = auto()
    TIME = auto()
    IDENTIFIER = auto()  # a long number, or several in a row: of a telephone, an account, a bus stop
    PRICE = auto()
    DATE = auto()
    DRUG = auto()


@dataclass(frozen=True)
class Fact:
    """start, end: where in the text, as `legible` gives it. value: of a number; None for what is no number."""

    kind: Kind
    text: str
    start: int
    end: int
    value: Fraction | None = None


_UNITS = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen",
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES: dict[str, int | Fraction] = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "dozen": 12}
_IDIOMS: dict[str, int | Fraction] = {
    "half": Fraction(1, 2),
    "twice": 2,
    "thrice": 3,
    "both": 2,
    "pair": 2,
    "couple": 2,
    "trio": 3,
    "triple": 3,
}
_VALUES = {
    word: Fraction(value)
    for word, value in (
        *zip(_UNITS, range(20), strict=True),
        *zip(_TENS, range(20, 100, 10), strict=True),
        *_SCALES.items(),
        *_IDIOMS.items(),
    )
}
_NUMBER_WORD = "|".join(sorted(_VALUES, key=len, reverse=True))
_SPELLED = re.compile(rf"\b(?:{_NUMBER_WORD})(?:(?:[\s-]+(?:and\s+)?)(?:{_NUMBER_WORD}))*\b", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(?:[.,:/\s]\d+)*")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?")
_ROMAN = re.compile(r"\b(?=[IVXLCDM]{2})M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b")
_NO_ONE = re.compile(r"\b(?:no|any|every|some|each|which|this|that|the|other|another|only)[\s-]$", re.IGNORECASE)
_ONE_OF = re.compile(r"^[\s-](?:of|another|more|is|who|side|hand|that|end|day|way)\b", re.IGNORECASE)

_CURRENCY = r"(?:[$€£¥₹]|\b(?:dollars?|euros?|pounds?|cents?|pence|yen|francs?|rupees?|bucks?|usd|eur|gbp|chf)\b)"
_PRICE_NEAR = re.compile(_CURRENCY, re.IGNORECASE)
_MONTHS = re.findall(r"\w+", "january february march april may june july august september october november december")
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
# "may" and "march" are months only with a capital or beside a number.
_DATE = re.compile(
    rf"\b(?:{'|'.join(m for m in _MONTHS if m not in ('may', 'march'))}|{'|'.join(_DAYS)}|tomorrow|yesterday)\b"
    r"|\b(?:19|20)\d\d-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./](?:19|20)?\d\d\b",
    re.IGNORECASE,
)
_DATE_CAPITAL = re.compile(r"(?<=[a-z,] )(?:May|March)\b|\b(?:May|March)(?= \d)|(?<=\d )(?:May|March)\b")

# Stems that generic names of drugs end in (WHO's list of international nonproprietary names), and common others.
_DRUG = re.compile(
    r"\b(?:\w{3,}(?:cillin|prazole|statin|sartan|olol|pril|mycin|azepam|azolam|oxacin|cycline|profen|fenac|triptan"
    r"|gliptin|gliflozin|formin|parin|xaban|caine|codone|morphone|barbital|setron|dronate|tidine|vir|mab|zolam"
    r"|dipine|thiazide|semide|lukast|sone|solone|oxetine|traline|pram)"
    r"|paracetamol|acetaminophen|aspirin|codeine|morphine|tramadol|fentanyl|insulin|warfarin|digoxin|lithium"
    r"|tylenol|advil|nurofen|panadol|calpol|viagra|xanax|valium|prozac|zoloft|ritalin|adderall|oxycontin|lipitor"
    r"|metformin|diazepam|ventolin|salbutamol|albuterol|levothyroxine|loratadine|cetirizine|benadryl|sudafed|zantac"
    r"|imodium|loperamide|melatonin)\b",
    re.IGNORECASE,
)


# Products that are named without a capital when a model is careless; what has one is found by it.
_BRANDS = re.compile(
    r"\b(?:coca[- ]?cola|coke|pepsi|sprite|fanta|heineken|guinness|budweiser|starbucks|mcdonald'?s?|nescafe|nutella"
    r"|kellogg'?s|heinz|nestle|cadbury|oreo|lego|iphone|ipad|macbook|samsung|android|nokia|xbox|playstation|nintendo"
    r"|toyota|honda|bmw|mercedes|volkswagen|porsche|ferrari|nike|adidas|puma|gucci|prada|rolex|ikea|microsoft|google"
    r"|amazon|facebook|visa|mastercard|gillette|colgate|pampers|kleenex|oatly|alpro|tropicana|arla|valio|bravo"
    r"|yoggi|garant)\b",
    re.IGNORECASE,
)
_PLAIN_CAPITALS = set(
    re.findall(
        r"\S+",
        "i i'm i'll i've i'd tv ok glint english christmas easter us usa uk american british chinese japanese asian"
        " french italian german spanish mexican indian african european dvd cd pc lcd suv bbq t-shirt xmas a qr wi-fi",
    )
)
_WORD = re.compile(r"[^\W\d_][\w'&-]*")
_OPENS = re.compile(r"(?:^|[.!?:]\s+|[\"\u201c\u2018(]\s*)$")

# Cyrillic that looks like Latin.
_CONFUSABLE = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456",
    "ABEKMHOPCTXaeopcyxi",
)


def legible(text: str) -> str:
    """The text with one form for each character: no invisible ones, no look-alikes, digits as 0 to 9, plain spaces."""
    decomposed = unicodedata.normalize("NFKC", text).replace("\u2044", "/").translate(_CONFUSABLE)
    kept = (c for c in decomposed if unicodedata.category(c) not in ("Cf", "Cc", "Mn") or c.isspace())
    return " ".join("".join(str(unicodedata.digit(c, c)) if c.isdigit() else c for c in kept).split())


def facts_in(text: str) -> list[Fact]:
    """The facts in a `legible` text, in order; none overlaps another."""
    found = [*_dates(text), *_numbers(text), *_drugs(text), *_names(text)]
    kept: list[Fact] = []
    # The longer first, and the more special, so that a date is not a number as well.
    for fact in sorted(found, key=lambda f: (f.start - f.end, -f.kind.value)):
        if all(fact.end <= other.start or fact.start >= other.end for other in kept):
            kept.append(fact)
    return sorted(kept, key=lambda fact: fact.start)


def numbers_in(text: str) -> set[Fraction]:
    """The values of all numbers in a text, however they are written."""
    return {fact.value for fact in _numbers(legible(text)) if fact.value is not None}


def _numbers(text: str) -> list[Fact]:
    found = []
    for match in _DIGITS.finditer(text):
        found.append(_number(text, match, _value(match[0])))
    for match in _SPELLED.finditer(text):
        if match[0].lower() == "one" and _is_pronoun(text, match):
            continue
        if match[0].lower() in _IDIOMS:
            continue  # alone they are ways to speak; in "half a dozen" or "twenty and a half" they count
        found.append(_number(text, match, _spelled(match[0])))
    for match in _ROMAN.finditer(text):
        if match[0] and match[0].lower() not in _PLAIN_CAPITALS:
            found.append(Fact(Kind.NUMBER, match[0], match.start(), match.end()))
    return found


def _is_pronoun(text: str, one: re.Match[str]) -> bool:
    """ "There is one, no one, one of them", but not "one dog" and not "one" as a whole answer."""
    before, after = text[: one.start()], text[one.end() :]
    ends = re.match(r"[\s-]+\w", after) is None
    return bool(_NO_ONE.search(before) or _ONE_OF.match(after) or (ends and before.strip()))


def _number(text: str, match: re.Match[str], value: Fraction | None) -> Fact:
    around = text[max(0, match.start() - 2) : match.end() + 12]
    near = _PRICE_NEAR.search(around)
    kind = Kind.PRICE if near else Kind.NUMBER
    if not near and _CLOCK.fullmatch(match[0]):
        kind = Kind.TIME
    elif not near and match[0][0].isdigit() and (sum(map(str.isdigit, match[0])) > 4 or " " in match[0]):
        kind = Kind.IDENTIFIER
    return Fact(kind, match[0], match.start(), match.end(), value)


def _value(digits: str) -> Fraction | None:
    plain = digits.replace(" ", "")
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain):
        plain = plain.replace(",", "")
    plain = plain.replace(",", ".")
    try:
        return Fraction(plain)
    except (ValueError, ZeroDivisionError):
        return None


def _spelled(words: str) -> Fraction:
    """ "twenty-one" -> 21, "two hundred and five" -> 205."""
    total, current = Fraction(0), Fraction(0)
    for word in re.split(r"[\s-]+", words.lower()):
        if word == "and":
            continue
        value = _VALUES[word]
        if word in _SCALES:
            current = (current or 1) * value
            if value >= 1000:
                total, current = total + current, Fraction(0)
        else:
            current += value
    return total + current


def _dates(text: str) -> list[Fact]:
    matches = [*_DATE.finditer(text), *_DATE_CAPITAL.finditer(text)]
    return [Fact(Kind.DATE, m[0], m.start(), m.end()) for m in matches]


def _drugs(text: str) -> list[Fact]:
    return [Fact(Kind.DRUG, m[0], m.start(), m.end()) for m in _DRUG.finditer(text)]


def _names(text: str) -> list[Fact]:
    found = [Fact(Kind.NAME, m[0], m.start(), m.end()) for m in _BRANDS.finditer(text)]
    for word in _WORD.finditer(text):
        plain = re.sub(r"'s$", "", word[0])
        capital = plain[0].isupper() and not _OPENS.search(text[: word.start()])
        inner = any(c.isupper() for c in plain[1:])
        if (capital or inner) and plain.lower() not in _PLAIN_CAPITALS and not _ROMAN.fullmatch(plain):
            found.append(Fact(Kind.NAME, word[0], word.start(), word.end()))
    return found
