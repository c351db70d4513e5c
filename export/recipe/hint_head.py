"""A head on the frozen grid that says which words fit a photo; what it finds goes into the prompt as hints.

The training photos get their hints from heads that never saw them (cross-fitting), so that the language model learns to
trust a hint as much as it deserves and no more. The head that ships is trained on all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn

from export.recipe.features import WIDTH
from export.recipe.processor import autocast, reuse_memory

VISUAL_SIDE = 4  # the 7 x 7 grid is pooled to 4 x 4 cells, for the hints and for the language model


def pool(grid: torch.Tensor) -> torch.Tensor:
    """[b, 49, c] -> [b, 16, c]: means over 2 x 2 windows (overlapping by one in the middle)."""
    b, _, c = grid.shape
    square = grid.transpose(1, 2).reshape(b, c, 7, 7)
    return F.adaptive_avg_pool2d(square, VISUAL_SIDE).flatten(2).transpose(1, 2)


class HintHead(nn.Module):
    """forward: cells [b, 16, 1760] -> logits [b, outputs]; the strongest cell and the mean of the cells both count."""

    def __init__(self, outputs: int, hidden: int = 768):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.inner = nn.Linear(WIDTH, hidden)
        self.outer = nn.Linear(hidden, outputs)

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        h = F.relu(self.inner(self.norm(cells)))
        h = F.dropout(h, 0.3, self.training)
        logits = self.outer(torch.cat([h, h.mean(1, keepdim=True)], 1))
        count = cells.shape[1]
        return torch.logsumexp(logits[:, :count], 1) - math.log(count) + logits[:, count] - self.outer.bias


@dataclass(frozen=True)
class Views:
    """Training photos in several views each. cells float16 [views, 16, 1760]; owner int [views], the photo of a view;
    labels and known float32 [photos, outputs]."""

    cells: torch.Tensor
    owner: torch.Tensor
    labels: torch.Tensor
    known: torch.Tensor

    def of(self, photos: torch.Tensor) -> torch.Tensor:
        """Which views show one of the photos (bool [photos]): int [n]."""
        return photos[self.owner].nonzero().flatten()


def fit(data: Views, epochs: int, photos: torch.Tensor | None = None, log=print) -> HintHead:
    """Binary cross-entropy over what is known; an epoch takes one view of each of `photos` (bool, default all)."""
    torch.manual_seed(0)
    head = HintHead(data.labels.shape[1])
    photos = torch.ones(len(data.labels), dtype=torch.bool) if photos is None else photos
    labels, known = data.labels[photos], data.known[photos]
    with torch.no_grad():
        prior = ((labels * known).sum(0) + 1) / (known.sum(0) + 20)
        head.outer.bias.copy_(torch.logit(prior.clamp(1e-3, 0.5)) / 1.0)
    views = data.of(photos)
    count = int(photos.sum())
    batch = min(64, count)
    total = epochs * (count // batch)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, total_steps=total, pct_start=0.1)
    step, running = 0, 0.0
    for _ in range(epochs):
        shuffled = views[torch.randperm(len(views))]
        last = torch.full((len(data.labels),), -1).scatter(0, data.owner[shuffled], shuffled)
        for rows in last[last >= 0][torch.randperm(count)].split(batch):
            if len(rows) < batch:
                continue
            of = data.owner[rows]
            with autocast():
                logits = head(data.cells[rows].float())
            loss = F.binary_cross_entropy_with_logits(logits.float(), data.labels[of], data.known[of], reduction="sum")
            optimizer.zero_grad(set_to_none=True)
            (loss / batch).backward()
            optimizer.step()
            schedule.step()
            running = loss.item() / batch if step == 0 else 0.98 * running + 0.02 * loss.item() / batch
            step += 1
        log(f"hint head: step {step} of {total}, loss {running:.2f}")
    return head.eval()


@torch.no_grad()
def predict(head: HintHead, cells: torch.Tensor) -> np.ndarray:
    """Probabilities float16 [n, outputs]."""
    return np.concatenate([torch.sigmoid(head(part.float())).half().numpy() for part in cells.split(256)])


def cross_fit(data: Views, epochs: int) -> np.ndarray:
    """Probabilities float16 [views, outputs] for every view, each from a head fitted on the other half of the photos.

    One process of one thread for each half.
    """
    out = torch.zeros((len(data.cells), data.labels.shape[1]), dtype=torch.float16).share_memory_()
    for tensor in (data.cells, data.owner, data.labels, data.known):
        tensor.share_memory_()
    mine = torch.rand(len(data.labels), generator=torch.Generator().manual_seed(0)) < 0.5
    mp.spawn(_fit_half, (data, mine.share_memory_(), out, epochs), nprocs=2)
    return out.numpy()


def _fit_half(half: int, data: Views, first: torch.Tensor, out: torch.Tensor, epochs: int) -> None:
    torch.set_num_threads(1)
    reuse_memory()
    mine = first if half else ~first
    head = fit(data, epochs, ~mine)
    rows = data.of(mine)
    out[rows] = torch.from_numpy(predict(head, data.cells[rows]))
