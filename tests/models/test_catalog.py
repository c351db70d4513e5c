"""The catalogue that ships, and how one is read."""

import re

import pytest
from fetch_helpers import CONTENT, catalog_text, model_files, read_catalog

from models.catalog import Catalog, catalog
from models.errors import GlintError
from models.sources import FolderSource, HubSource, UrlSource, WheelSource


def test_every_entry_of_the_shipped_catalogue_is_complete():
    for model in catalog().models.values():
        assert model.version, model.name
        assert model.licence, model.name
        assert model.role, model.name
        assert model.size > 0, model.name
        if model.base:
            assert catalog()[model.base].files, model.name
            continue
        assert model.files, model.name
        assert len({file.path for file in model.files}) == len(model.files)
        for file in model.files:
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256), file.path
            assert file.size > 0
            assert not file.path.startswith("/")
            assert ".." not in file.path


def test_defaults_are_what_one_question_needs_and_fit_into_300_mb():
    defaults = catalog().defaults()
    names = {"glint-135m", "pp-ocrv6-small", "moonshine-tiny-en", "smart-turn-v3", "piper-joe-medium"}
    assert {model.name for model in defaults} == names
    assert sum(model.size for model in defaults) <= 300e6


def test_wheels_are_pinned_to_one_version():
    wheels = [model.source for model in catalog().models.values() if isinstance(model.source, WheelSource)]
    assert wheels
    for source in wheels:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", source.wheel)
        assert source.download > 0


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({"wheel": "a==1", "folder": "a/data"}, WheelSource("a==1", "a/data")),
        ({"hub": "o/r", "revision": "abc", "folder": "onnx"}, HubSource("o/r", "abc", "onnx")),
        ({"url": "https://example.org/m/"}, UrlSource("https://example.org/m/")),
        ({"folder": "/models/m"}, FolderSource("/models/m")),
    ],
)
def test_a_source_is_told_by_its_key(tmp_path, source, kind):
    model = read_catalog(tmp_path, catalog_text("m", source, model_files()))["m"]
    assert model.source == kind
    assert model.files == model_files()
    assert model.size == sum(map(len, CONTENT.values()))


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(GlintError, match=r"no model called 'moonshine'; did you mean moonshine-tiny-en\?"):
        catalog()["moonshine"]
    with pytest.raises(GlintError, match="glint models list"):
        catalog()["zzzz"]


@pytest.mark.parametrize("text", ["not toml [", "", '[[model]]\nname = "x"\n', '[[model]]\nname = "x"\nsource = 3'])
def test_a_broken_catalogue_is_one_sentence(tmp_path, text):
    place = tmp_path / "catalog.toml"
    place.write_text(text)
    with pytest.raises(GlintError, match="not a valid model catalogue"):
        Catalog.read(place)


def test_a_bundle_has_the_version_of_its_weights(tmp_path):
    entry = '[[model]]\nname = "b"\nlicence = "MIT"\nrole = "r"\ndefault = true\nbase = "m"\nsize = 5\n'
    assert read_catalog(tmp_path, entry)["b"].version == "unreleased"
    (tmp_path / "weights/b").mkdir(parents=True)
    (tmp_path / "weights/b/config.json").write_text('{"name": "b", "version": "2.1"}')
    assert read_catalog(tmp_path, entry)["b"].version == "2.1"
