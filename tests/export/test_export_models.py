"""`glint export` of every architecture, checked against PyTorch and then asked, as a user would."""

import json

import pytest
from click.testing import CliRunner
from tiny_models import TINY, VISUAL

from device.cli import glint
from models.bundle import Bundle
from models.manifest import MANIFEST_FILE


def run(*arguments, status=0):
    """What the command prints, as an object. --json is added."""
    result = CliRunner().invoke(glint, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("kind", TINY)
class TestEveryArchitecture:
    def test_float32_is_the_original(self, kind, tiny, tmp_path):
        made = run("export", tiny(kind), "--out", tmp_path / "out", "--decoder", "fp32", "--vision", "fp32", "--verify")
        verification = made["verification"]
        assert verification["passed"], verification["failures"]
        parts = verification["parts"]
        assert set(parts) == ({"vision", "decoder", "whole"} if kind in VISUAL else {"decoder", "whole"})
        for name, part in parts.items():
            assert part["max_abs_diff"] < 1e-3, (name, part)
            assert part["cosine"] > 0.999999
        for name in ("decoder", "whole"):
            assert parts[name]["greedy_equal_tokens"] == 64
        assert parts["decoder"]["perplexity"] == pytest.approx(parts["decoder"]["perplexity_reference"], rel=1e-4)
        assert parts["decoder"]["graph"]["relative"] < 1e-5
        if kind != "smolvlm":  # whose processor needs packages for video
            assert parts["whole"]["prompt_equal"] is True

    def test_four_bits_say_the_same(self, kind, tiny, tmp_path, demo_photo):
        made = run("export", tiny(kind), "--out", tmp_path / "out", "--verify")
        parts = made["verification"]["parts"]
        assert made["verification"]["passed"], made["verification"]["failures"]
        assert parts["decoder"]["max_abs_diff"] > 0.01  # or nothing was rounded
        assert parts["decoder"]["graph"]["relative"] < 1e-5
        for name in ("decoder", "whole"):
            assert parts[name]["greedy_equal_tokens"] == 64, name
        picture = ("--image", demo_photo) if kind in VISUAL else ()
        turn = run("ask", "--model", tmp_path / "out", "--text", "What is this?", *picture)
        assert turn["answered_by"] == "model"
        assert turn["answer"]


@pytest.mark.parametrize("decoder", ["int8", "fp16"])
def test_other_precisions(decoder, tiny, tmp_path):
    parts = run("export", tiny("qwen2"), "--out", tmp_path / "out", "--decoder", decoder, "--verify")["verification"][
        "parts"
    ]
    assert parts["decoder"]["greedy_equal_tokens"] == 64
    assert parts["decoder"]["passed"]
    assert parts["decoder"]["cosine"] > {"int8": 0.999, "fp16": 0.99999}[decoder]


def test_pictures_of_another_size_and_calibration(tiny, tmp_path, demo_photo):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "one.jpg").write_bytes(demo_photo.read_bytes())
    options = ("--image-size", 96, "--calibrate", photos, "--verify")
    made = run("export", tiny("llava-siglip"), "--out", tmp_path / "out", *options)
    assert made["verification"]["passed"], made["verification"]["failures"]
    assert made["verification"]["parts"]["vision"]["cosine"] > 0.99
    bundle = Bundle.open(tmp_path / "out")
    assert bundle.config["picture"]["height"] == 96
    assert any("photos" in note for note in made["notes"])


def test_rounding_that_watches_the_model_is_what_is_verified(tiny, tmp_path):
    made = run("export", tiny("llama"), "--out", tmp_path / "out", "--rounding", "gptq", "--verify")
    plain = run("export", tiny("llama"), "--out", tmp_path / "plain")
    assert made["verification"]["parts"]["decoder"]["graph"]["relative"] < 1e-5
    assert made["files"]["decoder.weights"] != plain["files"]["decoder.weights"]
    assert made["files"]["decoder.onnx"] == plain["files"]["decoder.onnx"]


def test_a_study_of_some_settings(tiny, tmp_path):
    study = run("export", tiny("llama"), "--out", tmp_path / "out", "--study", "--rows", "int8")["study"]
    assert {row["name"] for row in study["rows"]} == {"shipped", "int8"}
    assert "shipped" in (tmp_path / "out-study/study.md").read_text()
    assert (tmp_path / "out-study/pareto.svg").exists()


def test_the_folder_says_what_it_is(tiny, tmp_path):
    made = run("export", tiny("llama", 3), "--out", tmp_path / "out", "--report", tmp_path / "report.md")
    bundle = Bundle.open(tmp_path / "out")
    card = (tmp_path / "out/MODEL_CARD.md").read_text()
    assert made["name"] == bundle.name == "llama-3"
    for record in bundle.files.values():
        assert record.sha256 in card
    shards = [name for name in bundle.sources if name.endswith(".safetensors")]
    assert len(shards) >= 3
    for name, digest in bundle.sources.items():
        assert name in card
        assert digest in card
    assert "greedy_equal_tokens | 64" in card
    assert "projections | int4" in card
    assert "layers.2.feed_forward" in (tmp_path / "report.md").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"out", "report.md"}
    assert (tmp_path / "out" / MANIFEST_FILE).exists()
