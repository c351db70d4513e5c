"""Photos to training sequences: which questions are asked of a photo, and how its conversation is laid out in tokens.

A photo is one tree: the root holds the prompt head, the visual tokens and the hints; each question is a branch of the
root, and each answer a branch of its question. A token sees its ancestors and what precedes it in its own branch, so
five captions cost one root and one question.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace

import numpy as np
from tokenizers import Tokenizer

from export.recipe.photos import Photo
from export.recipe.vocabulary import spoken_name
from models.prompt import HintRule, PromptTemplate, hint_text

DESCRIBE = ["Describe what you see."] * 6 + [
    "What do you see?",
    "Describe the scene.",
    "What is in front of me?",
    "Describe this picture.",
    "What is happening here?",
]
NAME = ["What is this?"] * 5 + ["What am I looking at?", "What is that?", "What am I holding?", "Name this."]
NAMES = "names"  # label of the hints that are names of things
MATERIALS = ("cardboard", "glass", "metal", "paper", "plastic")
ANSWER_WEIGHT = 2.0  # a short answer is one or two tokens beside the sixty of the captions


@dataclass(frozen=True)
class Segment:
    tokens: list[int]
    parent: int  # index of the segment this one continues; -1 for a root
    weight: float = 0.0  # of each token in the loss; 0 for what is only read


@dataclass(frozen=True)
class Tree:
    """`segments[0]` is the root; its visual tokens stand at positions `visual` .. `visual + cells`."""

    segments: list[Segment]
    visual: int
    row: int  # of the photo's features

    def __len__(self) -> int:
        return sum(len(s.tokens) for s in self.segments)


def tidy_caption(text: str) -> str:
    text = re.sub(r"\s+([.,!?'])", r"\1", " ".join(text.split())).strip(' ."')
    return text[:1].upper() + text[1:] + "."


def tidy_answer(text: str) -> str:
    text = " ".join(text.replace("_", " ").split())
    return text[:1].upper() + text[1:]


def tidy_question(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip("? .") + "?"


def with_article(name: str) -> str:
    if name[-1:] == "s" and not name.endswith("ss"):
        return tidy_caption(name)
    return tidy_caption(("an " if name[0].lower() in "aeiou" else "a ") + name)


def said_as(name: str) -> str:
    """The answer that gives a thing's spoken name."""
    return tidy_caption(name) if name in MATERIALS else with_article(name)


def conversations(photo: Photo, rng: random.Random, mirrored: bool) -> list[tuple[str, list[str], float]]:
    """(question, answers, weight) for one visit of a photo; other questions are drawn at the next visit."""
    out: list[tuple[str, list[str], float]] = []
    if photo.captions:
        captions = [c for c in map(tidy_caption, photo.captions) if 8 < len(c) < 140]
        if mirrored:
            captions = [c for c in captions if not re.search(r"\b(left|right)\b", c)] or captions[:1]
        out.append((rng.choice(DESCRIBE), rng.sample(captions, min(5, len(captions))), 1.0))
    if photo.name:
        spoken = spoken_name(photo.name, photo.kind)
        if photo.name in MATERIALS:
            out.append((rng.choice(["What is this?", "What is this made of?"]), [tidy_caption(spoken)], ANSWER_WEIGHT))
        else:
            # Without the second kind of question a description of a product is a scene around it that is not there.
            question = rng.choice(NAME if rng.random() < 0.75 else DESCRIBE)
            out.append((question, [with_article(spoken)], ANSWER_WEIGHT))
    questions = photo.questions if len(photo.questions) <= 8 else rng.sample(photo.questions, 8)
    for question, answers in questions:
        if mirrored and re.search(r"\b(left|right)\b", question):
            continue
        answer = answers[0] if photo.source == "coco" else ", ".join(answers[:3])
        out.append((tidy_question(question), [tidy_answer(answer)], ANSWER_WEIGHT))
    return out


def object_questions(photo: Photo, vocabulary: list[str], rng: random.Random) -> list[tuple[str, list[str], float]]:
    """Presence questions from the list of objects: as many about what is there as about what is not."""
    present = photo.objects or []
    absent = [o for o in rng.sample(vocabulary, 4) if o not in present][:2]
    out = []
    for thing, answer in [(o, "Yes") for o in rng.sample(present, min(2, len(present)))] + [(o, "No") for o in absent]:
        article = "an" if thing[0] in "aeiou" else "a"
        form = rng.choice(["Is there {} in the picture?", "Is there {} here?", "Do you see {}?", "Can you see {}?"])
        out.append((form.format(f"{article} {thing}"), [answer], ANSWER_WEIGHT / 2))
    return out


def every_answer(photos: list[Photo]) -> set[str]:
    """All texts that `conversations` and `object_questions` can ask the model to say."""
    texts = {"Yes", "No"}
    for photo in photos:
        texts.update(map(tidy_caption, photo.captions))
        texts.update(tidy_answer(", ".join(answers[:n])) for _, answers in photo.questions for n in (1, 3))
        if photo.name:
            spoken = spoken_name(photo.name, photo.kind)
            texts.update((with_article(spoken), tidy_caption(spoken)))
    return texts


class TreeBuilder:
    def __init__(self, tokenizer: Tokenizer, template: PromptTemplate, rules: list[HintRule], cells: int):
        self._tokenizer, self._template, self._rules, self._cells = tokenizer, template, rules, cells
        self._end = tokenizer.token_to_id(template.end)

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def prompt(self, row: int, hint_scores: np.ndarray | None, question: str | None, rng: random.Random) -> Tree:
        """The root alone, or with one question. `hint_scores` float [h], or None to ask without hints."""
        scores = hint_scores
        if scores is not None:
            scores = np.where(np.random.default_rng(rng.getrandbits(32)).random(len(scores)) < 0.1, 0, scores)
        head = self._ids(self._template.head)
        hints = hint_text(scores, self._rules) if scores is not None else ""
        root = head + [0] * self._cells + self._ids(self._template.after_image(hints))
        asked = [] if question is None else [self._question(question)]
        return Tree([Segment(root, -1), *asked], len(head), row)

    def _question(self, question: str) -> Segment:
        return Segment(self._ids(self._template.question(question)), 0)

    def build(
        self,
        row: int,
        hint_scores: np.ndarray | None,
        asked: list[tuple[str, list[str], float]],
        rng: random.Random,
        limit: int,
    ) -> Tree:
        """A prompt with questions and answers; branches that would exceed `limit` tokens are left out."""
        tree = self.prompt(row, hint_scores, None, rng)
        segments = list(tree.segments)
        used = len(tree)
        for question, answers, weight in asked:
            ask = self._question(question)
            replies: list[Segment] = []
            for answer in answers:
                reply = Segment([*self._ids(answer), self._end], len(segments), weight)
                if used + len(ask.tokens) + sum(len(r.tokens) for r in [*replies, reply]) <= limit:
                    replies.append(reply)
            if replies:
                segments += [ask, *replies]
                used += len(ask.tokens) + sum(len(r.tokens) for r in replies)
        return replace(tree, segments=segments)
