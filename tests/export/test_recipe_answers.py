"""The recipe of the answer head, on made-up questions: it learns to tell them apart, and ships as it was trained."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install 'glint[export]'")

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from export.recipe import answer_network
from export.recipe.answer_material import LAYERS, Asked, Material, asked_of, listed
from export.recipe.answer_network import AnswerNetwork, Whitened, write_answer_head
from export.recipe.answers import Lessons, Plan
from export.recipe.photos import Photo
from export.recipe.samples import tidy_question
from models.answer_head import About, AnswerHead
from models.vision import Seen

ANSWERS = ["Yes", "No", "Red"]
WIDTH, OBJECTS, HINTS = 16, 5, 60  # of a layer's values; names
QUESTION = 2 * len(LAYERS) * WIDTH


@pytest.fixture
def tokenizer():
    return Tokenizer(WordLevel({"Yes": 0, "No": 1, "Red": 2, "Blue": 3}))


def about(trust=0.0, temperature=1.0):
    return About(tuple(ANSWERS), LAYERS, trust, temperature, "hash")


def drawn(count, seed=0):
    """Values of questions [count, layers, tokens, WIDTH], cells, presence and hints, of photos with one view."""
    draw = np.random.default_rng(seed)
    values = draw.normal(0, 2, (count, max(LAYERS) + 1, 4, WIDTH)).astype(np.float32)
    cells = draw.integers(0, 256, (count, 1, 49, 64), np.uint8)
    chances = (draw.uniform(0, 1, (count, 1, n)).astype(np.float32) for n in (OBJECTS, HINTS))
    return values, cells, *chances


@pytest.fixture
def small(monkeypatch):
    """Fewer principal components than inputs."""
    for name, size in (("QUESTION", 32), ("CELL", 32), ("SIGNS", 32), ("HIDDEN", 32), ("LOOKED", 32)):
        monkeypatch.setattr(answer_network, name, size)


def test_questions_come_with_the_shares_of_the_voters_and_some_are_for_no_list():
    photos = [
        Photo("coco/images/1.jpg", "coco", questions=[("is it red ?", ["yes"] * 3 + ["no"])]),
        Photo("daquar/images/2.jpg", "daquar", questions=[("what is on it?", ["book", "cup"])]),
        Photo("names/grocery/3.jpg", "names/grocery", name="Gala"),
        Photo("flickr8k/images/4.jpg", "flickr8k", captions=["A dog."]),
    ]
    asked = asked_of(photos)
    assert asked[:2] == [
        Asked("coco/images/1.jpg", "Is it red?", {"Yes": 0.75, "No": 0.25}),
        Asked("daquar/images/2.jpg", "What is on it?", {"Book": 0.5, "Cup": 0.5}),
    ]
    assert {one.file for one in asked[2:]} == {"names/grocery/3.jpg", "flickr8k/images/4.jpg"}
    assert not any(one.shares for one in asked[2:])
    assert asked_of(photos) == asked


def test_the_list_has_what_several_questions_are_answered_with():
    asked = [Asked("a", "?", {"Yes": 0.9, "No": 0.1}), Asked("b", "?", {"Yes": 0.5, "No": 0.5}), Asked("c", "?", {})]
    assert listed(asked) == ["Yes"]
    assert tidy_question("what is it ?") == "What is it?"


def test_components_have_a_spread_of_one():
    rows = torch.randn(500, 10, generator=torch.Generator().manual_seed(0)) @ torch.diag(torch.arange(1.0, 11)) + 5
    seen = Whitened(10, 4).fit(rows)(rows)
    torch.testing.assert_close(seen.T @ seen / 500, torch.eye(4), atol=0.02, rtol=0)


def test_what_ships_says_what_the_network_says(small, tmp_path, tokenizer):
    torch.manual_seed(1)
    values, cells, presence, hints = drawn(60)
    questions = torch.from_numpy(np.stack([_summary(one) for one in values]))
    network = AnswerNetwork(len(ANSWERS), QUESTION, 64, OBJECTS + HINTS)
    network.question.fit(questions)
    network.cell.fit(torch.from_numpy(cells).float().flatten(0, 2))
    signs = torch.from_numpy(np.concatenate([presence, hints], 2))[:, 0]
    network.signs.fit(answer_network.logit(signs))
    network.out.weight.data *= 10  # it has opinions
    write_answer_head(network, about(), OBJECTS, tmp_path / "answers.onnx")
    head = AnswerHead(tmp_path / "answers.onnx", tokenizer)
    assert head.about == about()
    with torch.no_grad():
        wanted = network.eval()(
            questions, torch.from_numpy(cells[:, 0]), signs[:, :OBJECTS], signs[:, OBJECTS:]
        ).log_softmax(1)
    said = np.stack([head.log_probabilities(values[i], _seen(cells, presence, hints, i)) for i in range(60)])
    assert wanted.std(0).min() > 0.2  # or the questions made no difference
    np.testing.assert_allclose(said, wanted, atol=0.1)


def _summary(values):
    chosen = values[list(LAYERS)]
    return np.stack([chosen.mean(1), chosen[:, -1]], 1).ravel()


def _seen(cells, presence, hints, i):
    return Seen(np.zeros((1, 1), np.float32), hints[i, 0], cells[i, 0], (presence[i, 0],))


def test_the_language_model_has_its_say_and_may_be_left_to_speak(small, tmp_path, tokenizer):
    values, cells, presence, hints = drawn(1)
    network = AnswerNetwork(len(ANSWERS), QUESTION, 64, OBJECTS + HINTS)  # whose inputs are all zeros
    network.out.bias.data[:] = torch.tensor([2.0, 1.0, 0.0, 0.5])
    network.out.weight.data[:] = 0
    write_answer_head(network, about(trust=1.0), OBJECTS, tmp_path / "answers.onnx")
    head, seen = AnswerHead(tmp_path / "answers.onnx", tokenizer), _seen(cells, presence, hints, 0)

    def choice(**logits):
        given = np.array([logits.get(word, -5.0) for word in ("yes", "no", "red", "blue")], np.float32)
        return head.choose(values[0], seen, given)

    assert choice(yes=0.0).answer == "Yes"
    assert choice(no=0.0).answer == "No"
    assert choice(blue=0.0).answer is None  # not in the list
    unsure = choice(yes=0.0, no=0.0, red=0.0)
    write_answer_head(network, about(1.0, temperature=2.0), OBJECTS, tmp_path / "answers.onnx")
    head = AnswerHead(tmp_path / "answers.onnx", tokenizer)
    assert choice(yes=0.0, no=0.0, red=0.0).chance < unsure.chance
    assert unsure.answer == "Yes"
    assert 0.3 < unsure.chance < choice(yes=9.0).chance


@pytest.fixture
def material():
    """240 questions of two kinds about photos of two kinds: the one is answered by the photo, the other is not."""
    draw = np.random.default_rng(4)
    kinds, dark = draw.integers(0, 2, 240), draw.integers(0, 2, 240)
    questions = draw.normal(0, 1, (240, QUESTION)).astype(np.float16)
    questions[:, :8] += 3 * kinds[:, None]
    _, cells, presence, hints = drawn(240, seed=2)
    cells = np.where(dark[:, None, None, None] == 1, cells // 2, cells)
    answers = np.where(kinds == 1, np.where(dark == 1, "Yes", "No"), "Red")
    asked = [Asked(f"coco/images/{i}.jpg", "What?", {str(answer): 1.0}) for i, answer in enumerate(answers)]
    asked += [Asked(f"flickr8k/images/{i}.jpg", "What?", {}) for i in range(40)]
    unlisted = draw.normal(-4, 1, (40, QUESTION)).astype(np.float16)
    begun = np.zeros((280, 4), np.float32)
    photos = np.concatenate([np.arange(240), np.arange(40)])
    return Material(asked, ANSWERS, np.concatenate([questions, unlisted]), begun, photos, cells, presence, hints)


def test_it_learns_what_is_asked_and_what_is_seen(small, material):
    rows = np.random.default_rng(0).permutation(280)
    lessons = Lessons(material, rows[:220])
    lessons.learn(rows[:220], Plan(epochs=24, questions=20))
    held_out = rows[220:]
    listed_ones = np.array([row for row in held_out if material.asked[row].shares])
    others = np.array([row for row in held_out if not material.asked[row].shares])
    assert lessons.check(listed_ones, 0.0)["agreement"] > 0.85
    assert lessons.check(listed_ones, 0.0)["left"] < 0.1
    assert lessons.check(others, 0.0)["left"] > 0.9
    told = replace(material, begun=np.tile(np.array([0, -50, -50, -50], np.float32), (280, 1)))
    lessons.material = told
    assert lessons.check(held_out, 1.0)["left"] == 0  # the language model would say yes to everything


def test_chances_of_what_was_learned_too_well_are_tempered(small, material):
    draw = np.random.default_rng(0)
    for row in draw.permutation(240)[:120]:  # half of what is said is any answer
        material.asked[row] = replace(material.asked[row], shares={str(draw.choice(ANSWERS)): 1.0})
    rows = draw.permutation(240)
    lessons = Lessons(material, rows[:180])
    lessons.learn(rows[:180], Plan(epochs=60, questions=20, decay=0.0))
    assert lessons.temperature(rows[180:], 0.0) > 1.2


def test_shares_that_the_list_lacks_are_of_none_of_these(small, material):
    material.asked[0] = Asked("coco/images/0.jpg", "What?", {"Yes": 0.5, "Perhaps": 0.5})
    lessons = Lessons(material, np.arange(280))
    assert lessons.shares[0].tolist() == [0.5, 0, 0, 0.5]
    assert lessons.shares[-1].tolist() == [0, 0, 0, 1]


def test_the_property_is_json(small, tmp_path):
    import onnx

    network = AnswerNetwork(len(ANSWERS), QUESTION, 64, OBJECTS + HINTS)
    write_answer_head(network, about(), OBJECTS, tmp_path / "answers.onnx")
    [held] = onnx.load(tmp_path / "answers.onnx").metadata_props
    assert json.loads(held.value)["answers"] == ANSWERS
