"""Trains connector and low-rank updates on two processor cores, within a budget of minutes.

Two processes of one thread each, gradients averaged over gloo: on a shared machine that is faster than one process of
two threads, which waits at every product for whichever thread was descheduled. The learning rate follows the clock, so
the run is annealed whatever the machine's speed. Checkpoints let it go on after an interruption.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F

from export.recipe.features import MIRRORED, Features
from export.recipe.hint_head import VISUAL_SIDE, pool
from export.recipe.language import Connector, LanguageModel
from export.recipe.photos import Photo
from export.recipe.prepare import views
from export.recipe.processor import autocast, reuse_memory
from export.recipe.reward import CaptionCritic
from export.recipe.samples import DESCRIBE, Tree, TreeBuilder, conversations, every_answer, object_questions
from export.recipe.start import start_from
from models.gguf_weights import GgufWeights
from models.prompt import HintRule, PromptTemplate

ROW = 256  # tokens a row; photos with five captions take about 120, and smaller ones fill what is left
PHOTOS_A_REWARD = 4  # photos captioned at once


@dataclass(frozen=True)
class Plan:
    """What to train and for how long."""

    minutes: float
    start: Path | None = None  # folder of packed weights to go on from
    rows_per_step: int = 2  # of each process
    rewarded_after: float = 0.4  # share of the time after which captions learn from rewards
    rounded_every: int = 25  # steps; see round_weights
    settled_after: float = 0.8  # share of the time after which the rounded weights stay as they are
    rate_connector: float = 1e-3
    rate_updates: float = 4e-4
    rate_gains: float = 2e-4
    warmup_steps: int = 40
    hintless: float = 0.15  # share of visits without hints
    shares: tuple[tuple[str, float], ...] = (
        ("flickr8k", 0.62),
        ("coco_extra", 0.02),
        ("coco", 0.05),
        ("vqa", 0.11),
        ("daquar", 0.03),
        ("names", 0.17),
    )


class Corpus:
    """Endless stream of trees, sources mixed by `Plan.shares`, every photo of a source once before any twice.

    Once `critic` is set, captions of flickr8k are the model's own, with their rewards.
    """

    def __init__(self, photos: list[Photo], features: Features, hints: np.ndarray, builder: TreeBuilder, plan: Plan):
        self._features, self._hints, self._builder, self._plan = features, hints, builder, plan
        self._photos = photos
        self.critic: CaptionCritic | None = None
        self._vocabulary = sorted({o for p in photos for o in p.objects or []})
        self._sources: dict[str, list[int]] = {}
        for i, photo in enumerate(photos):
            source = "vqa" if photo.source == "coco" and photo.questions else photo.source.split("/")[0]
            self._sources.setdefault(source, []).append(i)
        self._queues: dict[str, list[int]] = {}

    def _next_photo(self, source: str, rng: random.Random) -> Photo:
        queue = self._queues.setdefault(source, [])
        if not queue:
            queue += rng.sample(self._sources[source], len(self._sources[source]))
        return self._photos[queue.pop()]

    def _look(self, photo: Photo, rng: random.Random) -> tuple[int, np.ndarray | None, bool]:
        """One view of a photo: its row, its hint scores (None for a visit without hints), whether it is mirrored."""
        view = rng.choice(views(photo))
        row = self._features.row(photo.file, view)
        scores = None if rng.random() < self._plan.hintless else self._hints[row].astype(np.float32)
        return row, scores, view == MIRRORED

    def trees(self, rng: random.Random) -> Iterator[Tree]:
        names, weights = zip(*((n, w) for n, w in self._plan.shares if n in self._sources), strict=True)
        rewarded: list[Tree] = []
        while True:
            source = rng.choices(names, weights)[0]
            if source == "flickr8k" and self.critic:
                if not rewarded:
                    chosen = [self._next_photo(source, rng) for _ in range(PHOTOS_A_REWARD)]
                    asked_of = [
                        (p, self._builder.prompt(*self._look(p, rng)[:2], rng.choice(DESCRIBE), rng)) for p in chosen
                    ]
                    rewarded += [tree for tree in self.critic.answered(asked_of) if len(tree) <= ROW]
                if rewarded:
                    yield rewarded.pop()
                continue
            photo = self._next_photo(source, rng)
            row, scores, mirrored = self._look(photo, rng)
            asked = conversations(photo, rng, mirrored)
            if photo.objects and not photo.captions:
                asked += object_questions(photo, self._vocabulary, rng)
            rng.shuffle(asked)
            tree = self._builder.build(row, scores, asked, rng, ROW)
            if len(tree.segments) > 1:
                yield tree

    def rows(self, rng: random.Random, pending: int = 20) -> Iterator[list[Tree]]:
        """Packs trees into rows of at most ROW tokens, the largest that still fits first."""
        stream = self.trees(rng)
        pool_of_trees = [next(stream) for _ in range(pending)]
        while True:
            row: list[Tree] = []
            space = ROW
            while True:
                fitting = [t for t in pool_of_trees if len(t) <= space]
                if not fitting:
                    break
                tree = max(fitting, key=len) if row else pool_of_trees[0]
                pool_of_trees.remove(tree)
                pool_of_trees.append(next(stream))
                row.append(tree)
                space -= len(tree)
            yield row


@dataclass(frozen=True)
class Batch:
    ids: torch.Tensor  # int [b, ROW]
    positions: torch.Tensor  # int [b, ROW]
    visible: torch.Tensor  # bool [b, ROW, ROW]
    visual: torch.Tensor  # int [pictures, 2]: row and position of the first visual token
    pictures: torch.Tensor  # float32 [pictures, 49, 1760]
    sources: torch.Tensor  # int [k]: flat position that predicts
    targets: torch.Tensor  # int [k]
    weights: torch.Tensor  # float32 [k]


def collate(rows: list[list[Tree]], features: Features) -> Batch:
    b = len(rows)
    ids = np.zeros((b, ROW), np.int64)
    positions = np.zeros((b, ROW), np.int64)
    visible = np.zeros((b, ROW, ROW), bool)
    visible[:, np.arange(ROW), np.arange(ROW)] = True
    visual, grids, sources, targets, weights = [], [], [], [], []
    for r, row in enumerate(rows):
        at = 0
        for tree in row:
            spans: list[tuple[int, int]] = []
            lineage: list[list[int]] = []
            visual.append((r, at + tree.visual))
            grids.append(tree.row)
            for index, segment in enumerate(tree.segments):
                n = len(segment.tokens)
                spans.append((at, at + n))
                lineage.append([*(lineage[segment.parent] if segment.parent >= 0 else []), index])
                ids[r, at : at + n] = segment.tokens
                before = sum(spans[k][1] - spans[k][0] for k in lineage[index][:-1])
                positions[r, at : at + n] = np.arange(before, before + n)
                for k in lineage[index][:-1]:
                    visible[r, at : at + n, spans[k][0] : spans[k][1]] = True
                visible[r, at : at + n, at : at + n] = np.tri(n, dtype=bool)
                if segment.weight:
                    first = r * ROW + spans[segment.parent][1] - 1
                    sources += [first, *range(r * ROW + at, r * ROW + at + n - 1)]
                    targets += segment.tokens
                    weights += [segment.weight] * n
                at += n
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(positions),
        torch.from_numpy(visible),
        torch.tensor(visual),
        torch.from_numpy(features.grids[grids].astype(np.float32)),
        torch.tensor(sources, dtype=torch.long),
        torch.tensor(targets, dtype=torch.long),
        torch.tensor(weights, dtype=torch.float32),
    )


def batch_loss(model: LanguageModel, connector: Connector, batch: Batch, vocabulary: torch.Tensor) -> torch.Tensor:
    """Weighted mean cross-entropy over `vocabulary` (int [v], sorted token ids; must hold every target).

    A negative weight makes a token less likely.
    """
    cells = connector.place.shape[0]
    with autocast():
        tokens = connector(pool(batch.pictures))
    x = model.embeddings[batch.ids]
    rows = batch.visual[:, :1].expand(-1, cells)
    columns = batch.visual[:, 1:] + torch.arange(cells)
    x = x.index_put((rows, columns), tokens.to(x.dtype))
    hidden = model(x, batch.positions, batch.visible).flatten(0, 1)[batch.sources]
    logits = (hidden @ model.embeddings[vocabulary].T).float()
    losses = F.cross_entropy(logits, torch.searchsorted(vocabulary, batch.targets), reduction="none")
    return (losses * batch.weights).sum() / batch.weights.abs().sum().clamp(min=1e-6)


class VocabularySampler:
    """The head is computed over the tokens that answers use and a fresh sample of all others, not over all 49,152.

    The sample keeps the logits of unused tokens where they belong (sampled softmax; Jean et al. 2015).
    """

    def __init__(self, used: set[int], size: int, others: int = 2048):
        self._used, self._size, self._others = torch.tensor(sorted(used)), size, others

    def draw(self) -> torch.Tensor:
        return torch.unique(torch.cat([self._used, torch.randint(self._size, (self._others,))]))


def _average(parameters: list[torch.nn.Parameter], world: int) -> None:
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= world
    at = 0
    for gradient in gradients:
        gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
        at += gradient.numel()


def weigh_columns(model: LanguageModel, world: int) -> None:
    """Refreshes what rounding goes by: how much each column's error counts, from what the model has been reading."""
    for projection in model.projections():
        squares = projection.squares.clone()
        dist.all_reduce(squares)
        if squares.any():  # else it has read nothing yet
            projection.importance.copy_(squares / squares.mean())


def round_weights(model: LanguageModel, rank: int, world: int) -> None:
    """Refreshes what 4-bit rounding adds to every weight; each process computes its share of the layers."""
    projections = [(i, projection) for i, layer in enumerate(model.stack) for projection in layer.parts.values()]
    noises = [p.rounding() if i % world == rank else torch.empty_like(p.frozen) for i, p in projections]
    for (i, projection), noise in zip(projections, noises, strict=True):
        dist.broadcast(noise, i % world)
        projection.noise = noise
    model.fold()


def save(path: Path, model: LanguageModel, connector: Connector, state: dict) -> None:
    state |= {"model": model.state_dict(), "connector": connector.state_dict(), "settled": model.settled}
    torch.save(state, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def load(path: Path, model: LanguageModel, connector: Connector) -> dict:
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    connector.load_state_dict(state["connector"])
    if state["settled"]:
        model.settle()
    model.fold()
    return state


def train(rank: int, world: int, base: Path, photos: list[Photo], run: Path, plan: Plan) -> None:
    """One of `world` processes. Reads features, hints and settings of `run`; writes run/checkpoint.pt and train.log."""
    reuse_memory()
    torch.set_num_threads(1)
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29517")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(0)
    weights = GgufWeights(base)
    model, tokenizer = LanguageModel(weights), weights.tokenizer()
    connector = Connector(VISUAL_SIDE**2, weights.shape.hidden, float(model.embeddings.float().std()))
    settings = json.loads((run / "settings.json").read_text())
    template, rules = PromptTemplate(**settings["prompt"]), [HintRule(**r) for r in settings["hints"]]
    builder = TreeBuilder(tokenizer, template, rules, VISUAL_SIDE**2)
    corpus = Corpus(photos, Features(run / "features"), np.load(run / "hints_train.npy", mmap_mode="r"), builder, plan)
    groups = [list(connector.parameters()), model.updates(), model.gains()]
    rates = (plan.rate_connector, plan.rate_updates, plan.rate_gains)
    parameters = [p for group in groups for p in group]
    optimizer = torch.optim.AdamW([{"params": group} for group in groups], weight_decay=0.01, betas=(0.9, 0.98))
    step, spent, checkpoint = 0, 0.0, run / "checkpoint.pt"
    if plan.start and not checkpoint.exists():
        start_from(plan.start, model, connector)
    if checkpoint.exists():
        state = load(checkpoint, model, connector)
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
    rng = random.Random(1000 * step + rank)
    end = tokenizer.token_to_id(template.end)
    used = {end, *(t for answer in tokenizer.encode_batch(sorted(every_answer(photos))) for t in answer.ids)}
    torch.manual_seed(1000 * step + 17 * rank)
    rows, features, running = corpus.rows(rng), Features(run / "features"), 0.0
    started = last_save = time.monotonic()
    log = (run / "train.log").open("a") if rank == 0 else None
    while True:
        clock = torch.tensor([spent + time.monotonic() - started])
        dist.broadcast(clock, 0)
        done = float(clock) / (60 * plan.minutes)
        if done >= 1:
            break
        settling = done >= plan.settled_after and not model.settled
        if settling:
            model.settle()
        if settling or (step % plan.rounded_every == 0 and not model.settled):
            weigh_columns(model, world)
            round_weights(model, rank, world)
        elif model.projections()[0].noise is None:  # a checkpoint holds none
            round_weights(model, rank, world)
        if done >= plan.rewarded_after and not corpus.critic:
            words = torch.tensor(sorted(used))
            corpus.critic = CaptionCritic(model, connector, features, tokenizer, photos, words, end)
        batch = collate([next(rows) for _ in range(plan.rows_per_step)], features)
        used.update(batch.targets.tolist())
        loss = batch_loss(model, connector, batch, VocabularySampler(used, weights.shape.vocabulary).draw())
        loss.backward()
        _average(parameters, world)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        scale = min(1.0, (step + 1) / plan.warmup_steps) * max(0.01, 0.5 * (1 + math.cos(math.pi * done)))
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * scale
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if not model.settled:
            model.fold()
        step += 1
        running = loss.item() if step == 1 else 0.97 * running + 0.03 * loss.item()
        if log and (step % 10 == 0 or step == 1):
            speed = step / max(float(clock), 1e-9)
            reward = f" reward {corpus.critic.reward:.3f}" if corpus.critic else ""
            said = f"step {step} minute {float(clock) / 60:.1f} loss {running:.3f}{reward} {speed:.2f} steps/s"
            print(said, file=log, flush=True)
        if rank == 0 and time.monotonic() - last_save > 300:
            last_save = time.monotonic()
            save(
                checkpoint, model, connector, {"optimizer": optimizer.state_dict(), "step": step, "spent": float(clock)}
            )
    if log:
        print(f"end: step {step} minute {float(clock) / 60:.1f} loss {running:.3f}", file=log, flush=True)
    if rank == 0:
        save(checkpoint, model, connector, {"optimizer": optimizer.state_dict(), "step": step, "spent": float(clock)})
    dist.destroy_process_group()
