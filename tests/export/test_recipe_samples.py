"""How photos become training sequences: nothing held out gets in, and no answer sees another."""

import json
import random

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install 'glint[export]'")

from export.recipe.photos import Photo, held_out, load_photos
from export.recipe.prepare import PROMPT
from export.recipe.samples import Segment, Tree, TreeBuilder, conversations, object_questions, with_article
from export.recipe.train import ROW, collate
from export.recipe.vocabulary import build_groups, spoken_name, targets
from models import fetch
from models.gguf_weights import GgufWeights
from models.prompt import HintRule, PromptTemplate


class FakeFeatures:
    grids = np.zeros((4, 49, 1760), np.float16)


@pytest.fixture(scope="module")
def tokenizer():
    return GgufWeights(next(fetch.ensure("smollm2-135m-instruct-q4_1").glob("*.gguf"))).tokenizer()


@pytest.fixture
def builder(tokenizer):
    return TreeBuilder(tokenizer, PromptTemplate(**PROMPT), [HintRule("words", 0, ["dog", "grass"], 0.3, 2, " ")], 16)


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_held_out_photos_never_train(tmp_path):
    files = [f"images/{i}.jpg" for i in range(40)]
    for name in ("train", "extra", "dev"):
        write(tmp_path / f"flickr8k/{name}.jsonl", [{"file": f"images/{name}.jpg", "captions": ["A dog runs."]}])
    write(tmp_path / "coco/objects.jsonl", [{"file": f, "objects": ["dog"]} for f in files])
    write(tmp_path / "coco/vqa.jsonl", [{"file": f, "question": "Is it?", "answer": "yes"} for f in files])
    write(tmp_path / "coco_extra/captions.jsonl", [{"file": f, "captions": ["A cat."], "objects": []} for f in files])
    write(tmp_path / "daquar/qa.jsonl", [{"file": f, "question": "what?", "answers": ["lamp"]} for f in files])
    for name in ("caltech101", "clothing", "trashnet"):
        write(tmp_path / f"names/{name}/names.jsonl", [{"file": f, "name": "x"} for f in files])
    for name in ("train", "val"):
        write(
            tmp_path / f"names/grocery/{name}.jsonl", [{"file": f"images/{name}.jpg", "name": "Lime", "kind": "Lime"}]
        )
    train, dev = (load_photos(tmp_path, split) for split in ("train", "dev"))
    assert not {p.file for p in train} & {p.file for p in dev}
    assert {p.file for p in dev if p.source == "flickr8k"} == {"flickr8k/images/dev.jpg"}
    assert {p.file for p in dev if p.source == "names/grocery"} == {"names/grocery/images/val.jpg"}
    for photo in train:
        assert photo.source in ("flickr8k", "names/grocery") or not held_out(photo.file)
    assert all(p.questions == [("Is it?", ["yes"])] for p in train if p.source == "coco")


def test_a_tree_reads_as_the_runtime_prompts(builder, tokenizer):
    tree = builder.build(3, np.array([0.9, 0.8]), [("What is this?", ["A dog."], 2.0)], random.Random(3), ROW)
    root, ask, reply = tree.segments
    assert tree.row == 3
    assert tree.visual == len(tokenizer.encode(PROMPT["head"]).ids)
    after = root.tokens[tree.visual + 16 :]
    assert tokenizer.decode(after).startswith("\nHints: ")
    assert tokenizer.decode(ask.tokens, skip_special_tokens=False) == PROMPT["ask"].replace(
        "{question}", "What is this?"
    )
    assert tokenizer.decode(reply.tokens, skip_special_tokens=False) == "A dog.<|im_end|>"
    assert (root.parent, ask.parent, reply.parent) == (-1, 0, 1)


def test_long_trees_lose_branches_not_tokens(builder):
    asked = [("Describe what you see.", ["A dog runs on the grass near a tree."] * 5, 1.0)]
    tree = builder.build(0, None, asked, random.Random(0), 70)
    assert len(tree) <= 70
    assert 1 < len(tree.segments) - 1 < 6
    assert all(s.tokens[-1] == tree.segments[-1].tokens[-1] for s in tree.segments if s.weight)


def test_a_token_sees_its_ancestors_and_its_own_past_only():
    tree = Tree([Segment([1] * 20, -1), Segment([2, 3], 0), Segment([4, 5], 1, 1.0), Segment([6, 7], 1, 2.0)], 3, 0)
    batch = collate([[tree, tree]], FakeFeatures())
    sees = batch.visible[0]
    assert sees[22, :22].all()  # first answer: root and question
    assert not sees[24, 22:24].any()  # second answer: not the first
    assert sees[24, :22].all()
    assert not sees[26:46, :26].any()  # second tree: nothing of the first
    assert not sees[5, 6:].any()
    assert batch.positions[0, 20:26].tolist() == [20, 21, 22, 23, 22, 23]
    assert batch.visual.tolist() == [[0, 3], [0, 29]]
    # Both answers are predicted from the end of the question, then from their own tokens.
    assert batch.sources[:4].tolist() == [21, 22, 21, 24]
    assert batch.targets[:4].tolist() == [4, 5, 6, 7]
    assert batch.weights[:4].tolist() == [1, 1, 2, 2]


def test_what_is_asked_of_a_photo():
    rng = random.Random(0)
    photo = Photo("a", "flickr8k", ["a man on the left .", "two dogs  run ."])
    (_, captions, _), *_ = conversations(photo, rng, mirrored=True)
    assert captions == ["Two dogs run."]  # left and right change sides in a mirror
    named = conversations(Photo("a", "names/grocery", name="Royal Gala", kind="Apple"), rng, False)
    assert named[0][1] == ["A Royal Gala apple."]
    asked = object_questions(Photo("a", "coco", objects=["dog"]), ["dog", "cat", "bus", "oven", "kite"], rng)
    answers = [answer for _, (answer,), _ in asked]
    assert "Yes" in answers
    assert "No" in answers


@pytest.mark.parametrize(
    ("name", "kind", "spoken"),
    [
        ("Granny Smith", "Apple", "A Granny Smith apple."),
        ("Orange", "Orange", "An Orange."),
        ("Satsumas", "Satsumas", "Satsumas."),
        ("cougar face", None, "A cougar."),
        ("glass", None, "A glass."),
    ],
)
def test_names_as_they_are_said(name, kind, spoken):
    assert with_article(spoken_name(name, kind)) == spoken


def test_hint_targets_know_what_they_do_not_know():
    photos = [Photo(str(i), "flickr8k", ["A brown dog runs."] * 5) for i in range(25)]
    photos += [Photo("c", "coco", objects=["dog"]), Photo("g", "names/grocery", name="Lime", kind="Lime")]
    groups = build_groups(photos)
    assert [g.names for g in groups] == [["dog"], ["Lime"], ["brown", "dog", "runs"]]
    labels, known = targets(photos[0], groups)
    assert labels.tolist() == [0, 0, 1, 1, 1]
    assert known.tolist() == [0, 1, 1, 1, 1]
    assert targets(photos[-1], groups)[1].tolist() == [0, 1, 0, 0, 0]
