"""Carrying an archive to a device: into a folder (a memory card), or over ssh, where it is installed at once.

Over ssh a transfer that broke goes on where it broke: what lies on the device is compared by its hash, and the rest is
sent after it. Does not know what an archive is.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.errors import GlintError
from models.integrity import sha256_of
from models.sources import Progress

CHUNK = 1 << 18
PLACE = ".cache/glint-sideload"  # below the home of whoever logs in
ATTEMPTS = 6  # that bring nothing forward, one after the other
PAUSE_S = 2.0  # after the first of them; doubled each time
LOST = 255  # ssh's own exit status: the connection, not the command


class Broken(GlintError):
    """The connection broke; whoever tries again may have more luck."""


@dataclass(frozen=True)
class Remote:
    """A device that ssh reaches. host: as ssh takes it; `~/.ssh/config` says the rest (port, key, user)."""

    host: str
    options: tuple[str, ...] = ()

    def run(self, command: str, terminal: bool = False) -> str:
        """What a shell command prints there. Raises Broken when the connection is lost, GlintError when it fails."""
        done = subprocess.run(
            self._ssh(command, terminal), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )
        if done.returncode == LOST:
            raise Broken(f"{self.host} cannot be reached over ssh ({_last(done.stderr)}).")
        if done.returncode:
            raise GlintError(f"{self.host}: `{command.split()[0]}` failed ({_last(done.stderr)}).")
        return done.stdout

    def show(self, command: str) -> int:
        """Runs a command whose words go to standard error, and which may ask for a password. Its exit status."""
        return subprocess.run(self._ssh(command, sys.stdin.isatty()), stdout=2).returncode

    def send(self, command: str, pieces: Iterator[bytes]) -> None:
        """Feeds a command. Raises Broken when the connection is lost before it has taken all."""
        with subprocess.Popen(
            self._ssh(command, False), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as ssh:
            assert ssh.stdin is not None
            assert ssh.stderr is not None
            try:
                for piece in pieces:
                    ssh.stdin.write(piece)
                    ssh.stdin.flush()
                ssh.stdin.close()
            except BrokenPipeError:
                pass  # its exit status says why
            except BaseException:
                ssh.kill()
                raise
            said = ssh.stderr.read().decode("utf-8", "replace")
        if ssh.returncode == LOST:
            raise Broken(f"The connection to {self.host} broke ({_last(said)}).")
        if ssh.returncode:
            raise GlintError(f"{self.host} did not take what was sent ({_last(said)}).")

    def _ssh(self, command: str, terminal: bool) -> list[str]:
        return ["ssh", *self.options, *(["-t"] if terminal else []), "--", self.host, command]


@contextmanager
def connected(host: str) -> Iterator[Remote]:
    """A device with one login for all that follows. Raises GlintError when there is no ssh or no such host."""
    if host.startswith("-") or not host.strip() or any(character.isspace() for character in host):
        raise GlintError(f"{host!r} is not a host that ssh could reach.")
    if shutil.which("ssh") is None:
        raise GlintError("There is no ssh here: install it, or push to a folder and carry that over.")
    with tempfile.TemporaryDirectory(prefix="glint-") as folder:
        shared = ("-o", "ControlMaster=auto", "-o", f"ControlPath={folder}/login", "-o", "ControlPersist=60")
        alive = ("-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3")
        remote = Remote(host, (*shared, *alive))
        try:
            yield remote
        finally:
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run(["ssh", "-O", "exit", *remote.options, "--", host], **quiet)  # type: ignore[call-overload]


def send_file(remote: Remote, path: Path, progress: Progress, pause: Callable[[float], None] = time.sleep) -> str:
    """Brings a file to the device, whole, and returns its path there. Raises GlintError after too many attempts."""
    place = f"{PLACE}/{path.name}"
    whole, sha256 = path.stat().st_size, sha256_of(path)
    failed, before = 0, -1
    while True:
        try:
            done = _arrived(remote, path, place, whole)
            if done == whole:
                _finish(remote, place, sha256)
                return place
            failed, before = (0, done) if done > before else (failed, before)
            _append(remote, path, place, done, whole, progress)
        except Broken as broken:
            failed += 1
            if failed >= ATTEMPTS:
                raise GlintError(f"{path.name} was not brought over: {broken} The next push goes on.") from broken
            pause(PAUSE_S * 2 ** (failed - 1))


def _arrived(remote: Remote, path: Path, place: str, whole: int) -> int:
    """How many bytes lie there that are this file's beginning; what is not is removed."""
    part, ready = shlex.quote(f"{place}.part"), shlex.quote(place)
    measure = f"if [ -f {part} ]; then wc -c < {part}; sha256sum < {part}; else echo 0; echo -; fi"
    said = remote.run(f"mkdir -p {PLACE} && if [ -f {ready} ]; then mv -f {ready} {part}; fi; {measure}").split()
    size = int(said[0])
    if size and (size > whole or said[1] != _hash_of_beginning(path, size)):
        remote.run(f"rm -f {part}")
        return 0
    return size


def _append(remote: Remote, path: Path, place: str, start: int, whole: int, progress: Progress) -> None:
    def pieces() -> Iterator[bytes]:
        done = start
        with open(path, "rb") as file:
            file.seek(start)
            while piece := file.read(CHUNK):
                yield piece
                done += len(piece)
                progress(f"sending {path.name}", done, whole)

    remote.send(f"cat >> {shlex.quote(place + '.part')}", pieces())


def _finish(remote: Remote, place: str, sha256: str) -> None:
    part, ready = shlex.quote(f"{place}.part"), shlex.quote(place)
    if remote.run(f"sha256sum < {part}").split()[0] != sha256:
        remote.run(f"rm -f {part}")
        raise Broken(f"{place} arrived damaged.")
    remote.run(f"mv -f {part} {ready}")


def _hash_of_beginning(path: Path, size: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while size and (piece := file.read(min(CHUNK, size))):
            digest.update(piece)
            size -= len(piece)
    return digest.hexdigest()


def copy_to_folder(files: list[Path], folder: Path, progress: Progress) -> list[Path]:
    """Copies files into a folder, each in one step and down to the disk, or not at all. Raises GlintError."""
    copied = []
    for path in files:
        place, fresh = folder / path.name, folder / f".{path.name}.part"
        try:
            with open(path, "rb") as source, open(fresh, "wb") as out:
                whole, done = path.stat().st_size, 0
                while piece := source.read(CHUNK):
                    out.write(piece)
                    done += len(piece)
                    progress(f"copying {path.name}", done, whole)
                out.flush()
                os.fsync(out.fileno())
            if sha256_of(fresh) != sha256_of(path):
                raise GlintError(f"{place} does not read as it was written: the medium is damaged.")
            os.replace(fresh, place)
        except OSError as error:
            raise GlintError(f"{place} cannot be written ({error.strerror}).") from error
        finally:
            fresh.unlink(missing_ok=True)
        copied.append(place)
    return copied


def _last(said: str) -> str:
    return (said.strip().splitlines() or ["it said nothing"])[-1].strip()
