"""Trains the probe of refusals (models.refusal_probe): `python -m export.recipe.refusal_probe --data DATA --run RUN`.

Cross-entropy by AdamW, with a fixed seed, on what the shipped model's layers make of every line. Learns from the lines
of refusals_lines.jsonl, one wording of each pattern of refusals.toml, and some of what the classifier learns as
harmless. To be run again whenever the default model is trained anew.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track

from device.assistant import load_model
from export.recipe.refusals import Example, everyday, lines, natural, phrasings
from models.refusal_probe import FILE, WIDTHS, RefusalProbe, values_of
from models.refusals import HARMLESS, words_of
from models.vision_language import VisionLanguageModel

NATURAL, EVERYDAY = 4500, 1200  # questions about photos, and of what routing learns, that are learnt from
SEEN, FILTERS = 64, 64  # values of a token that the filters look at; filters of each width
ROUNDS, BATCH, RATE, DECAY = 8, 64, 2e-3, 0.1
DROPPED, VALUES_DROPPED, TOKENS_DROPPED, SMOOTHED = 0.45, 0.1, 0.08, 0.03
WHOLE = 400  # lines after which what was read is saved


def examples(data: Path) -> list[Example]:
    """What the probe learns from; the same in every run. Lines without words are left out."""
    drawn = random.Random(0).sample(sorted(everyday(), key=lambda example: example.text), EVERYDAY)
    found = [*lines(), *natural(data)[:NATURAL], *drawn, *phrasings(most=1)]
    return [example for example in found if words_of(example.text)]


class Values:
    """What the layers made of lines: float16 [all tokens, values], and where the tokens of each line are.

    Kept in a folder, file by file, so that an interrupted reading goes on.
    """

    def __init__(self, run: Path, adapter: str):
        self._folder = run / f"values-{adapter[:8]}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._of: dict[str, np.ndarray] = {}
        for file in sorted(self._folder.glob("*.npz")):
            with np.load(file) as kept:
                parts = np.split(kept["values"], np.cumsum(kept["counts"])[:-1])
                self._of.update(zip(map(str, kept["texts"]), parts, strict=True))

    def read(self, model: VisionLanguageModel, texts: Sequence[str]) -> list[np.ndarray]:
        """float16 [tokens, values] of each text; those that were read before are not read again."""
        missing = [text for text in dict.fromkeys(map(_said, texts)) if text not in self._of]
        new: dict[str, np.ndarray] = {}
        for text in track(missing, "reading", console=Console(stderr=True)):
            new[text] = values_of(model, text.split()).astype(np.float16)
            if len(new) == WHOLE or text == missing[-1]:
                self._keep(new)
                new = {}
        return [self._of[_said(text)] for text in texts]

    def _keep(self, new: dict[str, np.ndarray]) -> None:
        file = self._folder / f"{len(self._of):06}.npz"
        counts = [len(values) for values in new.values()]
        np.savez(file.with_suffix(".part.npz"), texts=list(new), counts=counts, values=np.concatenate([*new.values()]))
        file.with_suffix(".part.npz").replace(file)
        self._of.update(new)


def _said(text: str) -> str:
    return " ".join(words_of(text))


class Network(torch.nn.Module):
    """What models.refusal_probe.RefusalProbe computes, in torch."""

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, kinds: int, mean: torch.Tensor, spread: torch.Tensor):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.project = torch.nn.Linear(len(mean), SEEN)
        self.filters = torch.nn.ModuleDict(
            {str(width): torch.nn.Conv1d(SEEN, FILTERS, width, padding=width) for width in WIDTHS}
        )
        self.out = torch.nn.Linear(FILTERS * len(WIDTHS) + SEEN, kinds)

    def forward(self, values: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """values float32 [n, tokens, values]; known float32 [n, tokens, 1], 1 where there is a token -> [n, kinds]."""
        values = (values - self.mean) / self.spread
        if self.training:
            values = F.dropout(values, VALUES_DROPPED)
            known = known * (torch.rand(known.shape) > TOKENS_DROPPED)
        seen = self.project(values) * known
        mean = seen.sum(1) / (known.sum(1) + 1)
        highest = [torch.relu(one(seen.transpose(1, 2))).amax(2) for one in self.filters.values()]
        return self.out(F.dropout(torch.cat([mean, *highest], 1), DROPPED, self.training))

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights by name; what standardises the values is multiplied into the projection."""
        found = {name: tensor.numpy() for name, tensor in self.state_dict().items() if name not in ("mean", "spread")}
        weight = found["project.weight"] / self.spread.numpy()
        return found | {"project.weight": weight, "project.bias": found["project.bias"] - weight @ self.mean.numpy()}


def batch_of(values: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """What Network takes."""
    longest = max(map(len, values))
    stacked = torch.zeros(len(values), longest, values[0].shape[1])
    known = torch.zeros(len(values), longest, 1)
    for row, one in enumerate(values):
        stacked[row, : len(one)], known[row, : len(one)] = torch.from_numpy(one).float(), 1
    return stacked, known


def fitted(
    values: Sequence[np.ndarray], learnt: Sequence[Example], kinds: Sequence[str], adapter: str, seed: int = 0
) -> RefusalProbe:
    """values: of each example. adapter: of the model that read them."""
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    some = torch.from_numpy(np.concatenate([*values[::5]])).float()
    network = Network(len(kinds), some.mean(0), some.std(0) + 1e-3)
    truth = torch.tensor([kinds.index(example.kind) for example in learnt])
    weights = torch.tensor([example.weight for example in learnt])
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps = ROUNDS * (len(learnt) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    for _ in range(ROUNDS):
        order = draw.permutation(len(learnt))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            which = order[start : start + BATCH]
            logits = network(*batch_of([values[one] for one in which]))
            losses = F.cross_entropy(logits, truth[which], reduction="none", label_smoothing=SMOOTHED)
            optimizer.zero_grad()
            (losses * weights[which]).mean().backward()
            optimizer.step()
            schedule.step()
    return RefusalProbe(kinds, adapter, network.eval().arrays())


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder that holds the training sets (README.md in export/recipe says which).",
)
@click.option("--run", type=click.Path(path_type=Path), required=True, help="Folder for what the model made of lines.")
@click.option("--out", type=click.Path(path_type=Path), default=FILE, show_default=True)
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True)
def main(data: Path, run: Path, out: Path, threads: int) -> None:
    """Train the probe of refusals for the default model: a quarter of an hour on two cores."""
    torch.set_num_threads(threads)
    model, learnt = load_model(threads=threads), examples(data)
    kinds = [HARMLESS, *sorted({example.kind for example in learnt} - {HARMLESS})]
    values = Values(run, model.adapter).read(model, [example.text for example in learnt])
    fitted(values, learnt, kinds, model.adapter).save(out)


if __name__ == "__main__":
    main()
