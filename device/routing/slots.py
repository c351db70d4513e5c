"""What a phrasing is about, for the experts: the thing that is sought, the nutrient, the line.

Only asked for phrasings that no pattern takes; a pattern has its own groups. What is not found leaves the question to
the language model.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_DETERMINERS = "the|my|a|an|any|some|our|your|his|her|their|those|these|all|nearest"
_ENDS = (  # words that no name of a thing holds
    "i|you|we|it|is|are|was|am|be|do|does|did|can|could|have|has|in|on|at|of|to|for|from|with|by|there|here|where|what|"
    "and|or|that|this|now|please|near|around|anywhere|somewhere|nearby|out|over|under|behind|before|if|so|up|visible|"
    "standing|lying|sitting|coming|round|by|perhaps|mention|mentions|say|says|left|right|picture|room|view|sight|me|us|thanks|then|again|would|should|glint"
)
_NAME = rf"(?:(?!(?:{_ENDS}|{_DETERMINERS})\b)[\w'-]+ ?){{1,3}}"
_THING = re.compile(rf"\b(?:{_DETERMINERS}) (?:(?:{_DETERMINERS}) )*(?P<name>{_NAME})")
_ANYTHING = re.compile(rf"\b(?:find|locate|spot|for|see|many|count|to|of|is|any|some) (?P<name>{_NAME})")
_NO_THING = re.compile(
    r"(?:look|moment|second|bit|lot|way|hand|picture|photo|number|list|count|whole|name|question) ?$"
)
_NO_SUBJECT = re.compile(r"\b(?:colou?rs?|shade|hue|tone|tint|one|ones|thing|things)$")
_PRONOUN = re.compile(r"\b(?:anyone|anybody|someone|somebody|people|persons?)\b")
_NUTRIENT = re.compile(
    r"\b(?:dietary fib(?:re|er)|fib(?:re|er)|proteins?|sugars?|salt|sodium|saturated fats?|saturates|fat|carbs|"
    r"carbohydrates?|calories|kilocalories|kcal|energy)\b"
)
_TASTES = {
    "sugary": "sugar",
    "sweet": "sugar",
    "salty": "salt",
    "fatty": "fat",
    "greasy": "fat",
    "fattening": "calories",
}
_ORDINAL = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|top|bottom|middle|\d{1,2}(?:st|nd|rd|th))\b"
)
_LINE = re.compile(r"\bline (?:number )?(\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b")
_COUNTED = dict(
    zip(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"],
        strict=True,
    )
)
_WORD = re.compile(r"\b(?:words?|says?|saying|mentions?|for|written|term|phrase) (?P<word>[\w'-]+)(?: |$)")
_NO_WORD = re.compile(rf"(?:{_ENDS}|{_DETERMINERS}|anything|something|sign|page|text|word)$")
_DIET = re.compile(r"\b(?:vegan|vegetarian|veggie|gluten free|nut free|dairy free|lactose free|halal|kosher)")
_ALLERGEN = re.compile(
    r"\b(?:peanuts?|nuts?|almonds?|hazelnuts?|milk|dairy|lactose|gluten|wheat|eggs?|soya?|shellfish|fish|sesame|celery|"
    r"mustard|alcohol|pork|gelatine?|palm oil|honey|meat|caffeine)\b"
)
_LESS = re.compile(r"\b(?:less|least|lower|lowest|fewer|fewest)\b")
_CONTACTS = (
    (re.compile(r"\be-?mail\b"), "email address"),
    (re.compile(r"\b(?:web|site|url|online|internet|link)"), "website"),
    (re.compile(r""), "phone number"),
)


def filled(asks: str, text: str) -> str | None:
    """The plain question `asks` with its slots filled from a text in lower case; None where one is not found."""
    for slot in re.findall(r"{(\w+)}", asks):
        found = _FINDERS[slot](text)
        if found is None:
            return None
        asks = asks.replace(f"{{{slot}}}", found)
    return asks


def _thing(text: str) -> str | None:
    named = [found for found in _THING.finditer(text) if not _NO_THING.match(found["name"])]
    if named:
        return named[-1][0].strip()
    if found := _ANYTHING.search(text):
        return found["name"].strip()
    pronoun = _PRONOUN.search(text)
    return "a person" if pronoun else None


def _things(text: str) -> str | None:
    """The same without "the" or "my": what is counted."""
    thing = _thing(text)
    return None if thing is None else re.sub(rf"^(?:(?:{_DETERMINERS}) )+", "", thing)


def _it(text: str) -> str:
    """A thing that has a name, or what is in the middle of the picture."""
    named = [found for found in _THING.finditer(text) if not _NO_SUBJECT.search(found["name"].strip())]
    owned = [found for found in named if re.match(r"(?:the|my|his|her|their|your|these|those) ", found[0])]
    if not owned:
        return "this"
    determiner, *name = owned[-1][0].split()
    return " ".join([determiner, *name[-2:]])


def _nutrient(text: str) -> str | None:
    if found := _NUTRIENT.search(text):
        return found[0]
    return next((nutrient for taste, nutrient in _TASTES.items() if re.search(rf"\b{taste}\b", text)), None)


def _ordinal(text: str) -> str | None:
    if found := _LINE.search(text):
        return _COUNTED.get(found[1], f"{found[1]}th")
    found = _ORDINAL.search(text)
    return found[0] if found else None


def _word(text: str) -> str | None:
    found = [match["word"] for match in _WORD.finditer(text) if not _NO_WORD.match(match["word"])]
    return found[0] if found else None


def _contact(text: str) -> str:
    return next(name for pattern, name in _CONTACTS if pattern.search(text))


def _ingredients(text: str) -> str:
    """The question itself depends on what is asked for: a diet, an allergen or all of it."""
    if found := _DIET.search(text):
        return f"is it {found[0]}"
    if found := _ALLERGEN.search(text):
        return f"does it contain {found[0]}"
    return "what are the allergens" if "allerg" in text else "what are the ingredients"


def _way(text: str) -> str:
    nutrient = _nutrient(text)
    if nutrient is None:
        return "cheaper"
    return f"{'lower' if _LESS.search(text) else 'higher'} in {nutrient}"


_FINDERS: dict[str, Callable[[str], str | None]] = {
    "thing": _thing,
    "things": _things,
    "it": _it,
    "nutrient": _nutrient,
    "ordinal": _ordinal,
    "word": _word,
    "contact": _contact,
    "ingredients": _ingredients,
    "way": _way,
}
