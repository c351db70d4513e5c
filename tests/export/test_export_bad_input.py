"""What cannot be exported: one sentence that says what to do, and nothing left on the disk."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from gguf import GGMLQuantizationType, GGUFWriter
from tiny_llama import write_gguf

from device.cli import glint
from models.errors import GlintError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(tiny, tmp_path):
    """A copy of a tiny language model, to be spoilt."""
    return Path(shutil.copytree(tiny("llama"), tmp_path / "model"))


def refused(tmp_path, model, *options) -> str:
    """The sentence that an export ends with; checks that it is one, and that nothing has been made."""
    before = {path.name for path in tmp_path.iterdir()}
    result = CliRunner().invoke(glint, ["export", str(model), "--out", str(tmp_path / "out"), *map(str, options)])
    assert isinstance(result.exception, GlintError), result.output
    assert {path.name for path in tmp_path.iterdir()} == before
    sentence = str(result.exception)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def change(path: Path, **values) -> None:
    content = json.loads(path.read_text())
    content.update(values)
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


@pytest.mark.parametrize(
    ("kind", "nearest"), [("gemma3_text", "llama"), ("qwen2_moe", "qwen2"), ("idefics2", "idefics3"), ("bert", "")]
)
def test_an_architecture_that_is_not_supported(model, tmp_path, kind, nearest):
    change(model / "config.json", model_type=kind)
    sentence = refused(tmp_path, model)
    assert f"is a {kind} model" in sentence
    for supported in ("llama", "mistral", "qwen2", "idefics3", "smolvlm", "llava"):
        assert supported in sentence
    assert f"the nearest is {nearest}" in sentence


def test_a_vision_language_model_around_another_language_model(tiny, tmp_path):
    model = Path(shutil.copytree(tiny("idefics3"), tmp_path / "model"))
    config = json.loads((model / "config.json").read_text())
    config["text_config"]["model_type"] = "gemma2"
    (model / "config.json").write_text(json.dumps(config))
    sentence = refused(tmp_path, model)
    assert "Idefics3 model around a gemma2 language model" in sentence
    assert "the nearest is llama" in sentence
    config["text_config"]["model_type"], config["vision_config"]["model_type"] = "llama", "dinov2"
    (model / "config.json").write_text(json.dumps(config))
    assert "dinov2 picture encoder" in refused(tmp_path, model)


def test_a_shard_is_missing(tiny, tmp_path):
    model = Path(shutil.copytree(tiny("llama", 3), tmp_path / "model"))
    shard = sorted(model.glob("*.safetensors"))[1]
    shard.unlink()
    assert shard.name in refused(tmp_path, model)


def test_a_shard_is_cut_short(tiny, tmp_path):
    model = Path(shutil.copytree(tiny("llama", 3), tmp_path / "model"))
    shard = sorted(model.glob("*.safetensors"))[1]
    shard.write_bytes(shard.read_bytes()[:-1000])
    assert shard.name in refused(tmp_path, model)


def test_a_gguf_of_a_quantisation_that_cannot_be_read(tmp_path):
    path = tmp_path / "model.gguf"
    writer = GGUFWriter(str(path), "llama")
    write_gguf(tmp_path / "other.gguf")
    writer.close()
    _with_type(tmp_path / "other.gguf", path, GGMLQuantizationType.IQ1_M)
    sentence = refused(tmp_path, path)
    assert "IQ1_M" in sentence


def _with_type(source: Path, target: Path, kind: GGMLQuantizationType) -> None:
    """The same file, one of its tensors declared to be of another type."""
    import struct

    data = bytearray(source.read_bytes())
    name = b"blk.1.ffn_up.weight"
    place = data.index(name) + len(name)
    dimensions = struct.unpack_from("<I", data, place)[0]
    struct.pack_into("<I", data, place + 4 + 8 * dimensions, int(kind))
    target.write_bytes(data)


def test_a_gguf_of_another_architecture(tmp_path):
    path = tmp_path / "model.gguf"
    writer = GGUFWriter(str(path), "gemma3")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert "gemma3" in refused(tmp_path, path)


def test_a_gguf_without_a_template(tmp_path):
    assert "no chat template" in refused(tmp_path, write_gguf(tmp_path / "model.gguf"))


def test_a_tokenizer_without_a_template(model, tmp_path):
    change(model / "tokenizer_config.json", chat_template=None)
    assert "no chat template" in refused(tmp_path, model)


def test_no_tokenizer(model, tmp_path):
    (model / "tokenizer.json").unlink()
    assert "tokenizer.json" in refused(tmp_path, model)


def test_no_space(model, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    assert "takes 21 MB of disk space" in refused(tmp_path, model)


def test_a_write_that_fails(model, tmp_path):
    """Files may not grow beyond 100 kB: the decoder's weights cannot be written to their end."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        sentence = refused(tmp_path, model)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sentence == f"{tmp_path / 'out'} could not be made (File too large), so nothing was exported."


def test_weights_that_are_no_safetensors(model, tmp_path):
    (model / "model.safetensors").unlink()
    (model / "pytorch_model.bin").write_bytes(b"pickle")
    assert "only pytorch_model.bin" in refused(tmp_path, model)


def test_what_is_not_there(tmp_path):
    assert "There is no" in refused(tmp_path, tmp_path / "nothing")
    assert "There is no" in refused(tmp_path, tmp_path / "nothing.gguf")
    (tmp_path / "empty").mkdir()
    assert "config.json" in refused(tmp_path, tmp_path / "empty")
    (tmp_path / "notes.txt").write_text("no model")
    assert "is no model" in refused(tmp_path, tmp_path / "notes.txt")


def test_a_damaged_config(model, tmp_path):
    (model / "config.json").write_text('{"model_type": ')
    assert "config.json" in refused(tmp_path, model)
    (model / "config.json").write_text("[1]")
    assert "config.json" in refused(tmp_path, model)
    (model / "config.json").write_text("{}")
    assert "model_type" in refused(tmp_path, model)


def test_a_folder_that_is_something_else_is_not_replaced(model, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/letter.txt").write_text("mine")
    assert "no exported model" in refused(tmp_path, model)
    for manifest in ('{"name": "a web application", "icons": []}', '{"content": {"files": {}}}', "[]", "no object"):
        (tmp_path / "out/manifest.json").write_text(manifest)
        assert "no exported model" in refused(tmp_path, model)
    assert (tmp_path / "out/letter.txt").read_text() == "mine"


def test_options_that_do_not_go_together(model, tmp_path):
    assert "sees no pictures" in refused(tmp_path, model, "--image-size", 96)
    assert "GPTQ" in refused(tmp_path, model, "--rounding", "gptq", "--decoder", "int8")
    assert "no folder" in refused(tmp_path, model, "--calibrate", tmp_path / "nowhere")
    (tmp_path / "photos").mkdir()
    assert "holds no photos" in refused(tmp_path, model, "--calibrate", tmp_path / "photos")
    assert "neither" in refused(tmp_path, model, "--report", tmp_path / "report.pdf")


def test_an_image_size_that_the_encoder_cannot_take(tiny, tmp_path):
    assert "72 pixels do not divide" in refused(tmp_path, tiny("idefics3"), "--image-size", 72)


def test_a_bundle_is_no_source(model, tmp_path):
    CliRunner().invoke(glint, ["export", str(model), "--out", str(tmp_path / "bundle")], catch_exceptions=False)
    assert "exported already" in refused(tmp_path, tmp_path / "bundle")


@pytest.mark.parametrize("package", ["transformers", "torch"])
def test_without_the_extra(tiny, tmp_path, package):
    code = f"import sys; sys.modules[{package!r}] = None; from device.cli import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "export", tiny("smolvlm"), "--out", tmp_path / "out"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env=os.environ,
    )
    assert done.returncode == 1
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence == f"glint: Exporting needs {package}, which is not installed: pip install 'glint[export]'."
    assert list(tmp_path.iterdir()) == []
