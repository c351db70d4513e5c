"""Everything before the language model learns: the int8 encoder, its features, the hint head and the hints.

Each stage is skipped when its files are there, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from export.recipe import hint_head
from export.recipe.encoder import agreement, export_encoder, read_squashed
from export.recipe.features import WIDTH, Features, compute
from export.recipe.photos import Photo, load_photos
from export.recipe.vocabulary import build_groups, imagenet_names, targets

MIRRORED = ("flickr8k", "coco", "coco_extra")
PROMPT = {
    "head": "<|im_start|>user\n",
    "hints": "\nHints: {hints}.",
    "no_hints": "",
    "ask": "\n{question}<|im_end|>\n<|im_start|>assistant\n",
    "end": "<|im_end|>",
}
HINTS = {  # label: (threshold, top, separator); the order is the order in the prompt
    "names": (0.3, 2, ", "),
    "imagenet": (0.15, 2, ", "),
    "objects": (0.35, 4, ", "),
    "words": (0.25, 9, " "),
}
EPOCHS, HALF_EPOCHS = 6, 4
console = Console(stderr=True)


def encoder(data: Path, checkpoint: Path, run: Path) -> None:
    out = run / "encoder.onnx"
    if out.exists():
        return
    draw = random.Random(0)
    photos = load_photos(data, "train")
    chosen = []
    for source, count in {"flickr8k": 96, "names/grocery": 32}.items():
        candidates = [p for p in photos if p.source == source]
        chosen += draw.sample(candidates, min(count, len(candidates)))
    export_encoder(checkpoint, [read_squashed(data / p.file) for p in chosen], out)
    held = [p for p in load_photos(data, "dev") if p.source == "flickr8k"][:100]
    figures = agreement(out.with_suffix(".exact.onnx"), out, [read_squashed(data / p.file) for p in held])
    (run / "encoder.json").write_text(json.dumps(figures))
    console.print("encoder, int8 against float32 on 100 held-out photos:", figures)


def features(data: Path, run: Path) -> Features:
    if not (run / "features/files.json").exists():
        photos = load_photos(data, "train")
        wanted = [(p.file, False) for p in photos + load_photos(data, "dev")]
        wanted += [(p.file, True) for p in photos if p.source in MIRRORED]
        compute(run / "encoder.onnx", data, wanted, run / "features")
    return Features(run / "features")


def pooled(photos: list[Photo], features: Features) -> torch.Tensor:
    """Cells float16 [n, 16, 1760]."""
    out = torch.empty(len(photos), hint_head.VISUAL_SIDE**2, WIDTH, dtype=torch.float16)
    for start in range(0, len(photos), 256):
        rows = [features.row(p.file) for p in photos[start : start + 256]]
        out[start : start + 256] = hint_head.pool(torch.from_numpy(features.grids[rows].astype(np.float32))).half()
    return out


def with_imagenet(scores: np.ndarray, photos: list[Photo], features: Features) -> np.ndarray:
    """Appends the encoder's own class probabilities: float16 [n, outputs + 1000]."""
    logits = features.classes[[features.row(p.file) for p in photos]].astype(np.float32)
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return np.concatenate([scores, (odds / odds.sum(1, keepdims=True)).astype(np.float16)], 1)


def hints(data: Path, class_names: Path, run: Path) -> None:
    """Fits the hint head, cross-fits the training hints, writes settings.json (prompt and hint rules)."""
    if (run / "hints_train.npy").exists():
        return
    photos, found = load_photos(data, "train"), features(data, run)
    groups = build_groups(photos)
    sizes = [*((g.label, g.names) for g in groups), ("imagenet", imagenet_names(class_names))]
    starts = dict(zip((label for label, _ in sizes), np.cumsum([0, *(len(names) for _, names in sizes)]), strict=False))
    rules = [
        {
            "label": label,
            "start": int(starts[label]),
            "names": dict(sizes)[label],
            "threshold": t,
            "top": k,
            "separator": s,
        }
        for label, (t, k, s) in HINTS.items()
    ]
    (run / "settings.json").write_text(json.dumps({"prompt": PROMPT, "hints": rules}, indent=1))
    cells = pooled(photos, found)
    labels, known = (
        torch.from_numpy(np.stack(part)) for part in zip(*[targets(p, groups) for p in photos], strict=True)
    )
    head = hint_head.fit(cells, labels, known, EPOCHS, log=console.print)
    torch.save(head.state_dict(), run / "hint_head.pt")
    order = np.random.default_rng(0).permutation(len(photos))
    console.print("hint head: two more fits, so that each training photo's hints come from a head that never saw it")
    scores = hint_head.cross_fit(cells[order], labels[order], known[order], HALF_EPOCHS)[np.argsort(order)]
    np.save(run / "hints_train.npy", with_imagenet(scores, photos, found))
