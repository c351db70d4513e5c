from itertools import pairwise

import numpy as np
import pytest

from models.audio import Sound, read_sound
from models.fetch import ensure
from models.speech import NoSpeech
from models.voice_activity import RATE, speech_pieces, speech_spans


@pytest.fixture(scope="module")
def reading() -> Sound:
    """Ten seconds, six short sentences with pauses of about a second."""
    return read_sound(ensure("moonshine-recordings") / "beckett.wav")


def test_spans_hold_the_speech_and_leave_the_pauses(reading):
    spans = speech_spans(reading)
    assert len(spans) >= 3
    assert all(a.stop <= b.start for a, b in pairwise(spans))
    energy = reading.samples.astype(np.float64) ** 2
    inside = np.concatenate([energy[span.start : span.stop] for span in spans])
    assert inside.sum() > 0.99 * energy.sum()
    assert len(inside) < 0.95 * len(energy)


def test_pieces_fit_and_nothing_is_lost(reading):
    spans = speech_spans(reading)
    pieces = speech_pieces(reading, longest=4)
    assert len(pieces) > 1
    assert all(len(piece) <= 4 * RATE for piece in pieces)
    assert sum(map(len, pieces)) >= sum(span.stop - span.start for span in spans)


def test_speech_without_pause_is_cut_where_it_must(reading):
    gapless = np.concatenate([reading.samples[span.start : span.stop] for span in speech_spans(reading)])
    pieces = speech_pieces(Sound(gapless, RATE), longest=2)
    assert all(0.1 * RATE < len(piece) <= 2 * RATE for piece in pieces)


@pytest.mark.parametrize("kind", ["silence", "noise", "tone", "click", "nothing"])
def test_what_is_not_speech_is_refused(kind):
    time = np.arange(3 * RATE) / RATE
    samples = {
        "silence": np.zeros_like(time),
        "noise": np.random.default_rng(1).normal(0, 0.1, len(time)),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * time),
        "click": (time == 1).astype(float),
        "nothing": time[:10] * 0,
    }[kind]
    with pytest.raises(NoSpeech, match=r"street\.wav holds no speech"):
        speech_pieces(Sound(samples.astype(np.float32), RATE, "street.wav"), longest=15)
