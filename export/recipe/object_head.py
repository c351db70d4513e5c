"""The head that says which objects a photo shows, where, and how many, on the features of the encoder.

It learns on principal components of the features: a third of the numbers, the same figures, a third of the time. The
components are linear, so they are multiplied into the first layer when the head is packed and cost nothing at use. With
a copy of the encoder's last blocks, the components of the last stage are those of what it computes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from export.recipe.object_blocks import LastBlocks
from export.recipe.object_features import CELLS, WIDTHS
from export.recipe.object_graph import FINE, REACH, HeadWeights, centres
from export.recipe.object_photos import NAMES, Box, Truth
from export.recipe.processor import autocast

COMPONENTS = (448, 224, 96)  # kept of each part of the features
SPREAD = 5  # a box teaches cells around its middle, by a bell of a fifth of its size
REGRESSED = 0.3  # height of the bell from which on a cell learns the box too
OUTPUTS = 4 * (len(NAMES) + 4)
SAID = 3.0  # how often a number that people said counts beside one of the teacher's boxes, which miss some


@dataclass(frozen=True)
class Basis:
    """Raw bytes to components: (x - mean) @ matrix. mean float32 [width], matrix float32 [width, components]."""

    mean: np.ndarray
    matrix: np.ndarray

    @classmethod
    def of(cls, cells: np.ndarray) -> Basis:
        """From uint8 [n, width]: each part by itself, standardised, and half whitened (the root of the deviation)."""
        values = torch.from_numpy(cells).float()
        mean, deviation = values.mean(0), values.std(0).clamp_min(1.0)
        matrix = torch.zeros(len(mean), sum(COMPONENTS))
        row = column = 0
        for width, count in zip(WIDTHS, COMPONENTS, strict=True):
            part = (values[:, row : row + width] - mean[row : row + width]) / deviation[row : row + width]
            power, vectors = torch.linalg.eigh(part.T @ part / len(part))
            power, vectors = power.flip(0)[:count], vectors.flip(1)[:, :count]
            scaled = vectors / power.clamp_min(1e-3) ** 0.25 / deviation[row : row + width, None]
            matrix[row : row + width, column : column + count] = scaled
            row, column = row + width, column + count
        return cls(mean.numpy(), matrix.numpy())

    def project(self, features: np.ndarray) -> np.ndarray:
        """uint8 [views, 49, width] -> float16 [views, 49, components]."""
        matrix, offset = torch.from_numpy(self.matrix), torch.from_numpy(self.mean @ self.matrix)
        out = np.empty((*features.shape[:2], matrix.shape[1]), np.float16)
        for start in range(0, len(features), 32):
            values = torch.from_numpy(np.array(features[start : start + 32])).float()
            row = column = 0
            for width, count in zip(WIDTHS, COMPONENTS, strict=True):
                rows, columns = slice(row, row + width), slice(column, column + count)
                part = values[..., rows] @ matrix[rows, columns] - offset[columns]
                out[start : start + 32, :, columns] = part.half().numpy()
                row, column = row + width, column + count
        return out


class ObjectHead(nn.Module):
    """forward: components [b, 49, c] -> presence logits [b, n], box logits [b, 196, n], raw sides [b, 196, 4] and
    amounts [b, n].

    presence: log-sum-exp over the cells plus a product with the mean of the cells. amounts: how many there are, where
    there is one, as the sum of a density over the cells (Lempitsky and Zisserman 2010).
    """

    def __init__(self, components: int, hidden: int, dropout: float = 0.0, input_dropout: float = 0.0):
        super().__init__()
        self.inner = nn.Linear(components, hidden)
        self.cells = nn.Linear(hidden, len(NAMES))
        self.pool = nn.Linear(hidden, len(NAMES), bias=False)
        self.boxes = nn.Linear(hidden, OUTPUTS)
        self.density = nn.Linear(hidden, len(NAMES))
        self.dropout, self.input_dropout = dropout, input_dropout
        with torch.no_grad():
            self.boxes.bias.view(4, -1)[:, : len(NAMES)] = -4.0
            self.density.weight.mul_(0.3)
            self.density.bias.fill_(-3.5)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self._drop(x, self.input_dropout)
        hidden = self._drop(F.relu(self.inner(x)), self.dropout)
        strongest = torch.logsumexp(self.cells(hidden).float(), 1) - math.log(CELLS * CELLS)
        boxes = self.boxes(hidden).float().reshape(len(x), FINE * FINE, -1)
        presence = strongest + self.pool(hidden.mean(1)).float()
        amounts = F.softplus(self.density(hidden).float()).sum(1)
        return presence, boxes[..., : len(NAMES)], boxes[..., len(NAMES) :], amounts

    def _drop(self, x: torch.Tensor, share: float) -> torch.Tensor:
        """Dropout of the same columns in all cells of a photo."""
        if not (self.training and share):
            return x
        return x * ((torch.rand(len(x), 1, x.shape[2]) >= share) / (1 - share)).to(x.dtype)


class Finder(nn.Module):
    """The head, and the copied blocks if there are any. forward: components [b, 49, c] and entries, bytes [b, 49, e].

    scale and zero: how the bytes of the last stage are meant, in which the basis was made.
    """

    matrix: torch.Tensor
    offset: torch.Tensor

    def __init__(
        self,
        head: ObjectHead,
        blocks: LastBlocks | None = None,
        basis: Basis | None = None,
        scale: float = 1.0,
        zero: int = 0,
    ):
        super().__init__()
        self.head, self.blocks = head, blocks
        if blocks is not None and basis is not None:
            matrix = torch.from_numpy(basis.matrix[: WIDTHS[0], : COMPONENTS[0]])
            self.register_buffer("matrix", matrix / scale)
            self.register_buffer("offset", (zero - torch.from_numpy(basis.mean[: WIDTHS[0]])) @ matrix)

    def forward(self, components: torch.Tensor, entries: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        if self.blocks is not None:
            last = self.blocks(entries) @ self.matrix + self.offset
            components = torch.cat([last, components[..., COMPONENTS[0] :]], -1)
        return self.head(components)


@dataclass(frozen=True)
class Plan:
    """How a head is trained. An epoch takes one view of every photo of which something is known for certain, and of a
    share `guessed` of the others. blocks_rate: that of the copied blocks. mixed: share of the steps with copied blocks
    whose views are mixed with one another (Zhang et al. 2018), which teach presence alone. kept: of the running mean of
    the weights, in each step."""

    epochs: int = 14
    hidden: int = 640
    rate: float = 7e-4
    decay: float = 0.05
    dropout: float = 0.45
    input_dropout: float = 0.15
    boxes: float = 0.3
    amounts: float = 0.3
    batch: int = 64
    blocks_rate: float = 1.5e-4
    guessed: float = 0.4
    mixed: float = 0.4
    kept: float = 0.997


@dataclass(frozen=True)
class Views:
    """components: float16 [views, 49, c], in parts; owner: int [views], the photo of each; truths: of each.

    entries: uint8 [views, 49, e], what the copied blocks are given. guessed: bool [views], of which nothing is certain.
    """

    parts: Sequence[np.ndarray]
    owner: np.ndarray
    truths: Sequence[Truth]
    entries: np.ndarray | None = None
    guessed: np.ndarray | None = None

    def components(self, rows: np.ndarray) -> torch.Tensor:
        """float32 [len(rows), 49, c]."""
        ends = np.cumsum([len(part) for part in self.parts])
        which = np.searchsorted(ends, rows, "right")
        starts = ends - [len(part) for part in self.parts]
        picked = [self.parts[part][row - starts[part]] for row, part in zip(rows, which, strict=True)]
        return torch.from_numpy(np.stack(picked)).float()

    def shown(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What a finder takes: components and entries."""
        entries = None if self.entries is None else torch.from_numpy(np.stack([self.entries[row] for row in rows]))
        return self.components(rows), entries


def box_targets(truth: Truth) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the fine cells of a view should say: scores and their weights float32 [196, n], boxes [196, 4] and weights.

    A score is a bell around the middle of a box (Zhou et al. 2019, Objects as Points), 1 in the cell nearest to it.
    """
    middles = centres()
    scores = np.zeros((len(middles), len(NAMES)), np.float32)
    weights = np.broadcast_to(truth.searched, scores.shape).copy()
    boxes, taught = np.zeros((len(middles), 4), np.float32), np.zeros(len(middles), np.float32)
    for name, (left, top, right, bottom) in truth.ignored:
        x, y = middles.T
        weights[(x > left) & (x < right) & (y > top) & (y < bottom), name] = 0
    ordered = sorted(truth.boxes, key=lambda item: -_area(item[1]))  # the smaller box has the last word
    corners = np.array([box for _, box in ordered], np.float32).reshape(-1, 1, 4)
    size = corners[..., 2:] - corners[..., :2]
    off = middles - corners[..., :2] - size / 2
    bells = np.exp(-((off / np.maximum(size / SPREAD, 0.4 / FINE)) ** 2).sum(-1) / 2)
    for (name, box), bell, nearest in zip(ordered, bells, (off**2).sum(-1).argmin(-1), strict=True):
        bell[nearest] = 1
        lit, column = bell >= 0.1, scores[:, name]
        column[lit] = np.maximum(column[lit], bell[lit])
        weights[lit, name] = 1
        boxes[bell > REGRESSED], taught[bell > REGRESSED] = box, 1
    return scores, weights, boxes, taught


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def sides_to_boxes(sides: torch.Tensor) -> torch.Tensor:
    """Raw sides [..., 196, 4] -> left, top, right, bottom in 0..1, as object_graph computes them."""
    signed = F.softplus(sides) * torch.tensor([-REACH, -REACH, REACH, REACH])
    return torch.from_numpy(centres()).repeat(1, 2) + signed


def generalised_overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """GIoU (Rezatofighi et al. 2019) of boxes [..., 4]."""
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0).prod(-1)
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp_min(0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).clamp_min(0).prod(-1) + (b[..., 2:] - b[..., :2]).clamp_min(0).prod(-1) - shared
    return shared / (union + 1e-7) - (hull - union) / (hull + 1e-7)


def loss_of(finder: Finder, views: Views, rows: np.ndarray, plan: Plan, share: float = 1.0) -> torch.Tensor:
    """Of one batch: cross-entropy of presence, plus the losses of cells and boxes and that of amounts.

    share: of each view; the rest is the view after it, the last one's the first. Below 1 only presence counts.
    """
    truths = [views.truths[row] for row in rows]
    present, known = (torch.from_numpy(np.stack(v)) for v in zip(*((t.present, t.known) for t in truths), strict=True))
    components, entries = views.shown(rows)
    if share < 1:
        present, known = _mixed(present * known, share), _mixed(known, share)
        present = present / known.clamp_min(1e-6)
        components = _mixed(components, share)
        entries = None if entries is None else _mixed(entries.float(), share)
    with autocast():
        logits, cells, sides, amounts = finder(components, entries)
    loss = (F.binary_cross_entropy_with_logits(logits.float(), present, reduction="none") * known).sum() / len(rows)
    if not plan.boxes or share < 1:
        return loss
    scores, weights, wanted, taught = (
        torch.from_numpy(np.stack(v)) for v in zip(*map(box_targets, truths), strict=True)
    )
    wrong = (torch.sigmoid(cells.detach()) - scores).abs() ** 2  # what is right already hardly counts
    entropy = F.binary_cross_entropy_with_logits(cells, scores, reduction="none")
    found = (entropy * wrong * weights).sum() / max(1.0, float((scores == 1).sum()))
    chosen = taught > 0
    placed = (1 - generalised_overlap(sides_to_boxes(sides)[chosen], wanted[chosen])).sum() / max(1, int(chosen.sum()))
    counted, sure = (torch.from_numpy(np.stack(v)) for v in zip(*map(amounts_of, truths), strict=True))
    poisson = (F.poisson_nll_loss(amounts, counted, log_input=False, reduction="none") * sure).sum() / len(rows)
    return loss + plan.boxes * (found + placed) + plan.amounts * poisson


def _mixed(values: torch.Tensor, share: float) -> torch.Tensor:
    return share * values + (1 - share) * values.roll(-1, 0)


def amounts_of(truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """How many a view has of each name, by its boxes or by what people said, and how far that counts: float32 [n]."""
    counted = np.zeros(len(NAMES), np.float32)
    np.add.at(counted, [name for name, _ in truth.boxes], 1)
    sure = (counted > 0).astype(np.float32)
    for name, number in truth.numbers:
        counted[name], sure[name] = number, SAID
    return counted, sure


def new_head(views: Views, rows: np.ndarray, plan: Plan) -> ObjectHead:
    """One that has learned nothing but how often each name is there."""
    head = ObjectHead(views.parts[0].shape[-1], plan.hidden, plan.dropout, plan.input_dropout)
    present, known = (sum(getattr(views.truths[r], field) for r in rows) for field in ("present", "known"))
    with torch.no_grad():
        rate = torch.from_numpy((present + 1) / (known + 20)).float()
        head.cells.bias.copy_(torch.logit(rate.clamp(1e-3, 0.5)))
    return head


def fit(
    views: Views,
    rows: np.ndarray,
    plan: Plan,
    seed: int = 0,
    log: Callable[[str], None] = print,
    finder: Finder | None = None,
    path: Path | None = None,
) -> Finder:
    """A finder trained on the views `rows` (int [n]): the running mean of its weights.

    finder: one to go on from. path: where every epoch is kept, and from where an interrupted training goes on.
    """
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    finder = Finder(new_head(views, rows, plan)) if finder is None else finder
    by_photo: dict[int, list[int]] = {}
    for row in rows:
        by_photo.setdefault(int(views.owner[row]), []).append(int(row))
    certain: list[int] = []
    guessed: list[int] = []
    for photo, seen in by_photo.items():
        (guessed if views.guessed is not None and views.guessed[seen[0]] else certain).append(photo)
    some = round(plan.guessed * len(guessed))
    batch = min(plan.batch, len(certain) + some)
    total = plan.epochs * ((len(certain) + some) // batch)
    groups, rates = [{"params": list(finder.head.parameters())}], [plan.rate]
    if finder.blocks is not None:
        groups.append({"params": list(finder.blocks.parameters())})
        rates.append(plan.blocks_rate)
    optimizer = torch.optim.AdamW(groups, plan.rate, weight_decay=plan.decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=total, pct_start=0.15)
    mean = deepcopy(finder)
    parts: dict[str, Any] = {"finder": finder, "mean": mean, "optimizer": optimizer, "schedule": schedule}
    begun = step = 0
    if path is not None and path.exists():
        kept = torch.load(path, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(kept[name])
        begun = kept["epochs"]
    finder.train()
    start, running = time.monotonic(), 0.0
    for epoch in range(plan.epochs):
        order = draw.permutation([*certain, *draw.permutation(guessed)[:some]]).astype(int)
        chosen = np.array([draw.choice(by_photo[photo]) for photo in order])
        steps = len(chosen) // batch
        mixed = (draw.random(steps) < plan.mixed) & (finder.blocks is not None)
        shares = np.where(mixed, draw.beta(0.4, 0.4, steps), 1.0).tolist()
        if epoch < begun:
            step += steps
            continue
        for place, share in enumerate(shares):
            loss = loss_of(finder, views, chosen[place * batch : (place + 1) * batch], plan, share)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            _follow(mean, finder, min(plan.kept, step / (step + 10)))
            running = 0.98 * running + 0.02 * loss.item() if running else loss.item()
        seconds = time.monotonic() - start
        log(f"object head {seed}: epoch {epoch + 1} of {plan.epochs}, loss {running:.2f}, {seconds:.0f} s")
        if path is not None:
            state = {name: part.state_dict() for name, part in parts.items()}
            torch.save(state | {"epochs": epoch + 1}, path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
    return mean.eval()


@torch.no_grad()
def _follow(mean: nn.Module, model: nn.Module, kept: float) -> None:
    for old, new in zip(mean.parameters(), model.parameters(), strict=True):
        old.lerp_(new, 1 - kept)


@torch.no_grad()
def predict(finder: Finder, views: Views, rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Presence logits [n, names], cell logits [n, 196, names], raw sides [n, 196, 4] and amounts [n, names]."""
    finder.eval()
    out = [finder(*views.shown(rows[start : start + 64])) for start in range(0, len(rows), 64)]
    return tuple(torch.cat(values).numpy() for values in zip(*out, strict=True))


@torch.no_grad()
def weights_of(
    finder: Finder, basis: Basis, scale: np.ndarray, shift: np.ndarray, entries: np.ndarray | None = None
) -> HeadWeights:
    """The head on raw bytes. scale, shift float32 [n]: the calibration of presence. entries: LastBlocks.folded."""
    head, blocks = finder.head, finder.blocks
    components = head.inner.weight.numpy().T
    inner = basis.matrix @ components
    return HeadWeights(
        inner=inner,
        inner_bias=head.inner.bias.numpy() - basis.mean @ inner,
        cells=head.cells.weight.numpy().T,
        cells_bias=head.cells.bias.numpy(),
        pool=head.pool.weight.numpy().T,
        boxes=head.boxes.weight.numpy().T,
        boxes_bias=head.boxes.bias.numpy(),
        density=head.density.weight.numpy().T,
        density_bias=head.density.bias.numpy(),
        blocks=None if blocks is None or entries is None else blocks.folded(entries),
        scale=scale,
        shift=shift,
    )
