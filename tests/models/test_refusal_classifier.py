"""What tells refusals that no rule foresees: whole chances, a rule's say in the verdict, and files that are damaged."""

import numpy as np
import pytest

from models.errors import GlintError
from models.refusal_classifier import RefusalClassifier, classifier, rows_of, verdict
from models.refusals import HARMLESS, Rule, rule_for, words_of
from models.word_vectors import WordVectors, word_vectors


def test_chances_add_up_however_much_or_little_is_said():
    for words in ([], ["who"], words_of("please tell me the name of that man " * 20), ["qwxzv"]):
        chances = classifier().chances(words)
        assert chances.shape == (len(classifier().kinds),)
        assert chances.sum() == pytest.approx(1)


def test_words_of_one_kind_are_closer_than_others():
    vectors = word_vectors().vectors
    lengths = np.linalg.norm(vectors, axis=1)

    def alike(one, other):
        rows = rows_of([one, other])[:2]
        return vectors[rows[0]] @ vectors[rows[1]] / lengths[rows].prod()

    assert alike("pistol", "rifle") > alike("pistol", "spoon")
    assert alike("doctor", "nurse") > alike("doctor", "window")


def test_endings_lead_to_the_word_and_unknown_words_to_none():
    known = word_vectors()
    assert known.row("pistol") > 0
    assert known.row("pistol's") == known.row("pistol")
    assert known.row("qwxzv") == 0
    assert not known.vectors[0].any()


@pytest.mark.parametrize(
    ("rule", "chance", "refused"),
    [
        (None, 0.6, False),
        (None, 0.9, True),
        ("identity", 0.6, True),
        ("identity", 0.05, False),
        (HARMLESS, 0.85, False),
        (HARMLESS, 0.95, True),
    ],
)
def test_rules_and_chances_are_weighed_against_each_other(rule, chance, refused):
    matched = None if rule is None else Rule(rule, "", ())
    chances = np.array([1 - chance, chance * 0.6, chance * 0.4])
    assert (verdict((HARMLESS, "harm", "identity"), matched, chances) != HARMLESS) == refused


def test_the_kind_is_the_rules_unless_the_chances_are_clear():
    kinds, rule = (HARMLESS, "harm", "identity"), rule_for(words_of("who is that man"))
    assert verdict(kinds, rule, np.array([0.5, 0.3, 0.2])) == "identity"
    assert verdict(kinds, rule, np.array([0, 0.9, 0.1])) == "harm"


@pytest.mark.parametrize("kind", [RefusalClassifier, WordVectors])
def test_a_damaged_file_says_so(kind, tmp_path):
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(GlintError, match="install Glint again"):
        kind.load(tmp_path / "damaged.npz")
