"""What each intent needs: the one table from which a question's way is taken. A new intent is one row here.

A row that has phrasings in export/recipe/phrasings.toml is recognised by the classifier too, after it was trained
again (docs/routing.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from device.routing.marks import EVIDENCE
from device.skills.commands import Command


@dataclass(frozen=True)
class Route:
    """name: of the intent. about: what is wanted, for people.

    rows: the names of the rows of device.experts.table that are meant so; their patterns recognise it. asks: how to ask
    for it in words that such a pattern takes, for a phrasing that none does; {thing} and the like stand for what
    device.routing.slots finds in the phrasing. prompt: what the language model is asked in place of the question, where
    it was trained on one wording. named: the same where the encoder knows the thing by name. picture: whether
    it is about a picture. command: what the loop does about it. sure: the chance from which on a phrasing
    that no pattern takes is taken for it; else the language model answers. reads: whether its experts want the text in
    the picture; reading takes so long that it is begun while it is asked. tokens: that an answer of the language model
    to it may take (docs/steps.md). compares: what its experts set side by side, if they do.
    """

    name: str
    about: str
    rows: tuple[str, ...] = ()
    asks: str = ""
    prompt: str = ""
    named: str = ""
    picture: bool = True
    command: Command | None = None
    sure: float = 0.55
    tokens: int = 24
    reads: bool = False
    compares: str = ""


OTHER, NOT_CAUGHT, EXPLAIN, SHOW_ME = "other", "not_caught", "explain", "show_me"
GRAVE = 0.75  # for what is refused or done at once
A_WORD, A_NAME, A_SCENE = 8, 12, 48  # tokens

ROUTES = (
    # The language model.
    Route("describe", "the whole scene", prompt="Describe what you see.", tokens=A_SCENE),
    Route("what_is_this", "what a thing is", named="What is this?", tokens=A_NAME),
    Route(OTHER, "anything else; the language model answers"),
    # Reading.
    Route("read_text", "what is written", ("read", "says"), "read this", reads=True),
    Route("read_line", "one line or word of it", ("read line", "read word"), "read the {ordinal} line", reads=True),
    Route("read_on", "the text that follows", ("read rest",), "read on", reads=True),
    Route("spell", "letter by letter", ("spell",), "spell it", reads=True),
    Route(
        "find_word",
        "whether or where a word is written",
        ("find word", "says whether"),
        "find the word {word}",
        reads=True,
    ),
    Route("contact_details", "phone, email, website", ("number or address",), "what is the {contact}", reads=True),
    Route("name_or_brand", "who makes it, what a shop or book is called", ("name",), "what brand is it", reads=True),
    Route(
        "scan_code",
        "QR codes, barcodes, a wifi password",
        ("wifi password", "codes whole", "is there a code", "scan", "what code"),
        "scan the code",
    ),
    # Colours.
    Route(
        "colour",
        "the colour of a thing",
        ("what colour", "what colour is the thing", "is it a colour", "is the thing a colour"),
        "what colour is {it}",
        tokens=A_WORD,
    ),
    Route(
        "same_colour",
        "whether two things have one colour",
        ("same colour as before", "same colour"),
        "are these the same colour",
        tokens=A_WORD,
        compares="the colours",
    ),
    # Labels and shelves.
    Route(
        "nutrition",
        "calories, sugar, salt ...",
        ("nutrient", "nutrition facts"),
        "how much {nutrient} is in it",
        reads=True,
    ),
    Route(
        "compare_products",
        "which is cheaper, which has less sugar",
        ("compare nutrition", "cheaper"),
        "which is {way}",
        compares="the products",
        reads=True,
    ),
    Route(
        "ingredients_allergens",
        "what is in it, for whom it is",
        ("ingredients", "contains", "allergens", "diet"),
        "{ingredients}",
        reads=True,
    ),
    Route("price", "what it costs", ("price",), "how much does it cost", reads=True),
    Route("unit_price", "what a kilo or litre of it costs", ("price",), "what is the unit price", reads=True),
    Route("date", "best before", ("date",), "what is the best before date", reads=True),
    Route("size", "weight and volume", ("size",), "what is the size", reads=True),
    # Things.
    Route("find_object", "where a thing is", ("where is it",), "where is {thing}"),
    Route("is_there", "whether there is one", ("is there one",), "is there {thing}", tokens=A_WORD),
    Route("count", "how many there are", ("how many", "count lines"), "how many {things} are there", tokens=A_WORD),
    Route("list_objects", "all things in view", ("what things",), "what objects do you see"),
    Route(
        "chart",
        "what a chart shows",
        (
            "chart title",
            "chart subject",
            "chart axis",
            "chart highest value",
            "chart highest",
            "chart value",
            "chart trend",
            "chart kind",
            "chart description",
        ),
        "describe the chart",
        reads=True,
    ),
    Route("photo_advice", "whether the picture is any good", ("picture quality",), "how is the picture"),
    # What is never told.
    Route("safety", "whether something is safe; never told", ("is it safe",), "is it safe", sure=GRAVE),
    Route("identify_person", "who somebody is; never told", ("who is it",)),
    Route("medical", "illness and medicine; never told", ("dosing", "diagnosis")),
    Route(
        "refuse",
        "harm, stalking, secrets, private traits, orders in a picture; never told or done",
        ("self-harm", "weapons and harm", "stalking", "secrets", "private traits", "order in the picture"),
    ),
    # The conversation.
    Route("repeat", "the last answer again", picture=False, command=Command.REPEAT, sure=GRAVE),
    Route("stop", "silence", picture=False, command=Command.STOP, sure=GRAVE),
    Route("louder", "a louder voice", picture=False, command=Command.LOUDER, sure=GRAVE),
    Route("quieter", "a quieter voice", picture=False, command=Command.QUIETER, sure=GRAVE),
    Route("slower", "slower speech", picture=False, command=Command.SLOWER, sure=GRAVE),
    Route("faster", "faster speech", picture=False, command=Command.FASTER, sure=GRAVE),
    Route("more_detail", "the same picture in detail", picture=False, command=Command.MORE, sure=GRAVE),
    Route(EXPLAIN, "what the last answer rests on", (EVIDENCE,), "why", picture=False, sure=GRAVE),
    Route(SHOW_ME, "where that is in the picture", (EVIDENCE,), "show me", picture=False, sure=GRAVE),
    Route(NOT_CAUGHT, "empty, garbled, very long or not English: a question back", picture=False, sure=GRAVE),
)


@lru_cache(1)
def by_name() -> dict[str, Route]:
    return {route.name: route for route in ROUTES}


@lru_cache(1)
def by_row() -> dict[str, tuple[str, ...]]:
    """By the name of an expert's row, the intents that it may be: the price of it, or of a kilo."""
    found: dict[str, tuple[str, ...]] = {}
    for route in ROUTES:
        for row in route.rows:
            found[row] = (*found.get(row, ()), route.name)
    return found


@lru_cache(1)
def by_command() -> dict[Command, Route]:
    """NEVER_MIND stops too, and is no intent of its own."""
    found = {route.command: route for route in ROUTES if route.command is not None}
    return {**found, Command.NEVER_MIND: found[Command.STOP]}
