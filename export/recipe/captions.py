"""Trains the head that captions a picture, on what the shipped encoder sees, and packs it.

First on people's captions, then on rewards for its own (as export.recipe.reward does for the language model: Rennie et
al. 2017, Luo 2020).
"""

from __future__ import annotations

import json
import math
import os
import random
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from rich.console import Console
from torch import nn

from export.recipe.caption_cells import CellFeatures, cells_of
from export.recipe.caption_graph import write_captioner
from export.recipe.caption_head import END, LONGEST, CaptionHead, Shape
from export.recipe.efficientnet_lite import EfficientNetLite
from export.recipe.object_blocks import SKIPPED, Block, LastBlocks
from export.recipe.object_features import ENTRY, ENTRY_COLUMNS, PLAIN, quantisation
from export.recipe.object_graph import GRID, packed_in
from export.recipe.photos import Photo, load_photos
from export.recipe.processor import autocast, reuse_memory
from export.recipe.samples import NAMES
from models.captioner import sentence
from models.evaluation.caption_scores import Cider, bleu_4, cider, words
from models.evaluation.pictures import DESCRIBE

RARE = 4  # a word of captions that comes less often is left out
SAMPLES = 5  # captions of a photo that are rewarded
END_WORD = " endofcaption"  # part of what is scored, or captions would learn to stop mid-sentence
SPREAD = 0.3  # of rewards about their mean, roughly: the unit of the loss
VISITS = {"coco_extra": 8}  # of a photo in an epoch: there are few, and only they show what is indoors
CALIBRATED = 400  # photos on which the ranges of the copied blocks are measured
CHECKED = 12  # one photo of so many of flickr8k is not learned from, to see how far the training is
console = Console(stderr=True)


@dataclass(frozen=True)
class Plan:
    """Epochs on people's captions and on rewards; photos a step; rates at the top.

    blocks_rate: of the copied blocks, as a share of those.
    """

    taught: int = 8
    rewarded: int = 8
    photos: int = 48
    taught_rate: float = 8e-4
    rewarded_rate: float = 1e-4
    blocks_rate: float = 0.2
    rewarded_dropout: float = 0.05
    warmup: int = 100  # steps
    smoothing: float = 0.1


def vocabulary(photos: Sequence[Photo]) -> list[str]:
    """The end, then what captions say often enough."""
    counts = Counter(word for photo in photos for caption in photo.captions for word in words(caption))
    return ["", *sorted(word for word, count in counts.items() if count >= RARE)]


def is_checked(photo: Photo) -> bool:
    return photo.source == "flickr8k" and zlib.crc32(photo.file.encode()) % CHECKED == 0


@dataclass(frozen=True)
class Told:
    """What a batch of photos is told in: one row a photo, its captions after one another, none seeing the others.

    given, places, wanted: int [b, n]; visible: bool [b, 1, n, n]; weights: float32 [b, n], 0 for what is padding.
    """

    given: torch.Tensor
    places: torch.Tensor
    wanted: torch.Tensor
    visible: torch.Tensor
    weights: torch.Tensor


def lay_out(captions: Sequence[Sequence[Sequence[int]]], weights: Sequence[Sequence[float]]) -> Told:
    """captions: of each photo, the words that are to be said, END among them."""
    longest, count = max(sum(map(len, row)) for row in captions), len(captions)
    given, places, wanted = (np.full((count, longest), END) for _ in range(3))
    counted = np.zeros((count, longest), np.float32)
    visible = np.zeros((count, 1, longest, longest), bool)
    visible[:, 0, np.arange(longest), np.arange(longest)] = True
    for i, row in enumerate(captions):
        start = 0
        for caption, weight in zip(row, weights[i], strict=True):
            n = len(caption)
            here = slice(start, start + n)
            given[i, here], wanted[i, here], places[i, here] = [END, *caption[:-1]], caption, range(n)
            counted[i, here] = weight
            visible[i, 0, here, here] = np.tri(n, dtype=bool)
            start += n
    return Told(*map(torch.from_numpy, (given, places, wanted, visible, counted)))


class Course:
    """The photos, what is told of them, and the head that learns it."""

    def __init__(self, data: Path, features: CellFeatures, plan: Plan):
        photos = [p for p in load_photos(data, "train") if p.captions]
        self.features, self.plan, self.spoken = features, plan, vocabulary(photos)
        self._places = {word: i for i, word in enumerate(self.spoken)}
        self.captioned = [p for p in photos if not is_checked(p)]
        self.checked = [p for p in photos if is_checked(p)]
        self._visits = [i for i, p in enumerate(self.captioned) for _ in range(VISITS.get(p.source, 1))]
        self._cider = Cider([[caption + END_WORD for caption in p.captions] for p in self.captioned])
        self.reward = 0.0  # running mean

    def _words(self, text: str) -> list[int]:
        return [*[self._places[word] for word in words(text) if word in self._places][: LONGEST - 1], END]

    def __len__(self) -> int:
        """Steps of an epoch."""
        return len(self._visits) // self.plan.photos

    def steps(self, rng: random.Random) -> Iterator[list[int]]:
        """An epoch: the places of the photos of each step."""
        order = rng.sample(self._visits, len(self._visits))
        for step in range(len(self)):
            yield order[step * self.plan.photos : (step + 1) * self.plan.photos]

    def look(self, photos: Sequence[Photo], rng: random.Random) -> tuple[torch.Tensor, list[bool]]:
        """Some view of each, and whether it may have its sides exchanged."""
        views = [rng.choice(self.features.views(p.file)) for p in photos]
        seen = self.features.of([(p.file, view) for p, view in zip(photos, views, strict=True)])
        return seen, [view != PLAIN for view in views]

    def people_say(self, photo: Photo, turned: bool) -> list[list[int]]:
        said = [caption for text in photo.captions if len(caption := self._words(text)) > 3]
        sides = {self._places.get("left"), self._places.get("right")}
        return ([c for c in said if not turned or not sides.intersection(c)] or said)[:SAMPLES]

    def loss_of_people(self, head: CaptionHead, places: Sequence[int], rng: random.Random) -> torch.Tensor:
        photos = [self.captioned[place] for place in places]
        cells, turned = self.look(photos, rng)
        said = [self.people_say(photo, t) for photo, t in zip(photos, turned, strict=True)]
        told = lay_out(said, [[1.0] * len(row) for row in said])
        logits, on = self._logits(head, cells, told)
        return F.cross_entropy(logits, told.wanted[on], label_smoothing=self.plan.smoothing)

    def loss_of_rewards(self, head: CaptionHead, places: Sequence[int], rng: random.Random) -> torch.Tensor:
        """Of samples: likelier by how much more CIDEr-D each has than its siblings."""
        cells, _ = self.look([self.captioned[place] for place in places], rng)
        head.eval()
        drawn = head.captions(cells, SAMPLES)
        head.train()
        captions, weights = [], []
        for start, place in zip(range(0, len(drawn), SAMPLES), places, strict=True):
            rows = drawn[start : start + SAMPLES]
            scores = np.array([self._score(place, row) for row in rows])
            self.reward += 0.01 * (scores.mean() - self.reward) if self.reward else scores.mean()
            captions.append(rows)
            weights.append(list((scores - scores.mean()) * SAMPLES / (SAMPLES - 1)))
        told = lay_out(captions, weights)
        logits, on = self._logits(head, cells, told)
        losses = F.cross_entropy(logits, told.wanted[on], reduction="none")
        return (losses * told.weights[on]).sum() / max(1, len(losses)) / SPREAD

    def _score(self, place: int, row: list[int]) -> float:
        text = " ".join(self.spoken[word] for word in row if word != END)
        return self._cider.score(place, text + (END_WORD if row[-1] == END else ""))

    @staticmethod
    def _logits(head: CaptionHead, cells: torch.Tensor, told: Told) -> tuple[torch.Tensor, torch.Tensor]:
        written = head.write(told.given, told.places, told.visible, head.see(cells))
        on = told.weights != 0
        return head.logits(written[on]).float(), on

    @torch.no_grad()
    def check(self, head: CaptionHead) -> dict[str, float]:
        """Figures of the photos that are not learned from."""
        head.eval()
        said = []
        for start in range(0, len(self.checked), 100):
            cells = self.features.of([(p.file, PLAIN) for p in self.checked[start : start + 100]])
            said += [sentence([self.spoken[w] for w in row if w != END]) for row in head.captions(cells)]
        head.train()
        references = [p.captions for p in self.checked]
        return {
            "cider": round(cider(said, references), 3),
            "bleu_4": round(bleu_4(said, references), 3),
            "words": round(sum(len(s.split()) for s in said) / max(1, len(said)), 2),
        }


def new_head(course: Course, vision: Path | None = None, checkpoint: Path | None = None) -> CaptionHead:
    """Not trained yet, with the mean and spread of the cells of 400 photos.

    vision, checkpoint: of the encoder. With them the head gets blocks of its own, which begin as the object head's are.
    """
    torch.manual_seed(0)
    chosen = random.Random(0).sample(course.captioned, min(400, len(course.captioned)))
    seen = course.features.of([(p.file, PLAIN) for p in chosen]).float().flatten(0, 1)
    if vision is None or checkpoint is None:
        head = CaptionHead(Shape(len(course.spoken), seen.shape[-1]))
    else:
        model = onnx.load(vision)
        blocks = LastBlocks(EfficientNetLite.load(checkpoint), *quantisation(model, ENTRY))
        blocks.take(packed_in(model))
        head = CaptionHead(Shape(len(course.spoken), ENTRY_COLUMNS.stop), blocks, quantisation(model, GRID)[0])
    width = head.shape.cell_width
    head.mean.copy_(seen[:, :width].mean(0))
    head.spread.copy_(seen[:, :width].std(0) + 1)
    return head


def _optimizer(head: CaptionHead, plan: Plan) -> torch.optim.AdamW:
    blocks = [p for p in head.blocks.parameters() if p.requires_grad] if head.blocks else []
    groups = [{"params": [p for name, p in head.named_parameters() if not name.startswith("blocks.")], "share": 1.0}]
    if blocks:
        groups.append({"params": blocks, "share": plan.blocks_rate})
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.03)


def learn(course: Course, run: Path, head: CaptionHead) -> CaptionHead:
    """Both stages, epoch by epoch; goes on from RUN/captions.pt. How each went is added to RUN/captions.log."""
    plan, checkpoint = course.plan, run / "captions.pt"
    optimizer, done = _optimizer(head, plan), 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        head.load_state_dict(state["head"])
        done = state["done"]
        if "optimizer" in state:
            optimizer.load_state_dict(state["optimizer"])
    for epoch in range(done, plan.taught + plan.rewarded):
        rewards = epoch >= plan.taught
        for part in head.modules():
            if isinstance(part, nn.Dropout | nn.Dropout1d):
                part.p = plan.rewarded_dropout if rewards else head.shape.dropout
            elif isinstance(part, Block):
                part.skipped = 0.0 if rewards else SKIPPED
        if epoch == plan.taught:
            optimizer = _optimizer(head, plan)
        first, count = (plan.taught, plan.rewarded) if rewards else (0, plan.taught)
        rate = plan.rewarded_rate if rewards else plan.taught_rate
        rng, mean = random.Random(epoch), 0.0
        torch.manual_seed(epoch)
        for i, places in enumerate(course.steps(rng)):
            step = (epoch - first) * len(course) + i
            falling = max(0.02, 0.5 * (1 + math.cos(math.pi * step / (len(course) * count))))
            for group in optimizer.param_groups:
                group["lr"] = rate * group["share"] * min(1.0, (step + 1) / plan.warmup) * falling
            with autocast():
                loss = (course.loss_of_rewards if rewards else course.loss_of_people)(head, places, rng)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimizer.step()
            mean += (loss.item() - mean) / (i + 1)
        said = {"epoch": epoch, "loss": round(mean, 3), "reward": round(float(course.reward), 3), **course.check(head)}
        console.print("captions:", said)
        with (run / "captions.log").open("a") as log:
            print(json.dumps(said), file=log)
        state = {"head": head.state_dict(), "optimizer": optimizer.state_dict(), "done": epoch + 1}
        torch.save(state, checkpoint.with_suffix(".part"))
        os.replace(checkpoint.with_suffix(".part"), checkpoint)
    return head


def train(data: Path, checkpoint: Path, weights: Path, run: Path, version: str, plan: Plan) -> None:
    """Trains on what WEIGHTS/vision.onnx sees, writes WEIGHTS/captions.onnx and the version into its config.json.

    checkpoint: of the encoder.
    """
    run.mkdir(parents=True, exist_ok=True)
    reuse_memory()
    vision = weights / "vision.onnx"
    course = Course(data, cells_of(vision, data, run), plan)
    console.print(f"captions: {len(course.captioned)} photos with captions, {len(course.spoken)} words", asdict(plan))
    head = learn(course, run, new_head(course, vision, checkpoint)).eval()
    some = course.features.of([(p.file, PLAIN) for p in course.captioned[:: len(course.captioned) // CALIBRATED + 1]])
    # A named thing is for the language model to describe.
    write_captioner(head, course.spoken, DESCRIBE, NAMES, weights / "captions.onnx", some.numpy())
    path = weights / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": version}, indent=1) + "\n")
