import json

import numpy as np
import pytest
from tiny_llama import write_adapter, write_gguf

from models.assemble import assemble
from models.decoder import Decoder
from models.errors import GlintError


@pytest.fixture
def sources(tmp_path):
    """A base model and a folder of weights that has a config only."""
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "config.json").write_text(json.dumps({"name": "tiny", "version": "1"}))
    return write_gguf(tmp_path / "base.gguf"), weights


def first_logits(bundle):
    decoder = Decoder.load(bundle)
    return decoder.prefill(decoder.new_cache(), decoder.embed([1, 2, 3]))


def test_without_updates_it_is_the_base_and_with_them_another(sources, tmp_path):
    plain = assemble(*sources, tmp_path / "plain")
    assert not plain.sees
    write_adapter(sources[1] / "adapter.safetensors")
    adapted = assemble(*sources, tmp_path / "adapted")
    difference = np.linalg.norm(first_logits(plain) - first_logits(adapted))
    assert difference > 0.1 * np.linalg.norm(first_logits(plain))


def test_the_same_sources_give_the_same_bytes(sources, tmp_path):
    first, second = (assemble(*sources, tmp_path / name) for name in ("first", "second"))
    assert first.files == second.files


def test_an_older_bundle_is_replaced_whole(sources, tmp_path):
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "left over").write_text("of something older")
    bundle = assemble(*sources, out)
    assert {path.name for path in out.iterdir()} == {*bundle.files, "manifest.json"}


def test_a_failure_leaves_the_older_bundle_and_no_litter(sources, tmp_path):
    gguf, weights = sources
    out = tmp_path / "bundles" / "tiny"
    before = first_logits(assemble(gguf, weights, out))
    (weights / "adapter.safetensors").write_bytes(b"broken")
    with pytest.raises(GlintError, match=r"adapter\.safetensors"):
        assemble(gguf, weights, out)

    def interrupt(share: float) -> None:
        raise KeyboardInterrupt

    (weights / "adapter.safetensors").unlink()
    with pytest.raises(KeyboardInterrupt):
        assemble(gguf, weights, out, interrupt)
    assert [path.name for path in out.parent.iterdir()] == ["tiny"]
    np.testing.assert_array_equal(first_logits(assemble(gguf, weights, out)), before)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"name": "tiny"}', '{"name": 1, "version": "1"}'])
def test_weights_without_a_proper_config_are_refused(sources, tmp_path, content):
    config = sources[1] / "config.json"
    config.unlink() if content is None else config.write_text(content)
    with pytest.raises(GlintError, match=r"config\.json"):
        assemble(*sources, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_truncated_base_is_refused(sources, tmp_path):
    gguf, weights = sources
    gguf.write_bytes(gguf.read_bytes()[:-1000])
    with pytest.raises(GlintError, match=r"base\.gguf is not a readable GGUF file"):
        assemble(gguf, weights, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_progress_ends_at_one(sources, tmp_path):
    shares: list[float] = []
    assemble(*sources, tmp_path / "out", shares.append)
    assert shares[-1] == 1
