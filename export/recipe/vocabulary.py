"""The words a hint can be: objects, names and caption words, with the sets of photos that can teach each of them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.recipe.photos import Photo

MIN_PHOTOS = 25  # a caption word seen in fewer training photos is not worth a hint
STOP_WORDS = frozenset(
    """a an the in on at of to with by for from into onto over under up down out off through across along around near
    next beside behind between while as and or but is are was be being been has have had do does doing it its it's his
    her their they he she him them who which that this these those there some other another each one's something
    someone front back side top very both together all own about during like trying going taking making getting looks
    look appears some's s t 's n't where what no not so than then after before""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class HintGroup:
    """One block of the hint scores: `names[i]` is what column i of the block is called in the prompt."""

    label: str
    names: list[str]


def caption_words(caption: str) -> set[str]:
    return {w for w in re.findall(r"[a-z][a-z'-]+", caption.lower()) if w not in STOP_WORDS}


def spoken_name(name: str, kind: str | None) -> str:
    """How a thing is called aloud: the kind follows the variety unless the name holds it ("Granny Smith apple")."""
    if name.endswith((" body", " face", " head")) and kind is None:
        name = name.rsplit(" ", 1)[0]
    name = {"water lilly": "water lily", "outwear": "outwear jacket", "longsleeve": "longsleeve shirt"}.get(name, name)
    if kind is None or kind.lower().rstrip("s") in name.lower():
        return name
    return f"{name} {kind.lower()}"


def imagenet_names(meta: Path) -> list[str]:
    """The 1000 ImageNet class names, in order, out of torchvision/models/_meta.py."""
    for node in ast.parse(meta.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_IMAGENET_CATEGORIES":
            return [name.lower() for name in ast.literal_eval(node.value)]
    raise ValueError(f"{meta} holds no list of ImageNet categories")


def build_groups(photos: list[Photo]) -> list[HintGroup]:
    """Objects, names and caption words of the training photos (the ImageNet classes are a block of their own)."""
    words = Counter(w for p in photos for w in set().union(*map(caption_words, p.captions)))
    return [
        HintGroup("objects", sorted({o for p in photos for o in p.objects or []})),
        HintGroup("names", sorted({spoken_name(p.name, p.kind) for p in photos if p.name})),
        HintGroup("words", sorted(w for w, n in words.items() if n >= MIN_PHOTOS)),
    ]


def targets(photo: Photo, groups: list[HintGroup]) -> tuple[np.ndarray, np.ndarray]:
    """(labels, known), both float32 [sum of group sizes]; `known` is 0 where the photo cannot tell.

    A photo of a named thing says nothing about objects or caption words; a caption word counts as present in the
    degree to which the five writers agree; named things are taken to be absent from photos of other sets.
    """
    labels, known = [], []
    for group in groups:
        index = {name: i for i, name in enumerate(group.names)}
        y, k = np.zeros(len(index), np.float32), np.zeros(len(index), np.float32)
        if group.label == "objects" and photo.objects is not None:
            y[[index[o] for o in photo.objects]], k[:] = 1, 1
        elif group.label == "names" and photo.source != "daquar":
            k[:] = 1
            if photo.name:
                y[index[spoken_name(photo.name, photo.kind)]] = 1
        elif group.label == "words" and photo.captions:
            k[:] = 1
            for caption in photo.captions:
                for word in caption_words(caption) & index.keys():
                    y[index[word]] += 1
            y = np.minimum(1, y / min(2, len(photo.captions)))
        labels.append(y)
        known.append(k)
    return np.concatenate(labels), np.concatenate(known)
