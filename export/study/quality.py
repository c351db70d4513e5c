"""How good a variant is: its surprise at a text and at people's captions, and the captions it writes itself.

What shipped is measured by the same tokens and photos, so that a difference between two variants is known far better
than the figure of either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from export.perplexity import Surprise, next_token_nats, runtime_score, text_ids, text_surprise
from export.recipe.encoder import read_rgb
from export.recipe.samples import tidy_caption
from export.study.variant import Variant
from models.evaluation.caption_scores import Cider
from models.evaluation.pictures import DESCRIBE
from models.vision_language import VisionLanguageModel

ANSWERS, SURPRISES = "answers", "surprises"

Clock = Callable[[], None]
"""Called where work can stop; raises what stops it."""


def measure_text(variant: Variant, model: VisionLanguageModel) -> None:
    variant.keep("text", text_surprise(runtime_score(model.decoder), text_ids(model.tokenizer)).nats)


def measure_captions(
    variant: Variant, model: VisionLanguageModel, photos: Sequence[Mapping[str, Any]], clock: Clock
) -> None:
    """Surprise at people's captions; goes on after the last photo that was done before.

    photos: rows with `path` and `captions`, as models.evaluation.pictures.read_rows gives them.
    """
    for photo in _missing(variant, SURPRISES, photos):
        clock()
        view = model.look(read_rgb(photo["path"]))
        first = model.read_question(view.cache, DESCRIBE)
        asked = view.cache.length
        nats: list[float] = []
        for caption in photo["captions"]:
            ids = model.tokenizer.encode(tidy_caption(caption), add_special_tokens=False).ids
            rest = model.decoder.score(view.cache, model.decoder.embed(ids))
            view.cache.rewind(asked)
            nats += next_token_nats(np.concatenate([first[None], rest]), [*ids, model.end_ids[0]]).tolist()
        variant.append(SURPRISES, {"file": photo["file"], "nats": nats})


def write_captions(
    variant: Variant, model: VisionLanguageModel, photos: Sequence[Mapping[str, Any]], clock: Clock
) -> None:
    """Greedy; goes on after the last photo that was captioned before."""
    for photo in _missing(variant, ANSWERS, photos):
        clock()
        text = model.answer(model.look(read_rgb(photo["path"])), DESCRIBE).text.strip()
        variant.append(ANSWERS, {"file": photo["file"], "answer": text})


def captions_of(variant: Variant) -> dict[str, str]:
    """By file, what has been written so far."""
    return {record["file"]: record["answer"] for record in variant.records(ANSWERS)}


def nats_of(variant: Variant, photos: Sequence[Mapping[str, Any]]) -> np.ndarray | None:
    """Of all captions of all photos; None before every one is measured."""
    known = {record["file"]: record["nats"] for record in variant.records(SURPRISES)}
    if not photos or any(photo["file"] not in known for photo in photos):
        return None
    return np.concatenate([known[photo["file"]] for photo in photos])


def is_done(variant: Variant, name: str, photos: Sequence[Mapping[str, Any]]) -> bool:
    """Whether ANSWERS or SURPRISES are there for all photos."""
    return not _missing(variant, name, photos)


def _missing(variant: Variant, name: str, photos: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    done = {record["file"] for record in variant.records(name)}
    return [photo for photo in photos if photo["file"] not in done]


def surprise_figures(name: str, nats: np.ndarray, shipped: np.ndarray | None) -> dict[str, float]:
    """NAME_perplexity; as a multiple of the shipped one's NAME_ratio, and the standard error of that."""
    surprise = Surprise(nats)
    figures = {f"{name}_perplexity": round(surprise.perplexity, 3)}
    if shipped is not None and len(shipped) == len(nats):
        ratio, error = surprise.ratio_to(Surprise(shipped))
        figures |= {f"{name}_ratio": round(ratio, 4), f"{name}_ratio_error": round(error, 4)}
    return figures


def cider_figures(
    said: Mapping[str, str], shipped: Mapping[str, str], photos: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """cider over all photos, {} before every one is captioned; what the shipped one's is lower, and its error."""
    if any(photo["file"] not in said for photo in photos) or len(photos) < 2:
        return {}
    scorer = Cider([photo["captions"] for photo in photos])

    def scores(texts: Mapping[str, str]) -> np.ndarray:
        return np.array([scorer.score(i, texts[photo["file"]]) for i, photo in enumerate(photos)])

    own = scores(said)
    figures = {"cider": round(float(own.mean()), 4), "cider_photos": len(photos)}
    if all(photo["file"] in shipped for photo in photos):
        gain = own - scores(shipped)
        figures["cider_gain"] = round(float(gain.mean()), 4)
        figures["cider_gain_error"] = round(float(gain.std(ddof=1) / np.sqrt(len(gain))), 4)
    return figures
