"""A whole question, with a picture where the model sees: as the runtime asks it, and as the authors' own code does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from export.checkpoint import Checkpoint
from export.verify.measure import GREEDY_TOKENS, compare_logits, equal_leading
from export.verify.original import Original
from models.vision_language import VisionLanguageModel

QUESTION = "What is in the picture? Answer briefly."
QUESTION_WITHOUT = "What is the capital of France? Answer briefly."


def compare_whole(
    model: VisionLanguageModel,
    checkpoint: Checkpoint,
    original: Original,
    picture: np.ndarray,
    tokens: np.ndarray | None,
    by_processor: bool,
) -> dict[str, Any]:
    """picture: uint8 RGB [height, width, 3]. tokens: what the original's picture side makes of it, float32 [n, hidden].

    by_processor: the original gets the picture by its own image processor, and `tokens` are not needed.
    """
    sees = checkpoint.picture_side is not None
    question = QUESTION if sees else QUESTION_WITHOUT
    view = model.look(picture, with_hints=False) if sees else None
    ids = model.prompt_ids(view, question, with_hints=False)
    cache = view.cache if view is not None else model.decoder.new_cache()
    last = ids[cache.length :]  # what does not depend on the picture, or all
    logits = model.decoder.score(cache, model.decoder.embed(last))
    written = list(model.decoder.generate(cache, logits[-1], GREEDY_TOKENS))
    if sees and by_processor:
        prompt = {"input_ids": torch.tensor([ids]), **_pixels(checkpoint, picture)}
    elif sees:
        assert tokens is not None
        prompt = {"inputs_embeds": torch.from_numpy(_with_tokens(original, ids, tokens, model))[None]}
    else:
        prompt = {"input_ids": torch.tensor([ids])}
    comparable = checkpoint.original is not None and (by_processor or not sees)
    expected_logits, expected = original.greedy(GREEDY_TOKENS, len(last), **prompt)
    return {
        **compare_logits(logits, expected_logits),
        "greedy_equal_tokens": equal_leading(written, expected),
        "prompt_tokens": len(ids),
        "prompt_equal": _prompt_equal(checkpoint, picture if sees else None, question, ids) if comparable else None,
    }


def _pixels(checkpoint: Checkpoint, picture: np.ndarray) -> dict[str, torch.Tensor]:
    """As the model's own image processor makes them."""
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(checkpoint.original, use_fast=False, local_files_only=True)
    made = processor([picture], return_tensors="pt")
    return {key: made[key] for key in ("pixel_values", "pixel_attention_mask") if key in made}


def _with_tokens(original: Original, ids: Sequence[int], tokens: np.ndarray, model: VisionLanguageModel) -> np.ndarray:
    """Embeddings of the prompt [n, hidden] with the visual tokens in their places."""
    places = np.array(ids)
    image = model.encoder.plan.markers.image
    visual = places == (model.tokenizer.token_to_id(image) if image else -1)
    embeddings = original.embed(np.where(visual, 0, places).tolist()).copy()
    embeddings[visual] = tokens
    return embeddings


def _prompt_equal(checkpoint: Checkpoint, picture: np.ndarray | None, question: str, ids: Sequence[int]) -> bool | None:
    """Whether the authors' processor makes the same prompt; None where it cannot be had."""
    from transformers import AutoProcessor, AutoTokenizer

    try:
        if picture is None:
            tokenizer = AutoTokenizer.from_pretrained(checkpoint.original, local_files_only=True)
            message = [{"role": "user", "content": question}]
            return list(tokenizer.apply_chat_template(message, add_generation_prompt=True)) == list(ids)
        processor = AutoProcessor.from_pretrained(checkpoint.original, local_files_only=True)
        content = [{"type": "image"}, {"type": "text", "text": question}]
        text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        made = processor(text=text, images=[picture], return_tensors="np")
        return made["input_ids"][0].tolist() == list(ids)
    except (ImportError, OSError, ValueError, TypeError, AttributeError):
        return None  # a processor of a package that is not installed, or none at all
