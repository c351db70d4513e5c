"""The recipe of the object head, on drawn pictures: a small head learns which shapes there are, and where."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest

pytest.importorskip("torch", reason="pip install 'glint[export]'")

import torch

from export.recipe.efficientnet_lite import EfficientNetLite
from export.recipe.object_blocks import CEILING, FIRST_BLOCK, LastBlocks
from export.recipe.object_counts import asked, number_in, numbers_from
from export.recipe.object_features import (
    CELLS,
    ENTRY,
    ENTRY_COLUMNS,
    ENTRY_WIDTH,
    PARTS,
    WIDTH,
    Encoder,
    Window,
    gather,
    quantisation,
    show,
    window,
)
from export.recipe.object_graph import LARGEST_BYTE_WEIGHT, OUTPUTS, REACH, add_head, centres, without_head
from export.recipe.object_head import (
    Basis,
    Finder,
    ObjectHead,
    Plan,
    Views,
    box_targets,
    fit,
    generalised_overlap,
    predict,
    weights_of,
)
from export.recipe.object_photos import COCO, INDEX, NAMES, ObjectPhoto, Truth, truth_of, within
from export.recipe.object_rule import best_for_f1, calibrate, decode, peaks, sigmoid
from export.recipe.objects import Material, count_by
from models.vision import CAPTION_CELLS
from tests.export.chance_blocks import blocks_of_chance

VISION = Path(__file__).parents[2] / "models/weights/glint-135m/vision.onnx"
APPLE, KITE = INDEX["apple"], INDEX["kite"]


class TestWhatIsKnown:
    def test_a_box_moves_with_the_view(self):
        box = (0.5, 0.5, 0.7, 0.9)
        assert within(box, Window((0, 0, 1, 1), mirrored=True)) == (
            pytest.approx((0.3, 0.5, 0.5, 0.9)),
            pytest.approx(1),
        )
        moved, share = within(box, Window((0.6, 0.5, 1.0, 1.0), mirrored=False))
        assert moved == pytest.approx((0, 0, 0.25, 0.8))
        assert share == pytest.approx(0.5)

    def test_a_crop_that_cuts_a_thing_off_does_not_claim_it(self):
        file = "coco/images/any.jpg"
        left, top, right, bottom = window(file, 2).box
        inside = (left + 0.1, top + 0.1, right - 0.1, bottom - 0.1)
        outside = (0, 0, left, top) if left * top > (1 - right) * (1 - bottom) else (right, bottom, 1, 1)
        photo = ObjectPhoto(file, ("apple", "kite"), hints=(("apple", 0.9, inside), ("kite", 0.9, outside)))
        truth = truth_of(photo, 2)
        assert truth.present[APPLE] == truth.known[APPLE] == 1
        assert truth.present[KITE] == 0
        assert truth.known[KITE] < 1
        assert [name for name, _ in truth.boxes] == [APPLE]

    def test_what_has_no_box_may_be_anywhere(self):
        truth = truth_of(ObjectPhoto("coco/images/any.jpg", ("apple",)), 0)
        assert truth.present[APPLE] == truth.known[APPLE] == 1
        assert truth.searched[APPLE] == 0
        assert truth.searched[KITE] == 1
        assert truth.searched[len(COCO) :].max() < 1  # coco says nothing of doors

    def test_photos_of_doors_say_nothing_of_other_things(self):
        truth = truth_of(ObjectPhoto("doors/images/any.jpg", boxes=(("door", (0.2, 0.2, 0.4, 0.9)),)), 0)
        assert truth.known[: len(COCO)].max() == 0
        assert truth.present[INDEX["door"]] == truth.known[INDEX["handle"]] == 1


class TestTargets:
    def test_the_middle_of_a_box_says_its_name_loudest(self):
        scores, _, boxes, taught = box_targets(Truth(boxes=[(APPLE, (0.5, 0.5, 0.9, 0.7))]))
        best = scores[:, APPLE].argmax()
        assert scores[best, APPLE] == 1
        assert centres()[best] == pytest.approx((0.7, 0.6), abs=0.04)
        assert boxes[best] == pytest.approx((0.5, 0.5, 0.9, 0.7))
        assert taught[best] == 1
        assert taught.sum() < 40

    def test_overlap(self):
        a = torch.tensor([[0.0, 0.0, 0.5, 0.5]])
        assert generalised_overlap(a, a).item() == pytest.approx(1)
        assert generalised_overlap(a, a + 0.5).item() < 0


def test_thresholds_make_the_best_of_each_name():
    draw = np.random.default_rng(0)
    present = draw.random((400, 2)) < (0.5, 0.1)
    logits = 2.0 * present + draw.normal(0, 1, present.shape) - (1.0, 3.0)
    scale, shift = calibrate(logits, present.astype(float), np.ones(present.shape))
    assert scale[0] > 0.5
    assert sigmoid(logits * scale + shift).mean() == pytest.approx(present.mean(), abs=0.01)
    low, high = best_for_f1(logits, present, pull=0.0)
    assert -0.8 < low < 0.8
    assert high < low


def test_numbers_begin_where_they_are_likeliest():
    """Amounts that are a third too low: the numbers come out right all the same."""
    draw = np.random.default_rng(0)
    numbers = draw.integers(1, 7, 800)
    amounts = numbers / 1.5 * np.exp(draw.normal(0, 0.15, 800))
    starts = numbers_from(amounts, numbers)
    assert list(starts) == sorted(starts)
    told = 1 + (amounts[:, None] >= np.array(starts)).sum(1)
    assert (told == numbers).mean() > 0.6
    assert abs(told - numbers).mean() < 0.5


def test_what_amounts_mean_is_told_by_heads_that_did_not_learn_it():
    """One head sees the amounts of the second fifth of the photos alone, the other those of the third alone."""
    photos = [ObjectPhoto(f"coco/images/{i}.jpg", ("apple",)) for i in range(400)]
    apple, numbers = INDEX["apple"], np.arange(400) // 5 % 3 + 1
    truths = [Truth(numbers=[(apple, int(number))]) for number in numbers]
    components = np.zeros((400, 49, 4), np.float16)
    components[:, 0, 0] = numbers
    everyone = np.arange(400)
    material = Material(Views([components], everyone, truths), photos, np.zeros(400, int))
    of = material.fifth()
    assert set(of) == set(range(5))
    components[of == 3, 0] = components[of == 3, 0][:, [1, 0, 2, 3]]  # where the first looks, there is nothing

    def looks_at(column):
        head = ObjectHead(4, 4)
        with torch.no_grad():
            for parameter in (head.inner.weight, head.inner.bias, head.density.weight):
                parameter.zero_()
            head.inner.weight[0, column] = head.density.weight[apple, 0] = 4.0
            head.density.bias.fill_(-15)  # amounts of about 1, 17 and 33
        return Finder(head)

    finders = {2: looks_at(0), 3: looks_at(1)}
    starts = count_by(material, finders)
    for fifth, finder in finders.items():
        rows = everyone[of == fifth]
        amounts = predict(finder, material.views, rows)[3][:, apple]
        assert (1 + (amounts[:, None] >= np.array(starts)).sum(1) == numbers[rows]).mean() > 0.9
    forgotten = material.without_numbers(2).views.truths
    assert all(bool(truth.numbers) == (fifth != 2) for truth, fifth in zip(forgotten, of, strict=True))


def test_what_a_question_counts():
    assert asked("How many zebras are there?") == "zebra"
    assert asked("How many people are in the photo?") == "person"
    assert asked("How many benches are in the park?") == "bench"
    assert asked("How many slices are left?") is None
    assert asked("What are the people doing?") is None
    assert number_in(["2", "2", "3"]) == 2
    assert number_in(["many"]) is None


def test_peaks_leave_one_of_two_boxes_on_the_same_thing():
    cells = np.full((196, 1), -9.0)
    cells[[0, 1, 100], 0] = 2, 1, 0.5
    boxes = np.tile(np.array([0.7, 0.7, 0.9, 0.9], np.float32), (196, 1))
    boxes[:2] = (0.1, 0.1, 0.3, 0.3)
    assert peaks(cells, boxes, 0.5) == [(0, 0), (100, 0)]


def test_gathering_is_what_torch_calls_unshuffling():
    part = np.random.default_rng(0).integers(0, 256, (3, 14, 14), np.uint8)
    expected = torch.nn.functional.pixel_unshuffle(torch.from_numpy(part)[None].float(), 2)[0].flatten(1).T
    assert np.array_equal(gather(part, 2), expected.numpy().astype(np.uint8))


def drawn(number):
    """A red disc (apple) and a blue triangle (kite), both, one or none, on noise; and what is known of it."""
    draw = np.random.default_rng(number)
    picture = draw.integers(90, 160, (224, 224, 3)).astype(np.uint8)
    truth = Truth(searched=np.ones(len(NAMES), np.float32), known=np.ones(len(NAMES), np.float32))
    for name, wanted in ((APPLE, number % 2), (KITE, number // 2 % 2)):
        if not wanted:
            continue
        x, y, r = *(int(v) for v in draw.integers(45, 180, 2)), int(draw.integers(25, 45))
        if name == APPLE:
            cv2.circle(picture, (x, y), r, (220, 20, 20), -1)
        else:
            corners = np.array([[x, y - r], [x + r, y + r], [x - r, y + r]])
            cv2.fillPoly(picture, [corners], (20, 40, 230))
        truth.present[name] = 1
        truth.boxes.append((name, ((x - r) / 224, (y - r) / 224, (x + r) / 224, (y + r) / 224)))
    return picture, truth


@pytest.fixture(scope="module")
def learned():
    """Features of 80 drawn pictures, the basis, and a head that was trained on the first 64."""
    encoder = Encoder(VISION, threads=2)
    pictures, truths = zip(*map(drawn, range(80)), strict=True)
    features = np.stack([encoder.encode(picture) for picture in pictures])
    basis = Basis.of(features[:20].reshape(-1, WIDTH))
    views = Views([basis.project(features)], np.arange(80), truths, features[:, :, ENTRY_COLUMNS])
    return pictures, views, basis, fit(views, np.arange(64), PLAN, log=lambda line: None)


PLAN = Plan(epochs=15, hidden=64, rate=5e-3, dropout=0.1, input_dropout=0.0, boxes=1.0, batch=16)


def out_of_graph(vision):
    """What the copied blocks of a graph end in, of a picture: uint8 [1280, 7, 7]."""
    model = onnx.load(vision)
    last = [node for node in model.graph.node if node.op_type == "Conv" and node.name.startswith("objects/")][-1]
    name = next(node.output[0] for node in model.graph.node if last.output[0] in node.input)
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, None))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda picture: session.run([name], {"pixels": picture[None]})[0][0]


def rounded(weight, largest=LARGEST_BYTE_WEIGHT):
    """As a matrix is stored: in whole steps of each column's own size."""
    step = np.abs(weight).max(0) / largest + 1e-12
    return np.round(weight / step) * step


class TestLearning:
    def test_finds_what_is_there_in_pictures_it_never_saw(self, learned):
        _, views, _, head = learned
        presence, cells, sides, amounts = predict(head, views, np.arange(64, 80))
        boxes = decode(sides, REACH)
        told = placed = 0
        for row, truth in enumerate(views.truths[64:]):
            told += sum((presence[row, name] > 0) == bool(truth.present[name]) for name in (APPLE, KITE))
            for name, (left, top, right, bottom) in truth.boxes:
                x, y = boxes[row, cells[row, :, name].argmax()].reshape(2, 2).mean(0)
                placed += left < x < right and top < y < bottom
        assert told >= 28
        assert placed >= 13
        assert amounts[:, [APPLE, KITE]].mean() == pytest.approx(1, abs=0.4)  # never is there more than one of them

    def test_the_graph_computes_what_was_learned(self, learned, tmp_path):
        """Against the same weights, rounded as they are stored: only the graph is left to differ."""
        pictures, _, basis, head = learned
        scale, shift = np.full(len(NAMES), 0.5, np.float32), np.full(len(NAMES), 0.1, np.float32)
        weights = weights_of(head, basis, scale, shift)
        add_head(VISION, weights, tmp_path / "vision.onnx")
        session = ort.InferenceSession(tmp_path / "vision.onnx", providers=["CPUExecutionProvider"])
        encoder = Encoder(VISION)
        for picture in pictures[:4]:
            cells = encoder.encode(picture).astype(np.float64)
            hidden = np.maximum(cells @ rounded(weights.inner) + weights.inner_bias, 0)
            by_cell = hidden @ rounded(weights.cells) + weights.cells_bias
            logits = np.log(np.exp(by_cell).mean(0)) + hidden.mean(0) @ rounded(weights.pool, 127)
            fine = (hidden @ rounded(weights.boxes) + weights.boxes_bias).reshape(4 * len(cells), -1)
            density = np.log1p(np.exp(hidden @ rounded(weights.density) + weights.density_bias))
            presence, scores, boxes, amounts = session.run(list(OUTPUTS[:4]), {"pixels": picture[None]})
            assert amounts[0] == pytest.approx(density.sum(0), rel=0.1, abs=0.05)
            assert np.abs(presence[0] - sigmoid(logits * scale + shift)).max() < 0.02
            assert np.abs(scores[0] - sigmoid(fine[:, : len(NAMES)])).max() < 0.02
            assert np.abs(np.clip(boxes[0], 0, 1) - decode(fine[:, len(NAMES) :], REACH)).max() < 0.02

    def test_the_components_are_folded_into_the_first_layer(self, learned):
        pictures, views, basis, head = learned
        weights = weights_of(head, basis, np.ones(len(NAMES)), np.zeros(len(NAMES)))
        cells = Encoder(VISION).encode(pictures[0]).astype(np.float64)
        with torch.no_grad():
            expected = head.head.inner(views.components(np.array([0])))[0].numpy()
        difference = cells @ weights.inner + weights.inner_bias - expected
        assert np.abs(difference).max() < 0.02 * np.abs(expected).max()

    def test_an_interrupted_training_comes_to_the_same(self, learned, tmp_path):
        _, views, _, _ = learned
        rows, quiet = np.arange(32), lambda line: None
        plan = replace(PLAN, epochs=3, dropout=0.0)
        whole = fit(views, rows, plan, log=quiet)

        def stop(line):
            if "epoch 2" in line:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(views, rows, plan, log=stop, path=tmp_path / "kept.pt")
        resumed = fit(views, rows, plan, log=quiet, path=tmp_path / "kept.pt")
        for a, b in zip(predict(whole, views, rows), predict(resumed, views, rows), strict=True):
            assert a == pytest.approx(b, abs=1e-4)


class TestCopiedBlocks:
    def test_they_compute_what_the_encoders_do(self):
        """Against the modules they were copied from, which have norms and another order of dimensions."""
        encoder = blocks_of_chance()
        entry = np.random.default_rng(0).integers(0, 256, (3, ENTRY_WIDTH, 2 * CELLS, 2 * CELLS), np.uint8)
        x = (torch.from_numpy(entry).float() - 126) * 0.3
        with torch.no_grad():
            blocks = LastBlocks(cast(EfficientNetLite, encoder), 0.3, 126).eval()
            found = blocks(torch.from_numpy(np.stack([gather(part, 2) for part in entry])))
            for block in encoder._blocks[FIRST_BLOCK:]:
                x = block(x)
            expected = torch.nn.functional.relu6(encoder._bn1(encoder._conv_head(x))).flatten(2).transpose(1, 2)
        assert expected.std() > 0.5
        assert (found - expected).abs().max() < 1e-3

    def test_they_learn_and_the_graph_computes_what_they_learned(self, learned, tmp_path):
        pictures, views, basis, head = learned
        model = onnx.load(VISION)
        blocks = LastBlocks(cast(EfficientNetLite, blocks_of_chance()), *quantisation(model, ENTRY))
        finder = Finder(head.head, blocks, basis, *quantisation(model, next(iter(PARTS))))
        before = blocks.last.weight.detach().clone()
        finder = fit(views, np.arange(16), replace(PLAN, epochs=1), log=lambda line: None, finder=finder)
        assert not torch.equal(before, blocks.last.weight)
        weights = weights_of(finder, basis, np.ones(len(NAMES)), np.zeros(len(NAMES)), views.entries[:40])
        add_head(VISION, weights, tmp_path / "vision.onnx")
        own = out_of_graph(tmp_path / "vision.onnx")
        entry = torch.from_numpy(views.entries[:8].copy())
        with torch.no_grad():
            expected = finder.blocks.eval()(entry).numpy()
        found = np.stack([gather(own(picture), 1) for picture in pictures[:8]]) * (CEILING / 255)
        assert np.abs(found - expected).mean() < 0.05 * expected.std()


def test_the_head_changes_nothing_else(learned, tmp_path):
    """Tokens, hint scores and what captions are made of, to the last bit: without the head that ships, and with another
    in its place."""
    pictures = [*learned[0][:3], np.zeros((224, 224, 3), np.uint8)]
    onnx.save(without_head(onnx.load(VISION)), tmp_path / "bare.onnx")
    _, _, basis, head = learned
    weights = weights_of(head, basis, np.ones(len(NAMES)), np.zeros(len(NAMES)))
    add_head(VISION, weights, tmp_path / "other.onnx")
    add_head(tmp_path / "other.onnx", weights, tmp_path / "another.onnx")
    shipped, *others = (
        ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        for path in (VISION, *(tmp_path / f"{name}.onnx" for name in ("bare", "other", "another")))
    )
    same = ("visual_tokens", "hint_scores", CAPTION_CELLS)
    assert {output.name for output in others[0].get_outputs()} == set(same)
    assert {output.name for output in shipped.get_outputs()} == {*same, *OUTPUTS}
    for picture in pictures:
        expected = shipped.run(list(same), {"pixels": picture[None]})
        for session in others:
            for name, a, b in zip(same, expected, session.run(list(same), {"pixels": picture[None]}), strict=True):
                assert np.array_equal(a, b), name


def test_no_processor_saturates():
    """Two products of 255 and a weight must fit into 16 bits, where AVX2 without VNNI adds them up."""
    graph = onnx.load(VISION).graph
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMulInteger"]
    assert products
    turned = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Transpose"}
    for node in products:
        stored = arrays[turned.get(node.input[1], node.input[1])]
        weights = onnx.numpy_helper.to_array(stored).astype(int)
        assert 2 * 255 * np.abs(weights).max() < 2**15


def test_views_of_a_photo_are_the_same_each_time():
    photo = np.random.default_rng(0).integers(0, 256, (60, 90, 3)).astype(np.uint8)
    assert np.array_equal(show(photo, "a.jpg", 3), show(photo, "a.jpg", 3))
    assert np.array_equal(show(photo, "a.jpg", 1), show(photo, "a.jpg", 0)[:, ::-1])
    assert not np.array_equal(show(photo, "a.jpg", 2), show(photo, "b.jpg", 2))
    assert show(photo[:1, :1], "a.jpg", 2).shape == (CELLS * 32, CELLS * 32, 3)
