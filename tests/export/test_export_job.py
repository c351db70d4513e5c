"""What an interruption leaves, what the next export takes of it, and what is made anew."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from device.cli import glint
from export.checkpoint import open_checkpoint
from export.job import ExportJob, ExportSettings
from models.bundle import Bundle
from models.decoder_settings import DecoderSettings
from models.errors import GlintError
from models.progress import Bars


class Steps(list):
    """Progress that remembers what went on; `interrupt`: a step that Ctrl-C falls into."""

    def __init__(self, interrupt=None):
        super().__init__()
        self.interrupt = interrupt

    def __call__(self, what, done, total):
        if what not in self:
            self.append(what)
        if what == self.interrupt:
            raise KeyboardInterrupt

    @property
    def made(self):
        """Parts that were made, and not taken from an interrupted export."""
        return {
            name for name in ("vision", "decoder") if any(s.split(":")[0] == name and "taken" not in s for s in self)
        }


def job(model, out, progress, **settings):
    return ExportJob(open_checkpoint(str(model)), out, ExportSettings(**settings), progress)


def interrupted(model, out, step="decoder", **settings):
    with pytest.raises(KeyboardInterrupt):
        job(model, out, Steps(step), **settings).run()


@pytest.fixture(scope="module")
def model(tiny):
    return tiny("llava-clip")


@pytest.fixture(scope="module")
def left(model, tmp_path_factory):
    """What is left of an export that was interrupted while the decoder was made."""
    folder = tmp_path_factory.mktemp("left")
    interrupted(model, folder / "out")
    assert {path.name for path in folder.iterdir()} == {".out.partial"}
    assert {path.name for path in (folder / ".out.partial").iterdir()} == {"vision"}
    return folder / ".out.partial"


@pytest.fixture
def again(left, tmp_path):
    """Goes on from there: the bundle, and the parts that were made."""
    shutil.copytree(left, tmp_path / ".out.partial")

    def export(model, **settings):
        steps = Steps()
        bundle = job(model, tmp_path / "out", steps, **settings).run()
        bundle.verify()
        assert "out" in {path.name for path in tmp_path.iterdir()}
        assert not (tmp_path / ".out.partial").exists()
        return bundle, steps.made

    return export


def test_an_interrupted_export_goes_on(model, again, tmp_path):
    bundle, made = again(model)
    assert made == {"decoder"}
    fresh = job(model, tmp_path / "other", Steps()).run()
    assert fresh.files == bundle.files  # to the byte
    assert fresh.config == bundle.config


def test_nothing_finished_leaves_nothing(model, tmp_path):
    interrupted(model, tmp_path / "out", "vision: tracing")
    assert list(tmp_path.iterdir()) == []


def test_other_settings_take_what_does_not_depend_on_them(model, again):
    assert again(model, decoder=DecoderSettings("int8", "int8"))[1] == {"decoder"}


def test_other_settings_take_nothing_that_depends_on_them(model, again):
    bundle, made = again(model, vision="fp32")
    assert made == {"vision", "decoder"}
    assert bundle.config["export"]["vision"]["precision"] == "fp32"


def test_another_model_takes_nothing(model, again, tmp_path):
    changed = Path(shutil.copytree(model, tmp_path / "model"))
    config = json.loads((changed / "config.json").read_text())
    (changed / "config.json").write_text(json.dumps(config | {"note": "another"}))
    assert again(changed)[1] == {"vision", "decoder"}


def test_a_part_that_was_changed_since_is_made_anew(model, again, tmp_path):
    with (tmp_path / ".out.partial/vision/vision.onnx").open("ab") as file:
        file.write(b"more")
    assert again(model)[1] == {"vision", "decoder"}


def test_what_a_killed_process_left_is_cleared(model, tmp_path):
    making = tmp_path / ".out.partial/decoder.making"
    making.mkdir(parents=True)
    (making / "decoder.weights").write_bytes(b"half")
    (tmp_path / ".out.partial/vision").mkdir()
    (tmp_path / ".out.partial/vision/part.json").write_text("{")
    job(model, tmp_path / "out", Steps()).run().verify()
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_the_command_says_that_it_goes_on(model, tmp_path, monkeypatch):
    monkeypatch.setattr(Bars, "__call__", lambda self, *step: Steps("decoder")(*step))
    result = CliRunner().invoke(glint, ["export", str(model), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, GlintError)
    assert str(result.exception).startswith("The export was interrupted; the same command goes on")
    assert (tmp_path / ".out.partial/vision/vision.onnx").exists()


def test_a_signal_to_terminate_keeps_what_is_finished_too(model, tmp_path, monkeypatch):
    def terminate(self, what, done, total):
        if what == "decoder":
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Bars, "__call__", terminate)
    result = CliRunner().invoke(glint, ["export", str(model), "--out", str(tmp_path / "out")])
    assert result.exit_code == 128 + signal.SIGTERM
    assert {path.name for path in (tmp_path / ".out.partial").iterdir()} == {"vision"}


def test_an_exported_model_is_replaced(tiny, tmp_path):
    first = job(tiny("llama"), tmp_path / "out", Steps()).run()
    second = job(tiny("qwen2"), tmp_path / "out", Steps()).run()
    assert Bundle.open(tmp_path / "out").name == second.name != first.name
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_two_exports_into_one_folder(tiny, tmp_path):
    second = job(tiny("llama"), tmp_path / "out", Steps())

    def meanwhile(what, done, total):
        if what == "decoder":
            with pytest.raises(GlintError, match=r"Another export into .* is at work"):
                second.run()

    job(tiny("llama"), tmp_path / "out", meanwhile).run().verify()


def test_max_tokens_is_what_the_model_was_made_for_at_most(tiny, tmp_path):
    bundle = job(tiny("llama"), tmp_path / "out", Steps(), max_tokens=100_000).run()
    assert bundle.decoder.max_tokens == 2048
    assert "The model was made for 2048 tokens, so that is all that it reads." in bundle.config["export"]["notes"]
    assert job(tiny("llama"), tmp_path / "out", Steps(), max_tokens=300).run().decoder.max_tokens == 300
