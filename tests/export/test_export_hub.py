"""A model from the Hub, served by this machine."""

import hashlib
import http.server
import json
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from device.cli import glint
from export.checkpoint import open_checkpoint
from export.hub import is_hub_id
from models.errors import GlintError

NAME, COMMIT = "someone/tiny-llama", "0123456789abcdef0123456789abcdef01234567"
REVISIONS = ("main", "v1", COMMIT)
OTHER_FILES = ("pytorch_model.bin", "onnx/model.onnx", "model.gguf", "consolidated.safetensors", "picture.png")


class Hub:
    """Serves one model as the Hub does. asked: the paths of the files that were sent."""

    def __init__(self, folder: Path):
        self.files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        self.files["README.md"] = b"---\nlicense: apache-2.0\n---\n# Tiny\n"
        self.files |= dict.fromkeys(OTHER_FILES, b"not wanted")
        self.asked: list[str] = []
        self.broken: str | None = None
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                self._answer(False)

            def do_GET(self):
                self._answer(True)

            def _answer(self, with_body):
                status, headers, body = hub.answer(self.path, with_body)
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, with_body: bool):
        path = path.partition("?")[0]
        if path in (f"/api/models/{NAME}", *(f"/api/models/{NAME}/revision/{revision}" for revision in REVISIONS)):
            siblings = [{"rfilename": name, "size": len(data)} for name, data in self.files.items()]
            info = {"id": NAME, "sha": COMMIT, "siblings": siblings, "cardData": {"license": "apache-2.0"}}
            return 200, {"Content-Type": "application/json"}, json.dumps(info).encode()
        if path.startswith(f"/api/models/{NAME}/revision/"):
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        start, _, name = path.partition("/resolve/")
        revision, _, name = name.partition("/")
        if start == f"/{NAME}" and revision in REVISIONS and name in self.files:
            if name == self.broken:
                return 403, {}, b"out of order"
            data = self.files[name]
            if with_body:
                self.asked.append(name)
            return 200, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT}, data
        return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hub(tiny, tmp_path, monkeypatch):
    from huggingface_hub import constants

    server = Hub(tiny("llama", 3))
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    yield server
    server.close()


def test_only_what_is_needed_is_fetched_and_the_revision_is_put_down(hub):
    checkpoint = open_checkpoint(f"{NAME}@v1")
    assert checkpoint.revision == COMMIT
    assert checkpoint.licence == "apache-2.0"
    assert checkpoint.name == "tiny-llama"
    assert set(hub.asked) == set(hub.files) - set(OTHER_FILES)
    assert checkpoint.weights().shape.layers == 3
    hub.asked.clear()
    assert open_checkpoint(NAME).revision == COMMIT
    assert hub.asked == []  # it is in the cache


def test_the_command_exports_a_model_of_the_hub(hub, tmp_path):
    made = CliRunner().invoke(glint, ["export", NAME, "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert made.exit_code == 0
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())["content"]
    assert manifest["config"]["export"]["source"] == NAME
    assert manifest["config"]["export"]["revision"] == COMMIT
    assert manifest["version"] == COMMIT[:12]
    assert manifest["config"]["licences"] == {"tiny-llama": "apache-2.0"}
    assert f"revision {COMMIT}" in (tmp_path / "out/MODEL_CARD.md").read_text()


def test_what_came_before_the_network_broke_is_kept(hub):
    first, hub.broken, *_ = sorted(name for name in hub.files if name.startswith("model-"))
    with pytest.raises(GlintError, match=r"could not be fetched .* try again"):
        open_checkpoint(NAME)
    came = set(hub.asked)
    assert first in came
    hub.broken = None
    hub.asked.clear()
    open_checkpoint(NAME)
    assert not came & set(hub.asked)


def test_a_model_that_there_is_not(hub):
    with pytest.raises(GlintError, match="nor a model of that name on the Hub"):
        open_checkpoint("someone/else")
    with pytest.raises(GlintError, match="no revision 'v2'"):
        open_checkpoint(f"{NAME}@v2")


def test_a_model_without_safetensors(hub):
    hub.files = {name: data for name, data in hub.files.items() if not name.endswith(".safetensors")}
    with pytest.raises(GlintError, match="holds no weights as safetensors"):
        open_checkpoint(NAME)
    assert hub.asked == []


def test_an_architecture_that_is_not_supported_is_not_fetched(hub):
    hub.files["config.json"] = hub.files["config.json"].replace(b'"llama"', b'"mamba2"')
    with pytest.raises(GlintError, match="is a mamba2 model"):
        open_checkpoint(NAME)
    assert hub.asked == ["config.json"]


def test_no_network(hub):
    hub.close()
    with pytest.raises(GlintError, match=r"could not be fetched \(.*\); what has come is kept: try again\."):
        open_checkpoint(NAME)


def test_offline_only_what_is_there(hub, monkeypatch):
    monkeypatch.setenv("GLINT_OFFLINE", "1")
    with pytest.raises(GlintError, match="has not been fetched and fetching is switched off"):
        open_checkpoint(NAME)
    monkeypatch.delenv("GLINT_OFFLINE")
    open_checkpoint(NAME)
    hub.close()
    monkeypatch.setenv("GLINT_OFFLINE", "1")
    assert open_checkpoint(NAME).revision == COMMIT


@pytest.mark.parametrize(
    ("model", "is_one"),
    [("a/b", True), ("a/b.c-d@v1.0", True), ("a/b@refs/pr/3", True), ("a", False), ("./a/b/c", False)],
)
def test_what_looks_like_a_hub_id(model, is_one):
    assert is_hub_id(model) == is_one
