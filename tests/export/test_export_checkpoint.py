"""What an export can start from: the same model as a folder and as a GGUF file, our own weights, incomplete folders."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from gguf import GGUFWriter

from device.cli import glint
from export.checkpoint import open_checkpoint
from export.job import ExportJob, ExportSettings
from models.adapted_weights import PROJECTIONS
from models.bundle import DECODER_WEIGHTS_FILE, TOKENIZER_FILE, VISION_FILE, Bundle
from models.manifest import FileRecord

OWN = Path(__file__).parents[2] / "models/weights/glint-135m"


def write_gguf_of(folder: Path, path: Path) -> Path:
    """The tiny Llama model of a folder, as llama.cpp's converter writes it: q and k for interleaved rotation."""
    checkpoint = open_checkpoint(str(folder))
    weights, tokenizer = checkpoint.weights(), json.loads((folder / "tokenizer.json").read_text())
    shape = weights.shape
    special = {token["content"] for token in tokenizer["added_tokens"]}
    vocabulary = tokenizer["model"]["vocab"]
    names = sorted(vocabulary, key=vocabulary.__getitem__)
    writer = GGUFWriter(str(path), "llama")
    writer.add_license("apache-2.0")
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.max_positions)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.rms_eps)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(names)
    writer.add_token_types([3 if name in special else 1 for name in names])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(vocabulary["<|im_start|>"])
    writer.add_eos_token_id(vocabulary["<|im_end|>"])
    writer.add_chat_template(json.loads((folder / "tokenizer_config.json").read_text())["chat_template"])
    writer.add_tensor("token_embd.weight", weights.embeddings(slice(None)))
    writer.add_tensor("output.weight", weights.head(slice(None)))
    writer.add_tensor("output_norm.weight", weights.output_norm())
    for i in range(shape.layers):
        writer.add_tensor(f"blk.{i}.attn_norm.weight", weights.attention_norm(i))
        writer.add_tensor(f"blk.{i}.ffn_norm.weight", weights.feed_forward_norm(i))
        for name, stored in PROJECTIONS.items():
            weight = weights.projection(i, name)
            if name in "qk":
                halves = weight.reshape(-1, 2, shape.head_size // 2, weight.shape[1])
                weight = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(weight.shape)
            writer.add_tensor(f"blk.{i}.{stored}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def export(source, out, **settings) -> Bundle:
    return ExportJob(open_checkpoint(str(source)), out, ExportSettings(**settings)).run()


def test_a_gguf_file_gives_what_the_folder_gives(tiny, tmp_path):
    folder = export(tiny("llama"), tmp_path / "folder")
    file = export(write_gguf_of(tiny("llama"), tmp_path / "tiny.gguf"), tmp_path / "file")
    assert file.files[DECODER_WEIGHTS_FILE] == folder.files[DECODER_WEIGHTS_FILE]
    assert file.config["prompt"] == folder.config["prompt"]
    assert file.decoder == folder.decoder
    assert file.name == "tiny"
    assert file.config["licences"] == {"tiny": "apache-2.0"}


@pytest.mark.slow
def test_a_gguf_file_is_verified_and_asked(tiny, tmp_path):
    gguf = write_gguf_of(tiny("llama"), tmp_path / "tiny.gguf")
    arguments = ["export", str(gguf), "--out", str(tmp_path / "out"), "--verify", "--json"]
    made = CliRunner().invoke(glint, arguments, catch_exceptions=False)
    parts = json.loads(made.stdout)["verification"]["parts"]
    assert parts["decoder"]["greedy_equal_tokens"] == parts["whole"]["greedy_equal_tokens"] == 64
    assert made.exit_code == 0
    question = ["ask", "--model", str(tmp_path / "out"), "--text", "What is this?", "--json"]
    assert json.loads(CliRunner().invoke(glint, question, catch_exceptions=False).stdout)["answer"]


def test_shards_give_what_one_file_gives(tiny, tmp_path):
    one, many = (export(tiny("llama", shards), tmp_path / str(shards)) for shards in (1, 3))
    assert one.files[DECODER_WEIGHTS_FILE] == many.files[DECODER_WEIGHTS_FILE]


@pytest.mark.parametrize("kind", ["smolvlm", "llava-clip"])
def test_a_folder_without_processor_settings_gets_them_derived_and_says_so(tiny, tmp_path, kind):
    bare = Path(shutil.copytree(tiny(kind), tmp_path / "model"))
    for name in ("preprocessor_config.json", "processor_config.json"):
        (bare / name).unlink()
    derived, whole = export(bare, tmp_path / "bare"), export(tiny(kind), tmp_path / "whole")
    assert any("preprocessor_config.json" in note for note in derived.config["export"]["notes"])
    assert not any("preprocessor_config.json" in note for note in whole.config["export"]["notes"])
    for key in ("fit", "resample", "markers"):
        assert derived.config["picture"][key] == whole.config["picture"][key]
    assert derived.files[VISION_FILE] == whole.files[VISION_FILE]  # mean and standard deviation are in the graph


def test_our_own_weights_are_what_ships(default_bundle, tmp_path):
    """All but the decoder, which takes its time and is compared elsewhere."""

    def stop(what, done, total):
        if what == "decoder":
            raise KeyboardInterrupt

    checkpoint = open_checkpoint(str(OWN))
    with pytest.raises(KeyboardInterrupt):
        ExportJob(checkpoint, tmp_path / "out", progress=stop).run()
    vision = tmp_path / ".out.partial/vision" / VISION_FILE
    assert FileRecord.of(vision) == default_bundle.files[VISION_FILE]
    assert checkpoint.processor().prompt == default_bundle.config["prompt"]
    assert checkpoint.tokenizer().to_str(pretty=True) == default_bundle.path(TOKENIZER_FILE).read_text()
    assert (checkpoint.name, checkpoint.licence) == (default_bundle.name, "Apache-2.0")
    assert set(checkpoint.inputs()) == set(default_bundle.sources)
