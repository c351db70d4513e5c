"""The C peer, compiled and run for tests, and a line to it that does damage."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "firmware_bridge/stream/peer"
HERE = Path(__file__).parent
CORE = ("glint_wire.c", "glint_adpcm.c", "glint_peer.c", "glint_sound.c", "glint_picture.c")
PROGRAM = [SOURCES / name for name in ("peer_main.c", "peer_files.c", "peer_line.c")]
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")


def compiled(target: Path, sources: list[Path], *options: str) -> Path:
    """`target`, out of these and the core."""
    if shutil.which("cc") is None:
        pytest.fail("There is no C compiler; run: sudo apt-get install gcc libc6-dev", pytrace=False)
    core = [SOURCES / name for name in CORE]
    command = ["cc", *STRICT, *options, f"-I{SOURCES}", "-o", target, *core, *sources]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


class Peer:
    """The program, running. `said` are the lines it has printed."""

    def __init__(self, program: Path, *options: str | Path):
        self._process = subprocess.Popen(
            [program, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.address = self._process.stdout.readline().strip()
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.said.append(line.strip())

    def command(self, text: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def stop(self) -> str:
        """Ends it; what it had to say on standard error."""
        self._process.terminate()
        assert self._process.wait(5) == 0
        self._reader.join(5)
        assert self._process.stderr
        return self._process.stderr.read()


class BadLine:
    """A TCP connection to a peer that changes what goes over it: `damage` is given pieces and which way they go."""

    def __init__(self, address: str, damage: Callable[[bytes, str], bytes]):
        host, port = address.removeprefix("tcp://").split(":")
        self._peer, self._damage = (host, int(port)), damage
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                host, _ = self._listening.accept()
            except OSError:
                return
            peer = socket.create_connection(self._peer)
            for one, other, way in ((host, peer, "to"), (peer, host, "from")):
                threading.Thread(target=self._carry, args=(one, other, way), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, way: str) -> None:
        try:
            while data := one.recv(2000):
                other.sendall(self._damage(data, way))
        except OSError:
            pass
        for end in (one, other):
            end.close()

    def close(self) -> None:
        self._listening.close()


def noise(seed: int, errors: float) -> Callable[[bytes, str], bytes]:
    """Per byte the chance that it is changed, missing or followed by another; the same for the same pieces."""
    chance = {"to": random.Random(seed), "from": random.Random(seed + 1)}

    def damage(data: bytes, way: str) -> bytes:
        rng, out = chance[way], bytearray(data)
        for _ in range(sum(rng.random() < errors for _ in data)):
            at = rng.randrange(len(out) + 1)
            out[at : at + rng.randrange(2)] = rng.randbytes(rng.randrange(2))
        return bytes(out)

    return damage


def wait_until(true: Callable[[], object], seconds: float = 8.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it has not come to that"
        time.sleep(0.01)
