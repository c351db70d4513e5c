"""Bundles in the model cache: assembled from a base that is not kept, and again when what they are made of changes."""

import json
import os
import re
import shutil

import numpy as np
import pytest
from fetch_helpers import (
    assert_nothing_left,
    assert_usable,
    catalog_text,
    empty_store,
    flip_a_byte,
    model_files,
    pull,
    store_with,
)

from models.errors import GlintError
from models.progress import silent

FILES = model_files()
BUNDLE = '[[model]]\nname = "tiny"\nlicence = "MIT"\nrole = "a test"\ndefault = true\nbase = "base"\nsize = 100000\n\n'


def write_tiny_gguf(path):
    """A Llama of one layer with a vocabulary of bytes; random numbers."""
    from gguf import GGUFWriter

    generator = np.random.default_rng(0)
    hidden, inner, vocabulary = 64, 128, 64
    writer = GGUFWriter(str(path), "llama")
    writer.add_block_count(1)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["t", "1", "t1", *(f"<{i}>" for i in range(vocabulary - 3))])
    writer.add_token_types([1] * vocabulary)
    writer.add_token_merges(["t 1"])
    shapes = {
        "token_embd.weight": (vocabulary, hidden),
        "output_norm.weight": (hidden,),
        "blk.0.attn_norm.weight": (hidden,),
        "blk.0.ffn_norm.weight": (hidden,),
        "blk.0.attn_q.weight": (hidden, hidden),
        "blk.0.attn_k.weight": (hidden // 2, hidden),
        "blk.0.attn_v.weight": (hidden // 2, hidden),
        "blk.0.attn_output.weight": (hidden, hidden),
        "blk.0.ffn_gate.weight": (inner, hidden),
        "blk.0.ffn_up.weight": (inner, hidden),
        "blk.0.ffn_down.weight": (hidden, inner),
    }
    for name, shape in shapes.items():
        writer.add_tensor(name, generator.standard_normal(shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def store(tmp_path, monkeypatch):
    return empty_store(tmp_path, monkeypatch)


@pytest.fixture
def bundles(store, tmp_path):
    """A store with the bundle "tiny", assembled from "base", which lies in a folder."""
    (tmp_path / "base").mkdir()
    write_tiny_gguf(tmp_path / "base/tiny.gguf")
    (tmp_path / "weights/tiny").mkdir(parents=True)
    write_config(tmp_path, "1.0")
    base = model_files({"tiny.gguf": (tmp_path / "base/tiny.gguf").read_bytes()})
    return store_with(tmp_path, BUNDLE, catalog_text("base", {"folder": str(tmp_path / "base")}, base))


def write_config(folder, version, **more):
    (folder / "weights/tiny/config.json").write_text(json.dumps({"name": "tiny", "version": version, **more}))


def test_a_bundle_is_assembled_and_its_base_is_not_kept(bundles):
    folder = pull(bundles, "tiny")
    assert folder == bundles.root / "tiny" / "1.0"
    assert (folder / "manifest.json").is_file()
    assert bundles.verify("tiny") == []
    assert bundles.locate("base") is None
    assert not list(bundles.root.rglob("*.gguf"))
    assert_nothing_left(bundles)


def test_a_bundle_uses_a_base_that_is_installed(bundles, tmp_path):
    pull(bundles, "base")
    shutil.rmtree(tmp_path / "base")
    pull(bundles, "tiny")
    assert bundles.locate("base") is not None


def test_a_bundle_is_assembled_again_when_its_weights_change(bundles, tmp_path):
    folder = pull(bundles, "tiny")
    os.utime(tmp_path / "weights/tiny/config.json", (1, 1))
    assert bundles.locate("tiny") == folder  # touched, not changed
    write_config(tmp_path, "1.0", prompt="another")
    assert bundles.locate("tiny") is None
    folder = bundles.ensure("tiny", progress=silent)
    assert "another" in (folder / "manifest.json").read_text()


def test_a_bundle_of_an_older_format_is_assembled_again(bundles):
    manifest = pull(bundles, "tiny") / "manifest.json"
    manifest.write_text(re.sub(r'"format": \d+', '"format": 0', manifest.read_text()))
    assert bundles.locate("tiny") is None
    bundles.ensure("tiny", progress=silent)
    assert bundles.locate("tiny") is not None


@pytest.mark.parametrize("name", ["decoder.weights", "manifest.json", "tokenizer.json"])
def test_a_damaged_bundle_is_one_sentence_and_pull_repairs_it(bundles, name):
    folder = pull(bundles, "tiny")
    flip_a_byte(folder / name, 200)
    with pytest.raises(GlintError, match=rf"{name}.*; run `glint models pull tiny` to repair it\.$"):
        bundles.ensure("tiny")
    assert bundles.verify("tiny")
    assert_usable(bundles)
    pull(bundles, "tiny")
    assert bundles.verify("tiny") == []


def test_a_bundle_without_weights(bundles, tmp_path):
    store = store_with(tmp_path, BUNDLE.replace('"tiny"', '"other"'), catalog_text("base", {"folder": "/x"}, FILES))
    with pytest.raises(GlintError, match="This installation has no weights of other"):
        pull(store, "other")
    assert_usable(store)


def test_a_broken_source_of_a_bundle_is_one_sentence(bundles, tmp_path):
    (tmp_path / "weights/tiny/adapter.safetensors").write_bytes(b"broken")
    with pytest.raises(GlintError, match=r"adapter\.safetensors is not a readable safetensors file"):
        pull(bundles, "tiny")
    assert_usable(bundles)
    assert_nothing_left(bundles)
