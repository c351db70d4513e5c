"""BLEU-4 and CIDEr-D of captions against several references each.

BLEU: Papineni et al. 2002, over the corpus, closest reference length. CIDEr: Vedantam et al. 2015, the "D" variant that
the COCO caption evaluation prints as CIDEr: n-grams to 4, counts clipped, Gaussian length penalty (sigma 6), times 10;
document frequencies come from the references given. Values equal those of pycocoevalcap (tests hold its numbers), which
is not used because it brings 100 MB of Java for tokenising.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

ORDERS = 4
SIGMA = 6.0


def words(text: str) -> list[str]:
    """Lower case; everything but letters, digits and apostrophes separates words."""
    return re.sub(r"[^a-z0-9' ]", " ", text.lower()).split()


def _ngrams(tokens: list[str]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + n]) for n in range(1, ORDERS + 1) for i in range(len(tokens) - n + 1))


def bleu_4(captions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Corpus BLEU with four orders; `references[i]` are those of `captions[i]`. 0..1."""
    matched, guessed = [0] * ORDERS, [0] * ORDERS
    length = reference_length = 0
    for caption, group in zip(captions, references, strict=True):
        tokens, targets = words(caption), [words(r) for r in group]
        length += len(tokens)
        reference_length += min((abs(len(t) - len(tokens)), len(t)) for t in targets)[1]
        most: Counter[tuple[str, ...]] = Counter()
        for target in targets:
            most |= _ngrams(target)
        for ngram, count in _ngrams(tokens).items():
            matched[len(ngram) - 1] += min(count, most[ngram])
            guessed[len(ngram) - 1] += count
    if not all(matched):
        return 0.0
    precision = math.exp(sum(math.log(m / g) for m, g in zip(matched, guessed, strict=True)) / ORDERS)
    return precision * math.exp(min(0.0, 1 - reference_length / length))


def cider(captions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean CIDEr-D; `references[i]` are those of `captions[i]`. 0..10."""
    scorer = Cider(references)
    return sum(scorer.score(i, caption) for i, caption in enumerate(captions)) / len(references)


class Cider:
    """CIDEr-D of any caption of any of the pictures whose references are given; they also give the frequencies."""

    def __init__(self, references: Sequence[Sequence[str]]):
        counted = [[_ngrams(words(r)) for r in group] for group in references]
        self._documents: Counter[tuple[str, ...]] = Counter(ngram for group in counted for ngram in set().union(*group))
        self._log_total = math.log(len(counted))
        self._references = [[self._vector(reference) for reference in group] for group in counted]

    def _vector(self, counts: Counter[tuple[str, ...]]) -> tuple[dict[tuple[str, ...], float], list[float], int]:
        weights = {g: n * (self._log_total - math.log(max(1.0, self._documents[g]))) for g, n in counts.items()}
        norms = [0.0] * ORDERS
        for ngram, weight in weights.items():
            norms[len(ngram) - 1] += weight**2
        # The reference implementation takes the number of bigrams for the length.
        return weights, [math.sqrt(n) for n in norms], sum(n for g, n in counts.items() if len(g) == 2)

    def score(self, picture: int, caption: str) -> float:
        """0..10; `picture` is its place in the references."""
        ours, our_norms, our_length = self._vector(_ngrams(words(caption)))
        group = self._references[picture]
        total = 0.0
        for theirs, their_norms, their_length in group:
            similarity = [0.0] * ORDERS
            for ngram, weight in ours.items():
                if ngram in theirs:
                    similarity[len(ngram) - 1] += min(weight, theirs[ngram]) * theirs[ngram]
            penalty = math.exp(-((our_length - their_length) ** 2) / (2 * SIGMA**2))
            score = sum(s / (a * b) for s, a, b in zip(similarity, our_norms, their_norms, strict=True) if a and b)
            total += 10 * penalty * score / ORDERS
        return total / len(group)
