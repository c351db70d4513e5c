"""Our own model on its real weights: PyTorch, optimum's export of it in float32 and int8, and the graph that ships."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from export.recipe.encoder import open_session, squash
from export.vision.own import load_own
from export.vision.part import export_vision
from export.vision.precision import relative_error, store_half
from export.vision.reference import exported_hidden_states, reference_vision
from models.errors import GlintError

WEIGHTS = Path(__file__).parents[3] / "models/weights/glint-135m"


@pytest.fixture(scope="module")
def scenes(views, photo) -> np.ndarray:
    return np.stack([squash(view) for view in [photo, *views[6:]]])


@pytest.fixture(scope="module")
def expected(scenes) -> dict[str, np.ndarray]:
    with torch.no_grad():
        return {key: value.numpy() for key, value in load_own(WEIGHTS)(torch.from_numpy(scenes)).items()}


def outputs(path, pixels, names=("visual_tokens", "hint_scores")):
    return dict(zip(names, open_session(path).run(list(names), {"pixels": pixels}), strict=True))


def cosine(a, b):
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


def test_exported_by_optimum(tmp_path, scenes, expected):
    path, half = tmp_path / "vision.onnx", tmp_path / "half.onnx"
    part = export_vision(WEIGHTS, path, "fp32")
    assert (part.height, part.width, part.tokens, part.hidden) == (224, 224, 16, 576)
    states = reference_vision(WEIGHTS).hidden_states(torch.from_numpy(scenes[:2]))
    exported = exported_hidden_states(path, scenes[:2])
    assert list(exported) == list(states)
    assert max(relative_error(exported[name], states[name].numpy()) for name in states) < 1e-5
    model = onnx.load(path)
    assert store_half(model) == []
    onnx.save(model, half)
    assert half.stat().st_size < 0.52 * path.stat().st_size
    exact, rounded = outputs(path, scenes), outputs(half, scenes)
    for name, value in expected.items():
        assert relative_error(exact[name], value) < 1e-5
        assert relative_error(rounded[name], value) < 0.01


def test_int8_by_optimum_and_the_one_that_ships(tmp_path, scenes, expected, views):
    made, shipped = tmp_path / "made.onnx", tmp_path / "shipped.onnx"
    note = export_vision(WEIGHTS, made, "int8", calibration=views[:8]).notes[0]
    assert "8 photos" in note
    assert export_vision(WEIGHTS, shipped, "int8").tokens == 16
    assert shipped.read_bytes() == (WEIGHTS / "vision.onnx").read_bytes()
    for path in (made, shipped):
        got = outputs(path, scenes[-4:])
        assert 0.98 < cosine(got["visual_tokens"], expected["visual_tokens"][-4:]) < 1
        assert 0.8 < cosine(got["hint_scores"], expected["hint_scores"][-4:]) < 1  # few are more than 0


def test_other_graphs_and_sizes_are_told(tmp_path):
    with pytest.raises(GlintError, match="pictures of 224 pixels only, not 512"):
        export_vision(WEIGHTS, tmp_path / "vision.onnx", "fp32", image_size=512)
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "adapter.safetensors").touch()
    (folder / "vision.onnx").write_bytes(b"no graph")
    with pytest.raises(GlintError, match="has no connector and hint head of ours"):
        export_vision(folder, tmp_path / "vision.onnx", "fp32")
    assert not (tmp_path / "vision.onnx").exists()
