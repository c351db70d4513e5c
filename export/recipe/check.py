"""Captions flickr8k/dev with a run's checkpoint in full precision: what the int4 bundle is measured against.

Same prompt, same hint rules, same greedy choice; only the arithmetic differs: transformers' Llama in float32 with the
updates unquantised, connector and hint head in float32.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track
from safetensors.torch import save_file

from export.recipe.hint_head import pool, predict
from export.recipe.pack import load_run
from export.recipe.photos import load_photos
from export.recipe.prepare import features, pooled, with_imagenet
from export.reference import load_reference
from models.adapted_weights import AdaptedWeights
from models.evaluation.pictures import DESCRIBE, evaluate_captions
from models.gguf_weights import GgufWeights
from models.prompt import HintRule, PromptTemplate, hint_text
from models.vision_language import MAX_ANSWER_TOKENS

BATCH = 16


@torch.no_grad()
def greedy(model: Any, prefixes: list[torch.Tensor], end: int) -> list[list[int]]:
    """Greedy tokens after each prefix [n, hidden], all at once, padded on the left."""
    longest = max(len(p) for p in prefixes)
    embeddings = torch.stack([torch.nn.functional.pad(p, (0, 0, longest - len(p), 0)) for p in prefixes])
    mask = torch.stack([torch.arange(longest) >= longest - len(p) for p in prefixes]).long()
    out: Any = model.generate(
        inputs_embeds=embeddings,
        attention_mask=mask,
        max_new_tokens=MAX_ANSWER_TOKENS,
        do_sample=False,
        eos_token_id=end,
        pad_token_id=end,
    )
    return [[t for t in row if t != end] for row in out.tolist()]


@torch.no_grad()
def check_captions(data: Path, run: Path, base: Path, limit: int) -> dict[str, float]:
    """Prints and returns the figures of `evaluate_captions` for the first `limit` photos of flickr8k/dev."""
    gguf = GgufWeights(base)
    trained, connector, head = load_run(run, gguf)
    with tempfile.TemporaryDirectory() as scratch:
        save_file(trained.adapter(), Path(scratch, "adapter.safetensors"))
        model = load_reference(AdaptedWeights(gguf, Path(scratch, "adapter.safetensors")))
    tokenizer = gguf.tokenizer()
    settings = json.loads((run / "settings.json").read_text())
    template, rules = PromptTemplate(**settings["prompt"]), [HintRule(**rule) for rule in settings["hints"]]
    photos = [p for p in load_photos(data, "dev") if p.source == "flickr8k"][:limit]
    found = features(data, run)
    places = [found.row(p.file) for p in photos]
    scores = with_imagenet(predict(head, pooled(places, found)), places, found).astype(np.float32)

    def words(text: str) -> torch.Tensor:
        return model.model.embed_tokens(
            torch.tensor(tokenizer.encode(text, add_special_tokens=False).ids, dtype=torch.long)
        )

    said: dict[str, str] = {}
    for start in track(range(0, len(photos), BATCH), "full precision"):
        batch = photos[start : start + BATCH]
        grids = torch.from_numpy(found.grids[[found.row(p.file) for p in batch]].astype(np.float32))
        prefixes = [
            torch.cat(
                [
                    words(template.head),
                    tokens,
                    words(template.after_image(hint_text(row, rules))),
                    words(template.question(DESCRIBE)),
                ]
            )
            for tokens, row in zip(connector(pool(grids)), scores[start : start + BATCH], strict=True)
        ]
        for photo, tokens in zip(batch, greedy(model, prefixes, tokenizer.token_to_id(template.end)), strict=True):
            said[photo.file] = tokenizer.decode(tokens)
    rows = [{"file": p.file, "path": Path(p.file), "captions": p.captions} for p in photos]
    figures = evaluate_captions(rows, lambda path, question: said[str(path)]).figures
    print(json.dumps(figures))
    return figures
