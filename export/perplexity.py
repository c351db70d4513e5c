"""How surprised a language model is by what comes next: in the runtime and in PyTorch, by the same measure.

Perplexity is exp of the mean negative log-likelihood of a token; a text is read in windows that know nothing of one
another, so that it fits into any cache and every model has the same to go by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.prose import TEXT
from models.decoder import Decoder

WINDOW = 256  # tokens

Score = Callable[[Sequence[int]], np.ndarray]
"""token ids [n] -> logits float [n, vocabulary] after each of them, with nothing before the first."""


@dataclass(frozen=True)
class Surprise:
    """nats: float64 [n], negative log-likelihoods of tokens in their order."""

    nats: np.ndarray

    @property
    def perplexity(self) -> float:
        return float(np.exp(self.nats.mean()))

    def ratio_to(self, other: Surprise) -> tuple[float, float]:
        """Perplexity as a multiple of the other's, who read the same tokens, and the standard error of that multiple.

        The error is of the mean difference, tokens taken as independent: it is far smaller than that of either alone.
        """
        difference = self.nats - other.nats
        ratio = float(np.exp(difference.mean()))
        return ratio, ratio * float(difference.std(ddof=1) / np.sqrt(len(difference)))


def next_token_nats(logits: np.ndarray, following: Sequence[int]) -> np.ndarray:
    """float64 [n]: -log softmax(logits)[i, following[i]]. logits float [n, vocabulary]."""
    logits = logits.astype(np.float64)
    logits -= logits.max(-1, keepdims=True)
    chosen = logits[np.arange(len(logits)), np.asarray(following, np.int64)]
    return np.log(np.exp(logits).sum(-1)) - chosen


def text_surprise(score: Score, ids: Sequence[int], window: int = WINDOW) -> Surprise:
    """Over ids [n >= 2] of a text, in windows of `window` tokens; the first of each window is only read."""
    parts = []
    for start in range(0, len(ids), window):
        part = ids[start : start + window]
        if len(part) > 1:
            parts.append(next_token_nats(score(part[:-1]), part[1:]))
    if not parts:
        raise ValueError("A perplexity needs two tokens or more.")
    return Surprise(np.concatenate(parts))


def text_ids(tokenizer: Any, text: str = TEXT) -> list[int]:
    """Of a text, without markers: by a tokenizers.Tokenizer."""
    return tokenizer.encode(text, add_special_tokens=False).ids


def runtime_score(decoder: Decoder) -> Score:
    """Through onnxruntime, with the embeddings of the bundle."""
    return lambda ids: decoder.score(decoder.new_cache(), decoder.embed(ids))


def torch_score(model: Any) -> Score:
    """Through a causal language model of transformers."""
    import torch

    def score(ids: Sequence[int]) -> np.ndarray:
        with torch.no_grad():
            return model(input_ids=torch.tensor([list(ids)])).logits[0].float().numpy()

    return score
