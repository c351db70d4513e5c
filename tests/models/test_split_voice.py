"""A voice cut in three: the parts make what the whole made, and what cannot be cut is refused."""

import numpy as np
import onnxruntime
import pytest
from tiny_voice import HOP, tiny_voice

from models.apart import run_apart
from models.errors import GlintError
from models.manifest import read_manifest
from models.remade import VOICE
from models.split_voice import split_voice
from models.voice_parts import DECODER, FLOW, PRIOR


@pytest.fixture
def folders(tmp_path):
    """Where the whole voice lies and where its parts are to lie."""
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    return tmp_path / "whole", tmp_path / "parts"


@pytest.fixture
def parts(folders):
    tiny_voice(folders[0] / "tiny.onnx")
    split_voice(*folders)
    return folders[1]


def run(path, array):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: array})[0]


def properties(parts):
    session = onnxruntime.InferenceSession(parts / DECODER, providers=["CPUExecutionProvider"])
    return {name: int(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}


def test_one_part_after_the_other_is_the_whole(folders, parts):
    text = np.random.default_rng(1).standard_normal((1, 2, 30)).astype(np.float32)
    frames = run(parts / FLOW, run(parts / PRIOR, text))
    assert frames.shape == (1, 32, 60)
    np.testing.assert_allclose(run(parts / DECODER, frames), run(folders[0] / "tiny.onnx", text), atol=1e-6)


def test_large_weights_lie_outside_the_graph(parts):
    assert (parts / "decoder.weights").stat().st_size == 4 * 32 * 33 * 4


def test_a_sample_depends_on_as_many_frames_as_the_decoder_says(parts):
    """What differs when one frame does: no more than is said, which is rounded up and no looser."""
    said = properties(parts)
    assert said["hop"] == HOP
    frames = np.random.default_rng(2).standard_normal((1, 32, 81)).astype(np.float32) / 50
    other = frames.copy()
    other[..., 40] += 1
    differs = np.abs(run(parts / DECODER, frames) - run(parts / DECODER, other)).reshape(-1, HOP).max(1) > 1e-7
    touched = np.flatnonzero(differs)
    reach = max(40 - touched.min(), touched.max() - 40)
    assert reach <= said["overlap"] <= reach + 1


def test_all_else_comes_along_and_is_vouched_for(parts):
    files = read_manifest(parts, VOICE.format)["files"]
    assert set(files) == {PRIOR, FLOW, DECODER, "prior.weights", "flow.weights", "decoder.weights", "tiny.onnx.json"}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ("mean", "has the operation ReduceMean"),
        ("input", "depends on the input input"),
        ("stride", "far changes the length"),
        ("flat", "no decoder of upsampling convolutions"),
        ("short", "no narrow place before its frames"),
    ],
)
def test_a_voice_of_another_build_is_refused_in_one_sentence(folders, spoil, why):
    tiny_voice(folders[0] / "tiny.onnx", spoil=spoil)
    with pytest.raises(GlintError, match=rf"^The voice tiny cannot be cut up: .*{why}.*; choose another voice\.$"):
        split_voice(*folders)


def test_what_is_no_network_is_refused_also_from_a_process_of_its_own(folders):
    (folders[0] / "tiny.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(GlintError, match=r"tiny\.onnx is not a readable ONNX file"):
        run_apart(VOICE.module, *folders, progress=lambda share: None)
