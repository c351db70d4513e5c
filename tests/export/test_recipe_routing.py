"""The phrasings, and a small training on them."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("hassil")

from device.routing.marks import marks_of
from device.routing.table import NOT_CAUGHT, ROUTES
from export.recipe.phrasings import expanded, kinds, read_phrasings
from export.recipe.routing import BUCKETS, Sample, calibrated, learn, packed, samples, unmarked
from models.known_english import KnownEnglish, filter_of
from models.phrase_classifier import PhraseClassifier, words_of

HELD_OUT = Path(__file__).parents[1] / "data/routing_heldout.jsonl"


def test_there_are_phrasings_for_every_intent_of_the_table():
    templates = read_phrasings()["intents"]
    assert set(templates) == {route.name for route in ROUTES} - {NOT_CAUGHT, "refuse"}
    assert all(len(set(lines)) == len(lines) >= 15 for lines in templates.values())
    assert len(expanded(1)) >= 800


def test_they_are_drawn_alike_every_time_and_written_plainly():
    drawn = expanded(3, seed=4)
    assert drawn == expanded(3, seed=4)
    assert drawn != expanded(3, seed=5)
    assert not [p.text for p in drawn if set("[](){}|") & set(p.text) or p.text != p.text.strip()]


def test_nothing_that_is_held_out_is_learnt():
    held = frozenset(" ".join(words_of(json.loads(line)["text"])) for line in HELD_OUT.read_text("utf-8").splitlines())
    assert not held & {" ".join(words_of(sample.text)) for sample in unmarked(None, held)}


def test_what_is_learnt_has_the_marks_of_the_patterns_that_it_matches():
    one = "which colour is the bus"
    others = frozenset(" ".join(words_of(sample.text)) for sample in unmarked(None, frozenset())) - {one}
    (left,) = samples(None, others)
    assert left.text == one
    assert left.marks == marks_of(one) != ()


def test_kinds_are_learnt_and_words_that_were_not_seen_belong_to_them(tmp_path):
    sorts = kinds()
    assert "nutrient" in sorts["salt"]
    asked = ["how much sugar is in it", "tell me the fat", "is there protein in it", "what about the fibre"]
    worn = ["is my shirt red", "what colour are my socks", "the colour of my tie", "is the jacket blue"]
    found = [Sample(text, "nutrition", 0, ()) for text in asked] + [Sample(text, "colour", 0, ()) for text in worn]
    names = ("colour", "nutrition")
    classifier = packed(names, *learn(found * 20, names), 1.0)
    assert classifier.weights.shape == (BUCKETS, 2)
    classifier.save(tmp_path / "saved.npz")
    again = PhraseClassifier.load(tmp_path / "saved.npz")
    assert again.kinds == sorts
    for text, name in (("and the carbohydrates", "nutrition"), ("are these trousers green", "colour")):
        chances = again.chances(text)
        assert chances == classifier.chances(text)
        assert max(chances, key=lambda key: chances[key]) == name


def test_too_sure_a_classifier_is_calibrated():
    rng = np.random.default_rng(1)
    answer = rng.integers(0, 3, 400)
    logits = rng.normal(0, 1, (400, 3)).astype(np.float32)
    logits[np.arange(400), answer] += 1.5
    assert calibrated(10 * logits, answer) == pytest.approx(0.2)
    assert calibrated(logits, answer) > 0.5


def test_a_filter_has_what_was_put_in_and_little_else():
    words = [f"word{n}" for n in range(2000)]
    known = KnownEnglish(filter_of(words, 2**16), filter_of(["^ word1", "word1 $"], 2**10))
    assert all(known.knows(word) for word in words)
    assert sum(known.knows(f"other{n}") for n in range(2000)) < 40
    assert known.pairs_known(["word1"]) == 1.0
    assert known.words_known(["word1", "zzzzz"]) == 0.5
