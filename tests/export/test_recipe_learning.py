"""What the language model learns from: rounded weights, weights to go on from, rewards of its own captions."""

from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install 'glint[export]'")

import torch
from safetensors.torch import save_file

from export.recipe import reward
from export.recipe.language import Connector, LanguageModel
from export.recipe.photos import Photo
from export.recipe.processor import fast_dtype
from export.recipe.samples import Segment, Tree
from export.recipe.start import start_from
from export.recipe.train import batch_loss, collate
from models.adapted_weights import AdaptedWeights
from models.gguf_weights import GgufWeights
from models.quantize import block_for, quantize_4bit
from models.vision import VisionEncoder

WEIGHTS = Path(__file__).parents[2] / "models/weights/glint-135m"
TOLERANCE = 1e-4 if fast_dtype() == torch.float32 else 3e-2  # a bfloat16 may round to the next of 16 levels

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(base_gguf):
    return GgufWeights(base_gguf)


@pytest.fixture(scope="module")
def untrained(base):
    """Makes language models that have learnt nothing; what never changes of the base is read once and shared."""
    model = LanguageModel(base)
    shared = {id(fixed): fixed for fixed in (model.embeddings, *(p.frozen for p in model.projections()))}
    return lambda: deepcopy(model, dict(shared))


@pytest.fixture(scope="module")
def started(base, untrained):
    """The language model and the connector, filled with the weights that ship."""
    model, connector = untrained(), Connector(16, base.shape.hidden, 1.0)
    start_from(WEIGHTS, model, connector)
    return model, connector


def test_a_run_starts_from_the_weights_that_ship(base, started):
    model, _ = started
    shipped = AdaptedWeights(base, WEIGHTS / "adapter.safetensors")
    for layer, name, part, rows in ((0, "k", "qkv", slice(576, 768)), (29, "up", "gate_up", slice(1536, None))):
        folded = model.stack[layer].parts[part].folded[rows].float().numpy()
        assert np.abs(folded - shipped.projection(layer, name)).max() < TOLERANCE


def test_the_connector_that_is_started_from_sees_what_the_shipped_graph_sees(started, default_bundle):
    """Through the shipped encoder's own outputs; the shipped products round their weights to 8 bits, as stored."""
    import onnxruntime as ort
    from onnx import load
    from onnx.utils import Extractor

    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    shipped = VisionEncoder(default_bundle).encode(picture).tokens
    front = Extractor(load(WEIGHTS / "vision.onnx")).extract_model(["pixels"], ["grid", "middle"])
    grid = ort.InferenceSession(front.SerializeToString()).run(None, {"pixels": picture[None]})
    with torch.no_grad():
        tokens = started[1](reward.pool(torch.from_numpy(np.concatenate(grid, -1))))[0].numpy()
    assert np.linalg.norm(tokens - shipped) < 1e-2 * np.linalg.norm(shipped)


def test_noise_makes_a_weight_what_rounding_will_make_of_it(started):
    projection = started[0].stack[3].parts["o"]
    exact = projection.folded.clone()
    projection.noise = projection.rounding()
    projection.fold()
    rounded = quantize_4bit(exact.float().numpy(), 64, projection.importance.numpy()).dequantize()
    error = np.linalg.norm(projection.folded.float().numpy() - rounded) / np.linalg.norm(rounded)
    projection.noise = None
    projection.fold()
    assert error < max(TOLERANCE, 1e-3)


def test_a_settled_model_has_the_very_weights_that_are_assembled_from_what_is_packed(base, untrained, tmp_path):
    model = untrained()
    random = torch.Generator().manual_seed(0)
    for projection in model.projections():
        projection.b.data = torch.randn(projection.b.shape, generator=random) * 1e-3
    down = model.stack[7].parts["down"]
    down.importance.copy_(torch.rand(down.importance.shape, generator=random))
    model.settle()
    down.noise = down.rounding()
    down.fold()
    save_file(model.adapter(), tmp_path / "adapter.safetensors")
    packed = AdaptedWeights(base, tmp_path / "adapter.safetensors")
    weight = packed.projection(7, "down")
    assembled = quantize_4bit(weight, block_for(weight.shape[1]), packed.importance(7, "down")).dequantize()
    same = np.isclose(down.folded.float().numpy(), assembled, rtol=0, atol=TOLERANCE * np.abs(assembled).max())
    assert same.mean() > 0.995
    assert not any(update.requires_grad for update in model.updates())
    assert all(gain.requires_grad for gain in model.gains())


def test_a_few_steps_make_a_caption_likelier(base, untrained):
    """From scratch, on one made-up picture: connector, updates and gains all move, and the loss falls by a lot."""
    torch.manual_seed(0)
    model, connector = untrained(), Connector(16, base.shape.hidden, 0.1)
    ids = base.tokenizer().encode("A red bird sits on a wire.", add_special_tokens=False).ids
    tree = Tree([Segment([1, *[0] * 16], -1), Segment([198], 0), Segment([*ids, 2], 1, 1.0)], 1, 0)
    grids = SimpleNamespace(grids=np.random.default_rng(0).standard_normal((1, 49, 1760)).astype(np.float32))
    batch = collate([[tree]], grids)
    learnt = {"connector": list(connector.parameters()), "updates": model.updates(), "gains": model.gains()}
    before = {name: [p.detach().clone() for p in group] for name, group in learnt.items()}
    optimizer = torch.optim.AdamW([p for group in learnt.values() for p in group], lr=1e-3)
    losses = []
    for _ in range(6):
        loss = batch_loss(model, connector, batch, torch.arange(base.shape.vocabulary))
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        model.fold()
    assert losses[-1] < 0.7 * losses[0]
    for name, group in learnt.items():
        assert any((p != old).any() for p, old in zip(group, before[name], strict=True)), name


@torch.no_grad()
def test_reading_token_by_token_is_reading_at_once(started):
    model, _ = started
    x = model.embeddings[torch.arange(100, 118).reshape(2, 9)]
    positions, visible = torch.arange(9).expand(2, 9), torch.ones(9, 9, dtype=torch.bool).tril().expand(2, 9, 9)
    whole = model(x, positions, visible)
    kept: list = []
    model(x[:, :6], positions[:, :6], visible[:, :6, :6], kept=kept)
    rest = model(x[:, 6:], positions[:, 6:], visible[:, 6:], kept, [])
    assert (whole[:, 6:] - rest).abs().max() < 10 * TOLERANCE * whole.abs().max()


def test_samples_follow_the_model(started, base):
    """Of two words the model expects one; prefixes of unequal length do not disturb each other."""
    model, _ = started
    tokenizer = base.tokenizer()
    end = tokenizer.token_to_id("<|im_end|>")
    prefixes = [
        model.embeddings[torch.tensor(tokenizer.encode(text).ids)]
        for text in ("Monday, Tuesday, Wednesday,", "Counting up in steps of one: one, two, three, four, five,")
    ]
    words = [tokenizer.encode(word).ids[0] for word in (" Thursday", " six")]
    torch.manual_seed(0)
    found = reward.sample(model, prefixes, 8, torch.tensor(sorted([*words, end])), end)
    assert [len(rows) for rows in found] == [8, 8]
    for rows, word in zip(found, words, strict=True):
        assert sum(row[0] == word for row in rows) >= 6
        assert all(end not in row[:-1] for row in rows)
        assert all(len(row) <= reward.LONGEST for row in rows)


def test_captions_like_the_references_are_made_likelier(started, base, monkeypatch):
    tokenizer = base.tokenizer()
    end = tokenizer.token_to_id("<|im_end|>")
    photos = [
        Photo("a", "flickr8k", ["A dog runs on the grass."] * 5),
        Photo("b", "flickr8k", ["Two men ride bicycles."] * 5),
    ]
    said = ["A dog runs on the grass.", "A dog runs.", "Two men ride bicycles.", "A cat.", "A dog runs on the"]
    rows = [[*tokenizer.encode(text).ids, end] for text in said]
    monkeypatch.setattr(reward, "sample", lambda *_: [rows])

    class Grids:
        grids = np.zeros((1, 49, 1760), np.float16)

    critic = reward.CaptionCritic(*started, Grids(), tokenizer, photos, torch.arange(10), end)
    prompt = Tree([Segment([1] + [0] * 16 + [2], -1), Segment([3], 0)], 1, 0)
    tree = critic.answered([(photos[0], prompt)])[0]
    weights = [segment.weight for segment in tree.segments[2:]]
    assert weights[0] == max(weights)
    assert weights[0] > 0 > weights[2]
    assert weights[0] > weights[4]  # a caption that breaks off is worth less
    assert abs(sum(weights)) < 1e-5
    assert [segment.parent for segment in tree.segments[2:]] == [1] * 5
