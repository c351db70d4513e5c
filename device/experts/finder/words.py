"""What people call the things that the encoder knows: synonyms, plurals, narrower and wider words.

Data, and the looking up in it. Knows nothing of pictures.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

SAME = {  # name of the object head: other words for the same
    "airplane": "plane aeroplane jet aircraft airliner",
    "backpack": "rucksack knapsack",
    "baseball glove": "mitt|baseball mitt|catcher's mitt",
    "bicycle": "bike cycle push-bike",
    "boat": "ship vessel",
    "broccoli": "broccolis",
    "bus": "coach|autobus",
    "cake": "gateau",
    "car": "automobile",
    "cell phone": "phone|cellphone|mobile|mobile phone|smartphone|telephone|iphone",
    "clock": "wall clock|alarm clock",
    "couch": "sofa settee loveseat",
    "cow": "cattle ox",
    "cup": "mug beaker|coffee cup|teacup|tea cup|coffee mug",
    "cabinet door": "cupboard door",
    "dining table": "table|kitchen table|dinner table",
    "dog": "doggy doggie hound",
    "donut": "doughnut",
    "door": "doorway|exit door|entrance door|front door",
    "fire hydrant": "hydrant",
    "hair drier": "hair dryer|hairdryer|hairdrier|blow dryer",
    "handbag": "purse|hand bag|shoulder bag",
    "handle": "door handle|doorknob|door knob|knob",
    "hot dog": "hotdog",
    "microwave": "microwave oven",
    "motorcycle": "motorbike|motor bike|motor cycle|scooter|moped",
    "mouse": "computer mouse",
    "oven": "stove cooker range",
    "person": "people persons human humans someone somebody anyone anybody everyone folks",
    "potted plant": "plant|house plant|houseplant|pot plant|flower pot|plant pot|flowerpot",
    "refrigerator": "fridge|icebox|fridge freezer",
    "refrigerator door": "fridge door",
    "remote": "remote control|tv remote|clicker",
    "sandwich": "sandwiches sub",
    "scissors": "scissor|pair of scissors",
    "sink": "basin|wash basin|washbasin|wash basin",
    "skis": "ski|pair of skis",
    "sports ball": "ball|soccer ball|football|basketball|tennis ball|baseball|volleyball",
    "stop sign": "stop signal",
    "suitcase": "luggage|trolley case|travel case",
    "teddy bear": "teddy|stuffed bear|stuffed animal|plush bear",
    "tennis racket": "racket|racquet|tennis racquet",
    "tie": "necktie|neck tie",
    "toilet": "toilet bowl|loo|lavatory",
    "traffic light": "traffic signal|stoplight|stop light|traffic lights",
    "train": "locomotive",
    "truck": "lorry|pickup|pickup truck",
    "tv": "television|tv set|telly|monitor|screen|tv screen|computer screen|computer monitor",
    "umbrella": "parasol|brolly|sunshade",
    "wine glass": "wineglass|goblet",
}
NARROWER = {  # a word for some of what a name covers: what is found is the name, not the word
    "person": "man woman men women boy girl child kid baby guy lady gentleman toddler adult teenager "
    "player skier surfer cyclist driver waiter waitress",
    "bird": "pigeon duck goose seagull gull chicken parrot swan crow",
    "boat": "canoe sailboat ferry kayak yacht",
    "car": "taxi cab van suv",
    "cat": "kitten",
    "chair": "armchair stool seat",
    "cow": "bull calf",
    "dog": "puppy",
    "horse": "pony foal",
    "sheep": "lamb goat",
    "laptop": "computer notebook",
    "book": "textbook novel",
    "bottle": "water bottle|wine bottle|beer bottle",
    "dining table": "desk|coffee table",
}
WIDER = {  # a word for several names
    "bag": "handbag|backpack|suitcase",
    "glass": "wine glass|cup",
    "animal": "bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe",
    "pet": "cat|dog",
    "vehicle": "car|truck|bus|motorcycle|bicycle|train",
    "fruit": "banana|apple|orange",
    "cutlery": "fork|knife|spoon",
    "silverware": "fork|knife|spoon",
}
IRREGULAR = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "knives": "knife",
    "calves": "calf",
    "oxen": "ox",
    "gentlemen": "gentleman",
    "people": "people",
    "cattle": "cattle",
    "scissors": "scissors",
    "skis": "skis",
    "bus": "bus",
    "glass": "glass",
    "wine glass": "wine glass",
    "tennis": "tennis",
}
PLURALS = {
    "person": "people",
    "knife": "knives",
    "mouse": "mice",
    "sheep": "sheep",
    "skis": "skis",
    "scissors": "scissors",
    "broccoli": "broccoli",
}
_DETERMINER = re.compile(
    r"^(?:(?:the|a|an|any|some|my|your|our|his|her|their|this|that|these|those|all|nearest|closest|next|another|other|"
    r"of|one|more) )+"
)


@dataclass(frozen=True)
class Thing:
    """What a word stands for. names: of the object head, one or several. exact: False where the word says more."""

    word: str
    names: tuple[str, ...]
    exact: bool


def bare(words: str) -> str:
    """Without articles and the like: "the nearest exit" -> "exit"."""
    return _DETERMINER.sub("", words.strip() + " ").strip()


def singular(word: str) -> str:
    """By the spelling of the last word: "wine glasses" -> "wine glass"."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    head, _, last = word.rpartition(" ")
    last = IRREGULAR.get(last, last)
    if last == word.rpartition(" ")[2]:
        if last.endswith("ies") and len(last) > 4:
            last = last[:-3] + "y"
        elif last.endswith(("ches", "shes", "sses", "xes", "buses")):
            last = last[:-2]
        elif last.endswith("s") and not last.endswith(("ss", "us", "is")):
            last = last[:-1]
    return f"{head} {last}".strip()


def plural(name: str) -> str:
    """ "bus" -> "buses"."""
    if name in PLURALS:
        return PLURALS[name]
    if name.endswith(("ch", "sh", "s", "x")):
        return name + "es"
    return name[:-1] + "ies" if name.endswith("y") and name[-2] not in "aeiou" else name + "s"


def with_article(name: str) -> str:
    """ "orange" -> "an orange"; things that come in pairs have none."""
    if name in ("skis", "scissors", "broccoli"):
        return name
    return ("an " if name[0] in "aeiou" else "a ") + name


def _table(groups: dict[str, str]) -> dict[str, str]:
    return {
        word: name for name, words in groups.items() for word in (words.split("|") if "|" in words else words.split())
    }


_SAME, _NARROWER = _table(SAME), _table(NARROWER)


def look_up(words: str, known: Collection[str]) -> Thing | None:
    """What is meant by words such as "the people" or "my phone", out of the names that are `known`."""
    asked = bare(words)
    for word in dict.fromkeys((asked, singular(asked))):
        if word in known:
            return Thing(word, (word,), True)
        if _SAME.get(word) in known:
            return Thing(word, (_SAME[word],), True)
        if _NARROWER.get(word) in known:
            return Thing(word, (_NARROWER[word],), False)
        if word in WIDER:
            return Thing(word, tuple(name for name in WIDER[word].split("|") if name in known), True)
    return None
