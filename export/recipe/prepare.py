"""Everything before the language model learns: the int8 encoder, its features, the hint head and the hints.

Each stage is skipped when its files are there, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from export.recipe import hint_head
from export.recipe.encoder import agreement, export_encoder, read_rgb, squash
from export.recipe.features import FIRST_CROP, MIRRORED, PLAIN, WIDTH, Features, compute
from export.recipe.photos import Photo, load_photos
from export.recipe.vocabulary import build_groups, imagenet_names, targets

MIRRORED_SETS = ("flickr8k", "coco", "coco_extra")
PROMPT = {
    "head": "<|im_start|>user\n",
    "hints": "\nHints: {hints}.",
    "no_hints": "",
    "ask": "\n{question}<|im_end|>\n<|im_start|>assistant\n",
    "end": "<|im_end|>",
}
HINTS = {  # label: (threshold, top, separator); the order is the order in the prompt
    "names": (0.05, 2, ", "),
    "imagenet": (0.15, 2, ", "),
    "objects": (0.35, 4, ", "),
    "words": (0.25, 9, " "),
}
EPOCHS, HALF_EPOCHS = 8, 6
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
    export_encoder(checkpoint, [squash(read_rgb(data / p.file)) for p in chosen], out)
    held = [p for p in load_photos(data, "dev") if p.source == "flickr8k"][:100]
    figures = agreement(out.with_suffix(".exact.onnx"), out, [squash(read_rgb(data / p.file)) for p in held])
    (run / "encoder.json").write_text(json.dumps(figures))
    console.print("encoder, int8 against float32 on 100 held-out photos:", figures)


def views(photo: Photo) -> list[int]:
    """The views of a training photo that are learned from: the rarer the set, the more of them."""
    if photo.source in MIRRORED_SETS:
        return [PLAIN, MIRRORED]
    crops = {"names/grocery": 3, "daquar": 0}.get(photo.source, 1)
    return [PLAIN, *range(FIRST_CROP, FIRST_CROP + crops)]


def features(data: Path, run: Path) -> Features:
    """Features of all training views, then of the held-out photos."""
    if not (run / "features/files.json").exists():
        wanted = [(p.file, view) for p in load_photos(data, "train") for view in views(p)]
        wanted += [(p.file, PLAIN) for p in load_photos(data, "dev")]
        compute(run / "encoder.onnx", data, wanted, run / "features")
    return Features(run / "features")


def pooled(rows: Sequence[int], features: Features) -> torch.Tensor:
    """Cells float16 [n, 16, 1760] of rows of the features."""
    out = torch.empty(len(rows), hint_head.VISUAL_SIDE**2, WIDTH, dtype=torch.float16)
    for start in range(0, len(rows), 256):
        grids = features.grids[rows[start : start + 256]].astype(np.float32)
        out[start : start + 256] = hint_head.pool(torch.from_numpy(grids)).half()
    return out


def with_imagenet(scores: np.ndarray, rows: Sequence[int], features: Features) -> np.ndarray:
    """Appends the encoder's own class probabilities: float16 [n, outputs + 1000]."""
    logits = features.classes[rows].astype(np.float32)
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
    settings = {"prompt": PROMPT, "hints": rules}
    (run / "settings.json").write_text(json.dumps(settings, indent=1))
    owner = [i for i, p in enumerate(photos) for _ in views(p)]
    rows = [found.row(p.file, view) for p in photos for view in views(p)]
    cells = pooled(rows, found)
    labels, known = (
        torch.from_numpy(np.stack(part)) for part in zip(*[targets(p, groups) for p in photos], strict=True)
    )
    views_of = hint_head.Views(cells, torch.tensor(owner), labels, known)
    head = hint_head.fit(views_of, EPOCHS, log=console.print)
    torch.save(head.state_dict(), run / "hint_head.pt")
    console.print("hint head: two more fits, so that each training photo's hints come from a head that never saw it")
    np.save(run / "hints_train.npy", with_imagenet(hint_head.cross_fit(views_of, HALF_EPOCHS), rows, found))
