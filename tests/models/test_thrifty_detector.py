"""The text detector rewritten: it says the same in less memory."""

import shutil
import subprocess
import sys
import textwrap

import numpy as np
import onnx
import pytest
from onnx import helper

from models import fetch
from models.apart import run_apart
from models.errors import GlintError
from models.manifest import read_manifest
from models.onnx_session import open_session
from models.reading import DETECTOR, MODEL, RECOGNIZER
from models.remade import DETECTOR_INPUT, TEXT_DETECTOR
from models.thrifty_detector import make_thrifty
from tests.drawn_text import drawn


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The folder of the networks as they come."""
    into = tmp_path_factory.mktemp("fetched")
    model = fetch.default_store().catalog[MODEL]
    model.source.fetch(model.files, into, lambda what, done, of: None)
    return into


def floats(picture):
    """As the original network takes it: float32 [1, 3, height, width], BGR in -1..1."""
    return (picture[..., ::-1].transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)


def test_the_installed_detector_says_what_the_original_says(original):
    before = open_session(original / DETECTOR, 2)
    after = open_session(fetch.ensure(MODEL) / DETECTOR, 2)
    for size in ((640, 480), (320, 736)):
        picture = drawn("Mind the gap\nPlatform 9", size)[: size[1] // 32 * 32]
        chance = after.run(None, {DETECTOR_INPUT: picture[None]})[0]
        assert chance.max() > 0.9
        np.testing.assert_allclose(chance, before.run(None, {"x": floats(picture)})[0], atol=1e-4)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a moment")
def test_it_takes_less_memory(original):
    code = f"""
        import re, sys
        from pathlib import Path
        import numpy as np
        from device.heap import lent_memory, share_heap
        from models.onnx_session import open_session

        def status(key):
            return int(re.search(key + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000

        share_heap()
        session = open_session(sys.argv[1], 1)
        one = session.get_inputs()[0]
        rewritten = one.name == "{DETECTOR_INPUT}"
        picture = np.zeros((1, 736, 1280, 3), np.uint8) if rewritten else np.zeros((1, 3, 736, 1280), np.float32)
        before = status("VmRSS")
        with lent_memory():
            session.run(None, {{one.name: picture}})
        print(status("VmHWM") - before)
    """
    peaks = []
    for folder in (original, fetch.ensure(MODEL)):
        command = [sys.executable, "-c", textwrap.dedent(code), str(folder / DETECTOR)]
        peaks.append(float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout))
    assert peaks[1] < 0.8 * peaks[0]


def test_all_files_come_along_and_the_manifest_names_them(original, tmp_path):
    run_apart(TEXT_DETECTOR.module, original, tmp_path, progress=lambda share: None)
    assert set(read_manifest(tmp_path, TEXT_DETECTOR.format)["files"]) == {DETECTOR, RECOGNIZER}
    assert (tmp_path / RECOGNIZER).read_bytes() == (original / RECOGNIZER).read_bytes()


def test_another_network_is_refused_in_a_sentence(tmp_path):
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, "h", "w"])
    other = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "other", [value], [other])
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    onnx.save(helper.make_model(graph), tmp_path / "in" / DETECTOR)
    with pytest.raises(GlintError, match="is not built like"):
        make_thrifty(tmp_path / "in", tmp_path / "out")


def test_a_truncated_network_is_refused_in_a_sentence(original, tmp_path):
    shutil.copytree(original, tmp_path / "in")
    (tmp_path / "out").mkdir()
    path = tmp_path / "in" / DETECTOR
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(GlintError, match="is not a readable ONNX file"):
        make_thrifty(tmp_path / "in", tmp_path / "out")
