"""Trains the network that names things, on a copy of the encoder's last blocks of its own, and packs it.

Names are what these blocks were made for, only other ones; so they are tuned as a classifier is (the mean over the
cells, one product), on photos of named things and, as one more class, on photos of scenes and on pictures of nothing:
walls, skies, darkness. A first training leaves a part of all out, to see how far that gets and how sure the network may
be; what ships has learned from all.
"""

from __future__ import annotations

import json
import math
import zlib
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from rich.console import Console
from torch import nn

from export.recipe.caption_graph import OPSETS, Nodes, own_blocks
from export.recipe.efficientnet_lite import EfficientNetLite
from export.recipe.encoder import SIDE
from export.recipe.object_blocks import CEILING, LastBlocks
from export.recipe.object_features import (
    ENTRY,
    FIRST_CROP,
    PARTS,
    PLAIN,
    SECOND_CROP,
    WIDTHS,
    Encoder,
    compute,
    quantisation,
)
from export.recipe.photos import Photo, load_photos
from export.recipe.processor import autocast, reuse_memory
from export.recipe.samples import NAME, said_as
from export.recipe.vocabulary import spoken_name
from models import namer
from models.namer import Names

VIEWS = tuple(range(6))  # of a named thing: plain, mirrored, four crops
CHECKED = 5  # one photo of so many is left out at first
SCENES = 4000  # photos that show nothing by name
SCENE_VIEWS = (PLAIN, FIRST_CROP, SECOND_CROP)
NOTHING = 400  # drawn pictures that show nothing at all
LEAST = 0.05
CALIBRATED = 400  # views on which the ranges of the blocks are measured
TEMPERATURES = np.arange(0.5, 2.01, 0.05)
console = Console(stderr=True)


@dataclass(frozen=True)
class Plan:
    """rate: at the top, of the product; blocks_rate: of the blocks. scenes: of an epoch. mixed: share of the steps in
    which photos are mixed with one another (Zhang et al. 2018). kept: of the running mean of the weights, in each step.
    """

    epochs: int = 12
    photos: int = 64
    rate: float = 2e-3
    blocks_rate: float = 2e-4
    decay: float = 0.05
    dropout: float = 0.3
    scenes: int = 1500
    mixed: float = 0.3
    smoothing: float = 0.05
    kept: float = 0.995


class NameNetwork(nn.Module):
    """forward: bytes of ENTRY [b, 49, e] -> logits float32 [b, names + 1], the last of them none of these."""

    def __init__(self, blocks: LastBlocks, names: int, dropout: float = 0.0):
        super().__init__()
        self.blocks, self.dropout = blocks, dropout
        self.out = nn.Linear(WIDTHS[0], names + 1)
        nn.init.normal_(self.out.weight, std=0.005)

    def forward(self, entries: torch.Tensor) -> torch.Tensor:
        seen = self.blocks(entries).float().mean(1)
        return self.out(F.dropout(seen, self.dropout, self.training)).float()


@dataclass(frozen=True)
class Material:
    """entries: uint8 [views, 49, e], mapped from disk, and after them those of drawn pictures; rows: of each photo, its
    views, the plain one first; labels: int [photos], the last name + 1 for scenes and drawn pictures."""

    photos: list[Photo]
    names: list[str]
    labels: np.ndarray
    rows: list[list[int]]
    entries: tuple[np.ndarray, np.ndarray]

    def shown(self, rows: np.ndarray | list[int]) -> torch.Tensor:
        read, drawn = self.entries
        return torch.from_numpy(np.stack([read[r] if r < len(read) else drawn[r - len(read)] for r in rows]))

    def checked(self) -> np.ndarray:
        """Which photos are left out at first: bool [photos]."""
        return np.array([zlib.crc32(Path(p.file).name.encode()) % CHECKED == 1 for p in self.photos])


def nothing(number: int) -> np.ndarray:
    """A picture of nothing: one colour or two that go over into each other or meet, clouds, and noise: uint8
    [SIDE, SIDE, 3]."""
    draw = np.random.default_rng(number)
    extremes = draw.choice([0, 255], (2, 1)) * np.ones((2, 3))
    first, second = draw.uniform(0, 255, (2, 3)) if draw.random() < 0.75 else extremes
    ways: list[np.ndarray] = [np.zeros((SIDE, SIDE)), np.tile(np.linspace(0, 1, SIDE), (SIDE, 1))]
    ways.append(np.where(ways[1] < draw.uniform(0.2, 0.8), 0.0, 1.0))
    ways.append(cv2.resize(draw.uniform(0, 1, (4, 4)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    share = np.rot90(ways[int(draw.integers(len(ways)))], int(draw.integers(4)))[..., None]
    noise = draw.normal(0, draw.choice([0, 3, 10, 25]), (SIDE, SIDE, 3))
    return np.clip((1 - share) * first + share * second + noise, 0, 255).astype(np.uint8)


def read(vision: Path, data: Path, run: Path) -> Material:
    """All named photos, some scenes and pictures of nothing; what the encoder makes of photos is kept in the run
    folder."""
    photos = load_photos(data, "train")
    named, scenes = [p for p in photos if p.name], [p for p in photos if not p.name]
    chosen = np.random.default_rng(0).choice(len(scenes), min(SCENES, len(scenes)), replace=False)
    kept = [*named, *(scenes[i] for i in np.sort(chosen))]
    keys = [(p.file, view) for p in kept for view in (VIEWS if p.name else SCENE_VIEWS)]
    part = {ENTRY: PARTS[ENTRY]}
    computed = compute(vision, data, keys, run / "names.npy", part)
    rows: dict[str, list[int]] = {}
    for row, (file, _) in enumerate(computed.keys):
        rows.setdefault(file, []).append(row)
    encoder = Encoder(vision, part)
    drawn = np.stack([encoder.encode(nothing(number)) for number in range(NOTHING)])
    for number in range(NOTHING):
        kept.append(Photo(f"nothing/{number}", "nothing"))
        rows[kept[-1].file] = [len(keys) + number]
    spoken = [spoken_name(p.name, p.kind) if p.name else "" for p in kept]
    names = sorted({*spoken} - {""})
    place = {name: i for i, name in enumerate(names)} | {"": len(names)}
    labels = np.array([place[s] for s in spoken])
    return Material(kept, names, labels, [rows[p.file] for p in kept], (computed.values, drawn))


def fit(
    material: Material, learned: np.ndarray, start: NameNetwork, plan: Plan, path: Path, seed: int = 0
) -> NameNetwork:
    """The running mean of a copy of `start` that learned from some photos: bool [photos]. Kept at `path`, and not
    trained again where it is there."""
    mean = deepcopy(start)
    if path.exists():
        mean.load_state_dict(torch.load(path, weights_only=True))
        return mean.eval()
    torch.manual_seed(seed)
    rng, net = np.random.default_rng(seed), deepcopy(start)
    scene = material.labels == len(material.names)
    things, scenes = np.nonzero(learned & ~scene)[0], np.nonzero(learned & scene)[0]
    shown = min(plan.scenes, len(scenes))
    batch = min(plan.photos, len(things) + shown)
    steps = (len(things) + shown) // batch
    groups = [
        {"params": list(net.out.parameters())},
        {"params": [p for p in net.blocks.parameters() if p.requires_grad]},
    ]
    optimizer = torch.optim.AdamW(groups, plan.rate, weight_decay=plan.decay, fused=True)
    rates = [plan.rate, plan.blocks_rate]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, plan.epochs * steps, pct_start=0.15)
    count = 0
    for epoch in range(plan.epochs):
        net.train()
        order = rng.permutation(np.concatenate([things, rng.choice(scenes, shown, replace=False)]))
        running = 0.0
        for some in np.split(order[: steps * batch], steps):
            loss = _loss(net, material, some, plan, rng)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            count += 1
            running += loss.item() / steps
            with torch.no_grad():
                for old, new in zip(mean.parameters(), net.parameters(), strict=True):
                    old.lerp_(new, 1 - min(plan.kept, count / (count + 10)))
        console.print(f"{path.stem}: epoch {epoch + 1} of {plan.epochs}, loss {running:.3f}")
    torch.save(mean.state_dict(), path)
    return mean.eval()


def _loss(
    net: NameNetwork, material: Material, photos: np.ndarray, plan: Plan, rng: np.random.Generator
) -> torch.Tensor:
    entries = material.shown([rng.choice(material.rows[photo]) for photo in photos]).float()
    wanted = F.one_hot(torch.from_numpy(material.labels[photos]), len(material.names) + 1).float()
    if rng.random() < plan.mixed:
        share = float(rng.beta(0.4, 0.4))
        entries = share * entries + (1 - share) * entries.roll(-1, 0)
        wanted = share * wanted + (1 - share) * wanted.roll(-1, 0)
    with autocast():
        logits = net(entries)
    return F.cross_entropy(logits, wanted, label_smoothing=plan.smoothing)


@torch.no_grad()
def predict(net: NameNetwork, material: Material, photos: np.ndarray) -> torch.Tensor:
    """Logits of the plain views: float32 [n, names + 1]."""
    rows = [material.rows[photo][0] for photo in photos]
    return torch.cat([net(material.shown(rows[i : i + 64])) for i in range(0, len(rows), 64)])


def temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """That which makes the true names likeliest (Guo et al. 2017)."""
    losses = [float(F.cross_entropy(logits / t, labels)) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def check(material: Material, photos: np.ndarray, logits: torch.Tensor) -> dict[str, float]:
    """Of photos that were left out, logits as they will be: share of each set that is named right, of named things for
    which no name is likely enough, and of scenes and pictures of nothing that are given a name all the same."""
    chances, best = logits.softmax(1)[:, :-1].max(1)
    said, right = (chances >= LEAST).numpy(), best.numpy() == material.labels[photos]
    shown = [material.photos[photo] for photo in photos]
    sets = np.array([p.source if p.name or p.source == "nothing" else "scenes" for p in shown])
    named = np.array([p.name is not None for p in shown])
    told = {str(name): float((said & right)[sets == name].mean()) for name in sorted(set(sets[named]))}
    told |= {str(name): float(said[sets == name].mean()) for name in sorted(set(sets[~named]))}
    return {name: round(value, 3) for name, value in {**told, "unnamed": float(1 - said[named].mean())}.items()}


def write_namer(net: NameNetwork, about: Names, divisor: float, some: np.ndarray, out: Path) -> None:
    """cells uint8 [49, width] -> chances float32 [1, names + 1].

    divisor: of the logits. some: bytes of ENTRY [n, 49, e], on which the ranges of the blocks are measured.
    """
    build, net = Nodes(""), deepcopy(net).eval()
    seen = build("Cast", own_blocks(build, namer.CELLS, net.blocks, some), to=TensorProto.FLOAT)
    mean = build("ReduceMean", seen, axes=[0], keepdims=1)
    logits = build.product(mean, net.out.weight * (CEILING / 255 / divisor), net.out.bias / divisor)
    build("Softmax", logits, axis=-1, out=namer.CHANCES)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        build.nodes,
        "names",
        [value(namer.CELLS, TensorProto.UINT8, [None, "width"])],
        [value(namer.CHANCES, TensorProto.FLOAT, [1, len(about.answers) + 1])],
        build.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*one) for one in OPSETS], ir_version=9)
    helper.set_model_props(model, {namer.ABOUT: json.dumps(asdict(about))})
    onnx.save(model, out)


def train(data: Path, checkpoint: Path, weights: Path, run: Path, version: str, plan: Plan) -> None:
    """Learns from what WEIGHTS/vision.onnx sees; writes WEIGHTS/names.onnx and the version into its config.json.

    checkpoint: of the encoder.
    """
    run.mkdir(parents=True, exist_ok=True)
    reuse_memory()
    vision = weights / "vision.onnx"
    material = read(vision, data, run)
    torch.manual_seed(0)
    blocks = LastBlocks(EfficientNetLite.load(checkpoint), *quantisation(onnx.load(vision), ENTRY))
    start = NameNetwork(blocks, len(material.names), plan.dropout)
    left_out = material.checked()
    photos = np.nonzero(left_out)[0]
    logits = predict(fit(material, ~left_out, start, plan, run / "names-checked.pt"), material, photos)
    divisor = temperature(logits, torch.from_numpy(material.labels[photos]))
    told: dict[str, Any] = {"temperature": round(divisor, 2), **check(material, photos, logits / divisor)}
    console.print(told)
    (run / "checked.json").write_text(json.dumps(told, indent=1) + "\n")
    net = fit(material, np.ones_like(left_out), start, plan, run / "names-all.pt", seed=1)
    plain = [rows[0] for rows in material.rows]
    some = material.shown(plain[:: math.ceil(len(plain) / CALIBRATED)]).numpy()
    about = Names(tuple(dict.fromkeys(NAME)), tuple(map(said_as, material.names)), LEAST)
    write_namer(net, about, divisor, some, weights / "names.onnx")
    path = weights / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": version}, indent=1) + "\n")
