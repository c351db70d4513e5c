"""What a model reads while it is watched for calibration: photos with questions and answers, or plain text.

Sequences are float32 [n, hidden], embeddings of words and visual tokens as they enter the decoder.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from models.decoder_matrices import DecoderWeights
from models.evaluation.pictures import DESCRIBE
from models.vision_language import View, VisionLanguageModel

SHARES = {"flickr8k": 0.62, "coco_extra": 0.02, "coco": 0.16, "daquar": 0.03, "names": 0.17}  # as the recipe trains


def text_sequences(weights: DecoderWeights, tokenizer: Any, count: int = 96, length: int = 128) -> list[np.ndarray]:
    """`count` pieces of `length` tokens from all over Python's own documentation, which is there wherever Python is."""
    from pydoc_data.topics import topics

    # Spaces that lay out tables and code would be half of the tokens.
    text = "\n\n".join("\n".join(" ".join(line.split()) for line in topics[key].splitlines()) for key in sorted(topics))
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    step = max(length, (len(ids) - length) // max(1, count - 1))
    pieces = [ids[start : start + length] for start in range(0, len(ids) - length + 1, step)][:count]
    rows = {token: weights.embeddings(slice(token, token + 1))[0] for token in {t for piece in pieces for t in piece}}
    return [np.stack([rows[token] for token in piece]) for piece in pieces]


def photo_sequences(
    model: VisionLanguageModel, pictures: Iterable[np.ndarray], question: str = DESCRIBE
) -> Iterator[np.ndarray]:
    """The question about each picture, uint8 RGB [height, width, 3], and what the model says to it."""
    for picture in pictures:
        view = model.look(picture)
        yield conversation(model, view, question, model.answer(view, question).tokens)


def calibration_photos(data: Path) -> list[np.ndarray]:
    """The photos, uint8 RGB, that the default model's encoder was calibrated on, by its own recipe's choice."""
    from export.recipe.encoder import read_rgb
    from export.recipe.photos import load_photos

    draw, photos, chosen = random.Random(0), load_photos(data, "train"), []
    for source, count in {"flickr8k": 96, "names/grocery": 32}.items():
        candidates = [photo for photo in photos if photo.source == source]
        chosen += draw.sample(candidates, min(count, len(candidates)))
    return [read_rgb(data / photo.file) for photo in chosen]


def training_sequences(model: VisionLanguageModel, data: Path, count: int = 128, seed: int = 0) -> Iterator[np.ndarray]:
    """Photos, questions and people's answers that the default model was trained on, never held-out ones.

    data: the folder that export/recipe/README.md describes.
    """
    from export.recipe.encoder import read_rgb
    from export.recipe.photos import Photo, load_photos
    from export.recipe.samples import conversations

    draw = random.Random(seed)
    by_source: dict[str, list[Photo]] = {}
    for photo in load_photos(data, "train"):
        by_source.setdefault(photo.source.split("/")[0], []).append(photo)
    for source, share in SHARES.items():
        chosen = by_source.get(source, [])
        for photo in draw.sample(chosen, min(len(chosen), round(count * share))):
            asked = conversations(photo, draw, mirrored=False)
            if asked:
                question, answers, _ = draw.choice(asked)
                answer = model.tokenizer.encode(draw.choice(answers), add_special_tokens=False).ids
                yield conversation(model, model.look(read_rgb(data / photo.file)), question, answer)


def conversation(model: VisionLanguageModel, view: View, question: str, answer: list[int]) -> np.ndarray:
    """One sequence: the prompt of a question about a view, the answer's tokens and the end of it."""
    ids = np.array([*model.prompt_ids(view, question), *answer, model.end_ids[0]])
    image = model.encoder.plan.markers.image
    visual = ids == (model.tokenizer.token_to_id(image) if image else -1)
    out = np.empty((len(ids), model.decoder.layout.hidden), np.float32)
    out[~visual] = model.decoder.embed(ids[~visual].tolist())
    out[visual] = view.seen.tokens
    return out
