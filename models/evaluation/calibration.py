"""Whether what a model takes for likely is as often right as it says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BINS = 10


def calibration_error(chances: Sequence[float], right: Sequence[bool]) -> float:
    """The expected calibration error (Naeini et al. 2015; Guo et al. 2017, arXiv:1706.04599), 0..1.

    chances: 0..1, of each answer; right: whether it was. Answers are sorted into ten equal ranges of chances; of each,
    how far the mean chance is from the share that was right, weighed by how many there are. ValueError without any.
    """
    if not chances:
        raise ValueError("There are no answers to judge.")
    said, was = np.asarray(chances, float), np.asarray(right, float)
    places = np.minimum((said * BINS).astype(int), BINS - 1)
    off = [abs(said[places == i].sum() - was[places == i].sum()) for i in range(BINS)]
    return float(sum(off) / len(said))
