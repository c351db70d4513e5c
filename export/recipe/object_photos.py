"""What is known about the photos that the object head learns from, seen through a view of each.

Truth about whole photos (coco, coco_extra), boxes drawn by people (doors), and the teacher's boxes of names that the
truth confirms. What is not known is said to be so: a name that is there but has no box may be anywhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from export.recipe.object_features import FIRST_CROP, Window, window
from export.recipe.photos import held_out
from export.recipe.teacher import COCO

Box = tuple[float, float, float, float]
DOORS = ("door", "handle", "cabinet door", "refrigerator door")
NAMES = (*COCO, *DOORS)
INDEX = {name: place for place, name in enumerate(NAMES)}
INDOORS = frozenset(
    """couch|bed|tv|oven|sink|toilet|refrigerator|microwave|toaster|dining table|chair|laptop|keyboard|mouse|vase|book|
clock|hair drier|toothbrush|cup|bowl|bottle|wine glass|remote|potted plant""".replace("\n", "").split("|")
)  # where one of these is, there may be doors and handles that nobody noted
HALF_KNOWN = 0.5
CONFIRMED, GUESSED = 0.3, 0.2  # scores of the teacher's boxes: of a name that is there, and of its only box
VISIBLE, GONE = 0.4, 0.05  # share of a box inside a crop from which on it counts, and up to which it does not
TRUST = 0.7  # weight of a guess beside something known
UNLIKELY, FOUND = (
    0.05,
    0.4,
)  # chance up to which a guess rules a name out; score of the teacher's boxes that are believed
SMALLEST = 0.004  # of the picture's side; smaller boxes are slips of the pen


@dataclass(frozen=True)
class ObjectPhoto:
    """file: relative to the data folder. objects: COCO names that are there, None when unknown. boxes: (name, box) that
    people drew, None when they drew none. hints: (name, score, box) of the teacher. guesses: the chance of
    each COCO name, where `objects` is unknown (objects.guess). numbers: how many there are of some names, as people
    answered when they were asked."""

    file: str
    objects: tuple[str, ...] | None = None
    boxes: tuple[tuple[str, Box], ...] | None = None
    hints: tuple[tuple[str, float, Box], ...] = ()
    guesses: tuple[float, ...] | None = None
    numbers: tuple[tuple[str, int], ...] = ()


@dataclass
class Truth:
    """What one view shows. n names.

    present and known: float32 [n], whether it is there and how far that is known (0..1). boxes: (name's index, box).
    ignored: boxes that may or may not be right. searched: float32 [n], how far what has no box is known to be absent.
    numbers: (name's index, how many there are), of some.
    """

    present: np.ndarray = field(default_factory=lambda: np.zeros(len(NAMES), np.float32))
    known: np.ndarray = field(default_factory=lambda: np.zeros(len(NAMES), np.float32))
    searched: np.ndarray = field(default_factory=lambda: np.zeros(len(NAMES), np.float32))
    boxes: list[tuple[int, Box]] = field(default_factory=list)
    ignored: list[tuple[int, Box]] = field(default_factory=list)
    numbers: list[tuple[int, int]] = field(default_factory=list)


def read_hints(teacher: Path) -> dict[str, tuple[tuple[str, float, Box], ...]]:
    """The teacher's boxes by file, from lines that export.recipe.teacher.label wrote."""
    rows = map(json.loads, teacher.read_text().splitlines())
    return {row["file"]: tuple((name, score, tuple(box)) for name, score, box in row["boxes"]) for row in rows}


def load_photos(data: Path, teacher: Path | None, split: str) -> list[ObjectPhoto]:
    """Photos of `split` ("train" or "dev") of which something is known. teacher: as for read_hints."""
    hints = read_hints(teacher) if teacher else {}
    photos = []
    for folder, name in (("coco", "objects.jsonl"), ("coco_extra", "captions.jsonl"), ("doors", "doors.jsonl")):
        for line in (data / folder / name).read_text().splitlines():
            row = json.loads(line)
            if held_out(row["file"]) != (split == "dev"):
                continue
            file = f"{folder}/{row['file']}"
            if "boxes_cxcywh" in row:
                photos.append(ObjectPhoto(file, boxes=tuple(map(_corners, row["boxes_cxcywh"]))))
            elif row.get("objects") is not None:
                photos.append(ObjectPhoto(file, tuple(row["objects"]), hints=hints.get(file, ())))
    return list({photo.file: photo for photo in photos}.values())


def _corners(box: list) -> tuple[str, Box]:
    name, x, y, width, height = box
    return name, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def within(box: Box, shown: Window) -> tuple[Box, float]:
    """A box of the photo as a box of the view, cut at its edges, and the share of it that is left."""
    left, top, right, bottom = shown.box
    x = np.clip([(box[0] - left) / (right - left), (box[2] - left) / (right - left)], 0, 1)
    y = np.clip([(box[1] - top) / (bottom - top), (box[3] - top) / (bottom - top)], 0, 1)
    whole = (box[2] - box[0]) * (box[3] - box[1]) / shown.area
    if shown.mirrored:
        x = 1 - x[::-1]
    share = (x[1] - x[0]) * (y[1] - y[0]) / max(whole, 1e-9)
    return (float(x[0]), float(y[0]), float(x[1]), float(y[1])), float(share)


def truth_of(photo: ObjectPhoto, view: int) -> Truth:
    """What is known of a view."""
    shown = window(photo.file, view)
    if photo.objects is not None:
        truth = _coco(photo, view, shown)
    else:
        truth = Truth() if photo.boxes is None else _doors(photo.boxes, view, shown)
        if photo.guesses is not None:
            _guessed(truth, photo, photo.guesses, shown)
    if view < FIRST_CROP:
        truth.numbers = [(INDEX[name], number) for name, number in photo.numbers]
    return truth


def _guessed(truth: Truth, photo: ObjectPhoto, guesses: tuple[float, ...], shown: Window) -> None:
    """Soft labels of presence; the teacher's boxes of what is probably there; no box of what is probably not."""
    count = len(COCO)
    truth.present[:count] = guesses
    truth.known[:count] = TRUST * shown.area**2
    truth.searched[:count] = TRUST * (truth.present[:count] < UNLIKELY)
    for name, score, box in photo.hints:
        place = INDEX[name]
        inside, share = within(box, shown)
        if share >= VISIBLE and score >= FOUND and guesses[place] >= 0.5:
            truth.boxes.append((place, inside))
        elif share > GONE:
            truth.ignored.append((place, inside))


def _coco(photo: ObjectPhoto, view: int, shown: Window) -> Truth:
    truth, objects = Truth(), photo.objects or ()
    truth.known[: len(COCO)] = truth.searched[: len(COCO)] = 1
    if not INDOORS.intersection(objects):
        truth.known[len(COCO) :] = truth.searched[len(COCO) :] = HALF_KNOWN
    elif "refrigerator" not in objects:
        place = INDEX["refrigerator door"]
        truth.known[place] = truth.searched[place] = HALF_KNOWN
    for name in objects:
        place = INDEX[name]
        seen = [(*within(box, shown), score) for other, score, box in photo.hints if other == name]
        confirmed = [(box, share) for box, share, score in seen if score >= CONFIRMED]
        best = max((share for _, share in confirmed), default=None)
        if view < FIRST_CROP or (best is not None and best >= VISIBLE):
            truth.present[place] = 1
        elif best is None:
            truth.present[place], truth.known[place] = 1, shown.area**2
        else:
            truth.known[place] = HALF_KNOWN if all(share < GONE for _, share, _ in seen) else 0
        good = [box for box, share in confirmed if share >= VISIBLE]
        if not good and view < FIRST_CROP and seen:
            box, _, score = max(seen, key=lambda item: item[2])
            good = [box] if score >= GUESSED else []
        truth.boxes += [(place, box) for box in good]
        truth.ignored += [(place, box) for box, share, _ in seen if share > GONE and box not in good]
        if not good:
            truth.searched[place] = 0
    return truth


def _doors(boxes: tuple[tuple[str, Box], ...], view: int, shown: Window) -> Truth:
    truth = Truth()
    truth.known[len(COCO) :] = truth.searched[len(COCO) :] = 1
    for name, box in boxes:
        place = INDEX[name]
        inside, share = within(box, shown)
        large = min(box[2] - box[0], box[3] - box[1]) >= SMALLEST
        if share >= VISIBLE and large:
            truth.boxes.append((place, inside))
            truth.present[place] = truth.known[place] = 1
        elif view < FIRST_CROP:
            truth.present[place], truth.searched[place] = 1, 0
        elif share > GONE:
            truth.ignored.append((place, inside))
            truth.known[place] = truth.present[place]
    return truth
