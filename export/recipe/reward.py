"""Learns from its own captions: samples some for a photo and prefers those that score better than their siblings.

Self-critical sequence training (Rennie et al. 2017) on CIDEr-D, the baseline of a sample being the mean of the photo's
other samples (Luo 2020). A word for the end is part of what is scored, or captions would learn to stop mid-sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from tokenizers import Tokenizer

from export.recipe.features import Features
from export.recipe.hint_head import pool
from export.recipe.language import Connector, KeyValues, LanguageModel
from export.recipe.photos import Photo
from export.recipe.samples import Segment, Tree
from models.evaluation.caption_scores import Cider

SAMPLES, LONGEST = 5, 24  # captions of a photo, tokens of a caption
END_WORD = " endofcaption"


@torch.no_grad()
def sample(
    model: LanguageModel, prefixes: list[torch.Tensor], count: int, vocabulary: torch.Tensor, end: int
) -> list[list[list[int]]]:
    """`count` continuations of each prefix [n, hidden], drawn from the model over `vocabulary` (int [v]), all at once.

    A continuation ends with the token `end`, or without it after LONGEST tokens.
    """
    longest = max(map(len, prefixes))
    pads = torch.tensor([longest - len(p) for p in prefixes])
    x = torch.stack([torch.nn.functional.pad(p, (0, 0, n, 0)) for p, n in zip(prefixes, pads.tolist(), strict=True)])
    columns = torch.arange(longest)
    real = columns >= pads[:, None]
    visible = (columns <= columns[:, None]) & real[:, None]
    memory: KeyValues = []
    hidden = model(x, (columns - pads[:, None]).clamp(min=0), visible, kept=memory)[:, -1]
    hidden, real, pads = (t.repeat_interleave(count, 0) for t in (hidden, real, pads))
    memory = [(k.repeat_interleave(count, 0), v.repeat_interleave(count, 0)) for k, v in memory]
    head = model.embeddings[vocabulary]
    drawn: list[torch.Tensor] = []
    done = torch.zeros(len(real), dtype=torch.bool)
    for _ in range(LONGEST):
        chances = torch.softmax((hidden @ head.T).float(), -1)
        drawn.append(vocabulary[torch.multinomial(chances, 1)[:, 0]])
        done |= drawn[-1] == end
        if done.all() or len(drawn) == LONGEST:
            break
        real = torch.cat([real, torch.ones(len(real), 1, dtype=torch.bool)], 1)
        positions = (longest + len(drawn) - 1 - pads)[:, None]
        grown: KeyValues = []
        hidden = model(model.embeddings[drawn[-1]][:, None], positions, real[:, None], memory, grown)[:, -1]
        memory = grown
    rows = [row[: row.index(end) + 1] if end in row else row for row in torch.stack(drawn, 1).tolist()]
    return [rows[i : i + count] for i in range(0, len(rows), count)]


class CaptionCritic:
    """Turns prompts for captions into trees whose answers are the model's own, weighted by how well they did."""

    def __init__(
        self,
        model: LanguageModel,
        connector: Connector,
        features: Features,
        tokenizer: Tokenizer,
        photos: Sequence[Photo],
        vocabulary: torch.Tensor,
        end: int,
    ):
        self._model, self._connector, self._features, self._tokenizer = model, connector, features, tokenizer
        self._vocabulary, self._end = vocabulary, end
        captioned = [p for p in photos if p.captions]
        self._places = {p.file: i for i, p in enumerate(captioned)}
        self._cider = Cider([[caption + END_WORD for caption in p.captions] for p in captioned])
        self._spread = 0.3
        self.reward = 0.0  # running mean of the samples' CIDEr

    def answered(self, prompts: list[tuple[Photo, Tree]]) -> list[Tree]:
        """Each prompt (root and question, see TreeBuilder.prompt) with SAMPLES captions of the model's as answers."""
        sampled = sample(self._model, [self._prefix(tree) for _, tree in prompts], SAMPLES, self._vocabulary, self._end)
        trees = []
        for (photo, tree), rows in zip(prompts, sampled, strict=True):
            scores = np.array([self._score(photo, row) for row in rows])
            better = (scores - scores.mean()) * SAMPLES / (SAMPLES - 1)
            self._spread = 0.98 * self._spread + 0.02 * float(np.abs(better).mean())
            self.reward = 0.98 * self.reward + 0.02 * float(scores.mean()) if self.reward else float(scores.mean())
            asked = len(tree.segments) - 1
            weights = better / max(self._spread, 1e-3)
            replies = [Segment(row, asked, float(w)) for row, w in zip(rows, weights, strict=True)]
            trees.append(replace(tree, segments=[*tree.segments, *replies]))
        return trees

    def _score(self, photo: Photo, row: list[int]) -> float:
        text = self._tokenizer.decode([t for t in row if t != self._end])
        return self._cider.score(self._places[photo.file], text + (END_WORD if row[-1] == self._end else ""))

    @torch.no_grad()
    def _prefix(self, tree: Tree) -> torch.Tensor:
        words = self._model.embeddings[torch.tensor([t for s in tree.segments for t in s.tokens])]
        grid = torch.from_numpy(self._features.grids[[tree.row]].astype(np.float32))
        tokens = self._connector(pool(grid))[0].to(words.dtype)
        return torch.cat([words[: tree.visual], tokens, words[tree.visual + len(tokens) :]])
