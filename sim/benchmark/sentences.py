"""What is said in the benchmark: questions, wake phrases, interruptions, and endless talk that is meant for nobody.

Nothing may ever be tuned on these sentences: they are what the figures of the live loop are measured with.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np

QUESTIONS = (
    "What is this?",
    "Describe what you see.",
    "What colour is it?",
    "How many people are there?",
    "Is there a dog in the picture?",
    "What is in front of me right now?",
    "Can you tell me what I am holding in my hand?",
    "What is on the left side of the table?",
    "Is there anything to eat here?",
    "Please describe the scene in front of me.",
    "Where are my keys?",
    "Is the door open or closed?",
    "What kind of fruit is that, and is it ripe?",
    "Could you look at the shelf and tell me which bottle is the tallest one?",
    "What is the man over there doing?",
    "Do you see a free chair anywhere in this room?",
    "Which of these two is bigger?",
    "Tell me, what is behind the glass?",
    "Are there any cars coming?",
    "I have lost my way, so please tell me what the building on the other side of the street looks like.",
)
INTERRUPTIONS = (
    "Stop.",
    "What colour is it?",
    "Wait, how many are there?",
    "Stop talking.",
    "No, the one on the left.",
    "Never mind.",
    "And what is behind it?",
    "Hold on, is that a cat?",
)
WAKE_WORD, NAME = "Hey Jarvis", "Hey Glint"

# Openings of books whose copyright has long expired, and a speech.
PASSAGES = (
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a "
    "wife. However little known the feelings or views of such a man may be on his first entering a neighbourhood, this "
    "truth is so well fixed in the minds of the surrounding families.",
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do. Once or "
    "twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it.",
    "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and "
    "nothing particular to interest me on shore, I thought I would sail about a little and see the watery part of the "
    "world.",
    "Four score and seven years ago our fathers brought forth on this continent a new nation, conceived in liberty, "
    "and dedicated to the proposition that all men are created equal.",
    "No one would have believed in the last years of the nineteenth century that this world was being watched keenly "
    "and closely by intelligences greater than man's and yet as mortal as his own.",
    "To Sherlock Holmes she is always the woman. I have seldom heard him mention her under any other name. In his eyes "
    "she eclipses and predominates the whole of her sex.",
)
_PEOPLE = (
    "Mary",
    "James",
    "Linda",
    "Robert",
    "Susan",
    "David",
    "Karen",
    "Michael",
    "Nancy",
    "Daniel",
    "Lisa",
    "Paul",
    "Ashley",
    "George",
    "Emily",
    "Kevin",
    "Anna",
    "Brian",
    "Laura",
    "Edward",
)
_PLACES = (
    "kitchen",
    "garden",
    "station",
    "office",
    "bakery",
    "library",
    "harbour",
    "market",
    "museum",
    "garage",
    "school",
    "bridge",
    "park",
)
_VERBS = (
    "found",
    "lost",
    "bought",
    "painted",
    "carried",
    "described",
    "repaired",
    "forgot",
    "sold",
    "borrowed",
    "noticed",
    "drew",
)
_MANNER = (
    "yesterday",
    "last summer",
    "without a word",
    "for the third time",
    "before breakfast",
    "on the way home",
    "in the rain",
    "by mistake",
    "as usual",
    "after the meeting",
    "while it was snowing",
    "for no reason at all",
)
_PATTERNS = (
    "{person} {verb} a {thing} in the {place} {manner}.",
    "I do not think that {person} has ever seen a {thing}, but {other} has.",
    "If you go to the {place}, please ask {person} about the {thing}.",
    "Hey {person}, did you see the {thing} that {other} {verb}?",
    "There were {number} people in the {place}, and not one of them {verb} the {thing}.",
    "The {thing} costs {number} dollars at the {place}, which is too much.",
    "Why would anybody keep a {thing} next to a {second}?",
    "Okay, so first we meet at the {place} at {hour}, and then we look for the {second}.",
    "{person} said that the {thing} looked like a {second} {manner}.",
    "Have you heard? {person} and {other} {verb} a {thing} {manner}.",
    "Turn left at the {place}, go on for {number} metres, and you will see a {thing}.",
    "My sister called {manner} and talked about nothing but her {thing} and the {place}.",
)
_THINGS_TO_ASK = ("Is there a {thing} here?", "Where is the {thing}?", "What colour is the {thing}?")


def talk(things: list[str], seed: int = 0) -> Iterator[str]:
    """Sentences without end that say no wake phrase; `things` are nouns. Now and then a passage of a book."""
    random = np.random.default_rng(seed)

    def pick(of: tuple[str, ...] | list[str]) -> str:
        return of[int(random.integers(len(of)))]

    while True:
        if random.random() < 0.02:
            yield pick(PASSAGES)
            continue
        yield pick(_PATTERNS).format(
            person=pick(_PEOPLE),
            other=pick(_PEOPLE),
            verb=pick(_VERBS),
            thing=pick(things),
            second=pick(things),
            place=pick(_PLACES),
            manner=pick(_MANNER),
            number=int(random.integers(2, 990)),
            hour=int(random.integers(1, 13)),
        )


def questions_about(things: list[str], count: int) -> list[str]:
    """`count` questions: those of the benchmark, then others about `things`."""
    more = [_THINGS_TO_ASK[i % len(_THINGS_TO_ASK)].format(thing=thing) for i, thing in enumerate(things)]
    return [*QUESTIONS, *more][:count]


def class_names(folder: Path) -> list[str]:
    """The names of the 1000 ImageNet classes; `folder` is the catalogue's imagenet-class-names."""
    for node in ast.parse((folder / "_meta.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_IMAGENET_CATEGORIES":
            return [name.lower() for name in ast.literal_eval(node.value)]
    raise ValueError(f"{folder} holds no list of ImageNet categories")
