"""A head on the frozen grid that says which words fit a photo; what it finds goes into the prompt as hints.

The training photos get their hints from heads that never saw them (cross-fitting), so that the language model learns to
trust a hint as much as it deserves and no more. The head that ships is trained on all of them.
"""

from __future__ import annotations

import ctypes
import math

import numpy as np
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn

from export.recipe.features import WIDTH

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


def fit(cells: torch.Tensor, labels: torch.Tensor, known: torch.Tensor, epochs: int, log=print) -> HintHead:
    """Binary cross-entropy over what is known. cells [n, 16, 1760] float16/bfloat16, labels and known [n, outputs]."""
    torch.manual_seed(0)
    head = HintHead(labels.shape[1])
    with torch.no_grad():
        prior = ((labels * known).sum(0) + 1) / (known.sum(0) + 20)
        head.outer.bias.copy_(torch.logit(prior.clamp(1e-3, 0.5)) / 1.0)
    batch = min(64, len(cells))
    total = epochs * (len(cells) // batch)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, total_steps=total, pct_start=0.1)
    step, running = 0, 0.0
    for _ in range(epochs):
        for rows in torch.randperm(len(cells)).split(batch):
            if len(rows) < batch:
                continue
            with torch.autocast("cpu", torch.bfloat16):
                logits = head(cells[rows].float())
            loss = (
                F.binary_cross_entropy_with_logits(logits.float(), labels[rows], known[rows], reduction="sum") / batch
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            running = loss.item() if step == 0 else 0.98 * running + 0.02 * loss.item()
            step += 1
        log(f"hint head: step {step} of {total}, loss {running:.2f}")
    return head.eval()


@torch.no_grad()
def predict(head: HintHead, cells: torch.Tensor) -> np.ndarray:
    """Probabilities float16 [n, outputs]."""
    return np.concatenate([torch.sigmoid(head(part.float())).half().numpy() for part in cells.split(256)])


def cross_fit(cells: torch.Tensor, labels: torch.Tensor, known: torch.Tensor, epochs: int) -> np.ndarray:
    """Probabilities float16 [n, outputs] for every training photo, each from a head fitted on the other half.

    One process of one thread for each half.
    """
    shared = [t.share_memory_() for t in (cells, labels, known, torch.zeros(labels.shape, dtype=torch.float16))]
    mp.spawn(_fit_half, (*shared, epochs), nprocs=2)
    return shared[-1].numpy()


def _fit_half(half: int, cells, labels, known, out, epochs: int) -> None:
    torch.set_num_threads(1)
    reuse_memory()
    mine = torch.arange(len(cells)) % 2 == half
    head = fit(cells[~mine], labels[~mine], known[~mine], epochs)
    out[mine] = torch.from_numpy(predict(head, cells[mine]))


def reuse_memory() -> None:
    """Keeps freed activations on the heap: mapping fresh pages for every tensor costs a fifth of a training step."""
    libc = ctypes.CDLL(None)
    trim_threshold, mmap_max = -1, -4
    libc.mallopt(mmap_max, 0)
    libc.mallopt(trim_threshold, 2**31 - 1)
