"""Every tower in float32 against transformers, and optimum's own functions with our configurations."""

import shutil

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from optimum.exporters.onnx import main_export
from PIL import Image
from tiny_models import HIDDEN, IMAGE, PATCH, SCALE, VISUAL
from transformers import AutoImageProcessor, AutoModelForImageTextToText

from export.vision.part import export_vision
from export.vision.positions import correct_positions, intended_positions
from export.vision.precision import open_model, relative_error
from export.vision.preprocessing import PIXELS, TOKENS
from export.vision.reference import exported_hidden_states, reference_vision
from models.errors import GlintError

EXACT = 2e-6  # relative: sums in another order


def tokens(path, pixels):
    return open_model(onnx.load(path)).run([TOKENS], {PIXELS: pixels})[0]


@pytest.mark.parametrize("size", [None, 96])
@pytest.mark.parametrize("kind", VISUAL)
def test_graph_computes_what_transformers_does(kind, size, tiny, exported, squares):
    side = size or IMAGE
    plain = [np.full((side, side, 3), level, np.uint8) for level in (0, 127, 128, 255)]
    pictures = np.stack([cv2.resize(square, (side, side)) for square in squares] + plain)
    path, part = exported(kind, "fp32", size)
    expected = reference_vision(tiny(kind), size)(torch.from_numpy(pictures)).numpy()
    got = tokens(path, pictures)
    assert (part.height, part.width) == (side, side)
    assert (part.tokens, part.hidden) == got.shape[1:] == expected.shape[1:]
    assert part.tokens == (side // PATCH // (1 if "llava" in kind else SCALE)) ** 2
    assert part.hidden == HIDDEN
    assert relative_error(got, expected) < EXACT
    one_by_one = np.concatenate([tokens(path, picture[None]) for picture in pictures[:3]])
    assert relative_error(one_by_one, expected[:3]) < EXACT
    assert np.abs(got[0] - got[1]).max() > 0.01  # it does look at the picture


@pytest.mark.parametrize("kind", VISUAL)
def test_reference_is_the_whole_model_behind_its_own_image_processor(kind, tiny, squares):
    processor = AutoImageProcessor.from_pretrained(tiny(kind), use_fast=False)
    settings = {} if "llava" in kind else {"do_image_splitting": False, "size": {"longest_edge": IMAGE}}
    pixels = processor(Image.fromarray(squares[0]), return_tensors="pt", **settings)["pixel_values"]
    model = AutoModelForImageTextToText.from_pretrained(tiny(kind)).eval()
    correct_positions(model)
    with torch.no_grad():
        features = model.model.get_image_features(pixels)[0]
    got = reference_vision(tiny(kind))(torch.from_numpy(squares[:1]))[0]
    assert relative_error(got.numpy(), features.numpy()) < EXACT


@pytest.mark.parametrize("kind", ["smolvlm", "llava-clip", "llava-siglip"])
def test_a_changed_layer_is_found_by_its_name(kind, tiny, exported, tmp_path, squares):
    path, _ = exported(kind, "fp32")
    expected = reference_vision(tiny(kind)).hidden_states(torch.from_numpy(squares[:2]))
    states = exported_hidden_states(path, squares[:2])
    assert list(states) == list(expected)[: len(states)]
    assert len(states) == (4 if kind == "llava-clip" else 5)
    assert all(relative_error(states[name], expected[name].numpy()) < EXACT for name in states)
    model = onnx.load(path)
    layer = next(n for n in model.graph.node if n.op_type == "MatMul" and "layers.1/mlp/fc1" in n.name)
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == layer.input[1])
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * 1.05, weight.name))
    path = tmp_path / "vision.onnx"
    onnx.save(model, path)
    errors = {n: relative_error(s, expected[n].numpy()) for n, s in exported_hidden_states(path, squares[:2]).items()}
    assert next(name for name, error in errors.items() if error > EXACT) == "hidden_states.2"  # after the second layer


@pytest.mark.parametrize("kind", ["smolvlm", "llava-clip"])
def test_optimum_exports_it_by_itself(kind, tiny, tmp_path):
    """What a user of optimum would do, its validation included."""
    main_export(str(tiny(kind)), tmp_path, task="feature-extraction", do_validation=True, no_post_process=True)
    model = onnx.load(tmp_path / "model.onnx")
    assert [value.name for value in model.graph.output] == ["image_features"]
    assert [value.name for value in model.graph.input] == ["pixel_values"]


def test_only_the_picture_side_is_read(tiny, tmp_path, squares):
    folder = tmp_path / "model"
    shutil.copytree(tiny("smolvlm", shards=4), folder)
    whole = reference_vision(folder)(torch.from_numpy(squares[:1]))
    index = (folder / "model.safetensors.index.json").read_text()
    shards = sorted(folder.glob("model-*.safetensors"))
    needed = {shard for shard in shards if _holds_pictures(index, shard.name)}
    assert set(shards) - needed
    for shard in set(shards) - needed:
        shard.unlink()
    assert torch.equal(reference_vision(folder)(torch.from_numpy(squares[:1])), whole)
    gone = min(needed)
    gone.unlink()
    with pytest.raises(GlintError, match=rf"{gone.name} is missing; download the model again\.$"):
        export_vision(folder, tmp_path / "vision.onnx", "fp32")
    assert not (tmp_path / "vision.onnx").exists()


def _holds_pictures(index: str, shard: str) -> bool:
    return any(shard in line and ("vision_model" in line or "connector" in line) for line in index.splitlines())


def test_bad_folders_are_told_in_a_sentence(tiny, tmp_path):
    def sentence(folder, **settings):
        with pytest.raises(GlintError) as error:
            export_vision(folder, tmp_path / "vision.onnx", "fp32", **settings)
        assert not (tmp_path / "vision.onnx").exists()
        return str(error.value)

    llama = tiny("llama")
    assert "'llama'" in sentence(llama)
    assert "idefics3, smolvlm, llava" in sentence(llama)
    assert "the nearest size that does is 64" in sentence(tiny("smolvlm"), image_size=72)
    assert "the nearest size that does is 8" in sentence(tiny("llava-clip"), image_size=5)
    broken = tmp_path / "broken"
    shutil.copytree(tiny("smolvlm"), broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert "is damaged" in sentence(broken)
    weights.unlink()
    assert "holds no weights in safetensors" in sentence(broken)
    with pytest.raises(GlintError, match="'int2' is no precision"):
        export_vision(tiny("smolvlm"), tmp_path / "vision.onnx", "int2")


def test_places_are_those_of_training(tiny, exported):
    """Also in a transformers that shifts them, which the export then tells; others it leaves alone."""
    whole = AutoModelForImageTextToText.from_pretrained(tiny("smolvlm")).eval()
    embeddings = whole.model.vision_model.embeddings
    shifted = correct_positions(whole)
    assert not correct_positions(whole)
    side = IMAGE // PATCH
    blank, full = torch.zeros(1, 3, IMAGE, IMAGE), torch.ones(1, side, side, dtype=torch.bool)
    with torch.no_grad():
        places = embeddings(blank, full) - embeddings.patch_embedding.bias
    assert torch.allclose(places[0], embeddings.position_embedding.weight, atol=1e-6)
    assert shifted == any("41190" in note for note in exported("smolvlm", "fp32")[1].notes)
    assert not correct_positions(AutoModelForImageTextToText.from_pretrained(tiny("llava-clip")))


def test_places_of_a_part_of_a_picture():
    mask = torch.zeros(2, 4, 6, dtype=torch.bool)
    mask[0, :2, :3] = True
    mask[1] = True
    places = intended_positions(mask, 4).view(2, 4, 6)
    assert places[0, :2, :3].tolist() == [[0, 1, 2], [8, 9, 10]]
    assert not places[0][~mask[0]].any()
    assert places[1, 2].tolist() == [8, 8, 9, 10, 10, 11]
