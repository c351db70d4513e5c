"""Trains the answer head on what the shipped model makes of questions and photos, and packs it.

Cross-entropy against the voters' shares, by AdamW; what they say that is not in the list is the share of "none of
these". Before the whole is learned, a part of the photos is left out to see how far that gets.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track

from export.recipe.answer_material import LAYERS, Asked, Material, asked_of, read
from export.recipe.answer_network import AnswerNetwork, logit, write_answer_head
from export.recipe.photos import load_photos
from models.answer_head import About
from models.vision_language import VisionLanguageModel

TRUST = 0.5  # README.md tells how it was chosen
CHECKED = 6  # one photo of so many is not learned from at first
TEMPERATURES = np.arange(0.5, 3.01, 0.05).round(2)
FITTED = 400  # photos that the components of the cells are those of
console = Console(stderr=True)


@dataclass(frozen=True)
class Plan:
    """questions: of a step; rate: at the top."""

    epochs: int = 16
    questions: int = 64
    rate: float = 2e-3
    decay: float = 0.05


def is_checked(asked: Asked) -> bool:
    return zlib.crc32(asked.file.encode()) % CHECKED == 0


class Lessons:
    """Material, whitened once by a new network, and the shares that it is to learn: float32 [q, answers + 1]."""

    def __init__(self, material: Material, learned: np.ndarray, seed: int = 0):
        """learned: [n], places of the questions that will be learned."""
        torch.manual_seed(seed)
        self.material = material
        places = {answer: i for i, answer in enumerate(material.answers)}
        shares = np.zeros((len(material.asked), len(places) + 1), np.float32)
        for row, one in zip(shares, material.asked, strict=True):
            for answer, share in one.shares.items():
                if answer in places:
                    row[places[answer]] = share
        shares[:, -1] = 1 - shares.sum(1)
        self.shares = torch.from_numpy(shares.clip(0))
        signs = logit(torch.from_numpy(np.concatenate([material.presence, material.hints], 2)))
        questions = torch.from_numpy(material.questions.astype(np.float32))
        photos = np.unique(material.photos[learned])
        widths = questions.shape[-1], material.cells.shape[-1], signs.shape[-1]
        self.network = AnswerNetwork(len(places), *widths)
        chosen = np.sort(np.random.default_rng(seed).choice(photos, min(FITTED, len(photos)), replace=False))
        self.network.question.fit(questions[learned])
        self.network.cell.fit(torch.from_numpy(material.cells[chosen]).float().flatten(0, 2))
        self.network.signs.fit(signs[photos].flatten(0, 1))
        self.questions, self.signs = self.network.question(questions), self.network.signs(signs)
        cells = [self.network.cell(torch.from_numpy(one).float()).half() for one in material.cells]
        self.cells = torch.stack(cells)  # [photos, views, 49, CELL]

    def logits(self, rows: np.ndarray, views: np.ndarray) -> torch.Tensor:
        photos = self.material.photos[rows]
        cells, signs = self.cells[photos, views].float(), self.signs[photos, views]
        return self.network.answer(self.questions[rows], cells, signs)

    def learn(self, rows: np.ndarray, plan: Plan, seed: int = 0) -> AnswerNetwork:
        """rows: [n], places of questions; a photo is seen in another view each time."""
        rng, net = np.random.default_rng(seed), self.network.train()
        steps = len(rows) // plan.questions
        optimizer = torch.optim.AdamW(net.parameters(), plan.rate, weight_decay=plan.decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.rate, plan.epochs * steps, pct_start=0.1)
        for _ in track(range(plan.epochs), "learning to answer", console=console):
            for some in np.split(rng.permutation(rows)[: steps * plan.questions], steps):
                logits = self.logits(some, rng.integers(0, self.cells.shape[1], len(some)))
                loss = -(self.shares[some] * F.log_softmax(logits, 1)).sum(1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        return net.eval()

    @torch.no_grad()
    def scores(self, rows: np.ndarray, trust: float) -> torch.Tensor:
        """What is chosen by, plain views: float32 [n, answers + 1]."""
        self.network.eval()
        parts = np.array_split(rows, max(1, len(rows) // 256))
        logits = torch.cat([self.logits(part, np.zeros(len(part), int)) for part in parts])
        return F.log_softmax(logits, 1) + trust * torch.from_numpy(self.material.begun[rows])

    def temperature(self, rows: np.ndarray, trust: float) -> float:
        """That which makes the voters' answers to some questions likeliest (Guo et al. 2017)."""
        scores, shares = self.scores(rows, trust), self.shares[rows]
        losses = [float(-(shares * F.log_softmax(scores / t, 1)).sum(1).mean()) for t in TEMPERATURES]
        return float(TEMPERATURES[int(np.argmin(losses))])

    def check(self, rows: np.ndarray, trust: float) -> dict[str, float]:
        """Mean share of the voters who say what is chosen, and how often nothing is."""
        best = self.scores(rows, trust).argmax(1).numpy()
        kept = best < len(self.material.answers)
        said = self.shares[rows, best].numpy()[kept]
        return {"agreement": round(float(said.sum() / max(1, len(said))), 3), "left": round(float((~kept).mean()), 3)}


def train(
    load: Callable[[], VisionLanguageModel], data: Path, weights: Path, run: Path, version: str, plan: Plan
) -> None:
    """Learns from what the model makes of the training questions; writes WEIGHTS/answers.onnx and the version into its
    config.json. load: gives the model that WEIGHTS makes, of one thread."""
    run.mkdir(parents=True, exist_ok=True)
    material = read(load, data, asked_of(load_photos(data, "train")), run)
    everything = np.arange(len(material.asked))
    checked = np.array([is_checked(one) for one in material.asked])
    told: dict[str, Any] = {"questions": len(everything), "answers": len(material.answers)}
    lessons = Lessons(material, everything[~checked])
    lessons.learn(everything[~checked], plan)
    for name, rows in _by_set(material.asked, checked).items():
        told[name] = {f"trust {trust}": lessons.check(rows, trust) for trust in (0.0, 0.25, TRUST, 1.0)}
    told["temperature"] = lessons.temperature(everything[checked], TRUST)
    console.print(told)
    (run / "answers.json").write_text(json.dumps(told, indent=1) + "\n")
    lessons = Lessons(material, everything)
    network = lessons.learn(everything, plan)
    about = About(tuple(material.answers), LAYERS, TRUST, told["temperature"], load().adapter)
    write_answer_head(network, about, material.presence.shape[-1], weights / "answers.onnx")
    path = weights / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": version}, indent=1) + "\n")


def _by_set(asked: Sequence[Asked], wanted: np.ndarray) -> dict[str, np.ndarray]:
    sets = np.array([one.file.split("/images")[0] if one.shares else "unlisted" for one in asked])
    return {str(name): np.nonzero((sets == name) & wanted)[0] for name in sorted(set(sets[wanted]))}
