"""Captions flickr8k/dev with a run's checkpoint in full precision: what the int4 bundle is measured against.

Same prompt, same hints, same greedy choice; only the arithmetic differs (bfloat16 base, unquantised updates, the tail of
the vision graph in float32).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from export.recipe.hint_head import pool
from export.recipe.language import Connector, LanguageModel
from export.recipe.pack import load_run
from export.recipe.photos import load_photos
from export.recipe.prepare import features, pooled, with_imagenet
from export.recipe.hint_head import predict
from export.recipe.samples import DESCRIBE
from models.evaluation.captions import score_captions
from models.gguf_weights import GgufWeights
from models.prompt import HintRule, PromptTemplate, hint_text


@torch.no_grad()
def greedy(
    model: LanguageModel, prefix: torch.Tensor, end: int, max_tokens: int
) -> list[int]:
    """Greedy tokens after `prefix` [n, hidden]; recomputes everything at each step, which is slow and simple."""
    out: list[int] = []
    x = prefix[None]
    while len(out) < max_tokens:
        n = x.shape[1]
        hidden = model(x, torch.arange(n)[None], torch.ones(1, n, n, dtype=torch.bool).tril())
        token = int((hidden[0, -1] @ model.embeddings.T).argmax())
        if token == end:
            break
        out.append(token)
        x = torch.cat([x, model.embeddings[token][None, None]], 1)
    return out


@torch.no_grad()
def check_captions(data: Path, run: Path, base: Path, limit: int) -> dict:
    """Prints and returns CIDEr and BLEU-4 of the checkpoint on the first `limit` photos of flickr8k/dev."""
    torch.set_num_threads(2)
    model, connector, head = load_run(run, base)
    settings = json.loads((run / "settings.json").read_text())
    template, rules = PromptTemplate(**settings["prompt"]), [HintRule(**rule) for rule in settings["hints"]]
    tokenizer = GgufWeights(base).tokenizer()
    photos = [p for p in load_photos(data, "dev") if p.source == "flickr8k"][:limit]
    found = features(data, run)
    scores = with_imagenet(predict(head, pooled(photos, found)), photos, found)

    def words(text: str) -> torch.Tensor:
        return model.embeddings[tokenizer.encode(text, add_special_tokens=False).ids]

    answers = []
    for photo, row in zip(track(photos, "full precision"), scores, strict=True):
        grid = torch.from_numpy(found.grids[found.row(photo.file)][None].astype(np.float32))
        parts = [
            words(template.head),
            connector(pool(grid))[0].to(torch.bfloat16),
            words(template.after_image(hint_text(row.astype(np.float32), rules))),
            words(template.question(DESCRIBE[0])),
        ]
        tokens = greedy(model, torch.cat(parts), tokenizer.token_to_id(template.end), 40)
        answers.append(tokenizer.decode(tokens))
    figures = score_captions(answers, [p.captions for p in photos])
    print(json.dumps(figures))
    return figures
