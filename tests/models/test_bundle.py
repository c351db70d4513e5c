import json

import pytest
from tiny_llama import write_adapter, write_gguf

from models.assemble import assemble
from models.bundle import MANIFEST_FILE, VISION_FILE, Bundle
from models.decoder import Decoder
from models.errors import GlintError

CONFIG = {"name": "tiny", "version": "1.2", "licences": ["CC0-1.0"]}


@pytest.fixture
def bundle(tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "config.json").write_text(json.dumps(CONFIG))
    (weights / VISION_FILE).write_bytes(b"taken as it is")
    write_adapter(weights / "adapter.safetensors")
    return assemble(write_gguf(tmp_path / "base.gguf"), weights, tmp_path / "bundle")


def names(bundle):
    return {path.name for path in bundle.folder.iterdir()}


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_the_manifest_describes_every_file(bundle):
    opened = Bundle.open(bundle.folder)
    assert opened == bundle
    assert set(opened.files) == names(bundle) - {MANIFEST_FILE}
    assert opened.size == sum((bundle.folder / name).stat().st_size for name in opened.files)
    assert (opened.name, opened.version, opened.config) == ("tiny", "1.2", CONFIG)
    assert set(opened.sources) == {"base.gguf", "config.json", "adapter.safetensors", VISION_FILE}
    assert opened.sees
    opened.verify()


@pytest.mark.parametrize("name", ["decoder.onnx", "decoder.weights", "tokenizer.json", VISION_FILE])
class TestADamagedFile:
    def test_one_flipped_byte_is_found_by_verify_and_before_the_decoder_runs(self, bundle, name):
        flip(bundle.folder / name, 5)
        for use in (Bundle.verify, Decoder.load):
            with pytest.raises(GlintError, match=f"{name} is damaged"):
                use(Bundle.open(bundle.folder))

    def test_the_last_byte_counts_too(self, bundle, name):
        flip(bundle.folder / name, -1)
        with pytest.raises(GlintError, match=f"{name} is damaged"):
            Decoder.load(Bundle.open(bundle.folder))

    def test_a_truncated_file_is_found_on_opening(self, bundle, name):
        path = bundle.folder / name
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(GlintError, match=f"{name} has .* bytes instead of"):
            Bundle.open(bundle.folder)

    def test_a_missing_file_is_found_on_opening(self, bundle, name):
        (bundle.folder / name).unlink()
        with pytest.raises(GlintError, match=f"{name} is missing"):
            Bundle.open(bundle.folder)


def test_no_flipped_bit_of_the_manifest_goes_unnoticed(bundle):
    path = bundle.folder / MANIFEST_FILE
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        if whole[position : position + 1].isspace():
            continue
        flip(path, position)
        with pytest.raises(GlintError, match=MANIFEST_FILE):
            Bundle.open(bundle.folder)
        path.write_bytes(whole)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b'{"content": 1, "sha256": "0"}'])
def test_what_is_no_manifest_is_refused(bundle, content):
    (bundle.folder / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(GlintError, match="damaged"):
        Bundle.open(bundle.folder)


def test_an_empty_folder_holds_no_model(tmp_path):
    with pytest.raises(GlintError, match="holds no model"):
        Bundle.open(tmp_path)


def test_a_file_the_bundle_has_not_is_an_error(bundle):
    with pytest.raises(GlintError, match=r"tiny .* has no other\.onnx"):
        bundle.path("other.onnx")
