"""The proof that an archive works on an ARM machine: it is built, installed on an emulated one and asked there.

`python -m firmware_bridge.sideload.proof` (`make sideload-proof`). The installer's self-test runs `glint doctor` and
asks a spoken question about a picture; then the live loop plays a turn from files. The same is asked here, of the same
models and package versions, and both must have heard and answered the same, word for word (capitals aside in what was
heard).

The emulated machine is twenty times slower than this one, and its networks up to a hundred times. Nothing is changed
for it but patience, which is longer: recordings play in real time on both.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from device.glasses import RATE
from firmware_bridge.sideload.arm_root import PROCESSORS, make_root
from firmware_bridge.sideload.likeness import Answers, chance, differences
from firmware_bridge.sideload.on_device.self_test import PICTURE, QUESTION, RESULT
from models.audio import Sound, read_sound, write_wav
from models.errors import GlintError

PATIENCE = 40
TIMEOUT_S = 1200.0  # for any one command, on a machine that others may be using
LOUD = 0.05  # of full scale, the least that speech reaches
SOURCE = Path(__file__).parents[2]
TURN = "the live loop"
ASKED = "a question about a picture"


@dataclass(frozen=True)
class Machine:
    """Somewhere that Glint runs. command starts it, as typed before `ask`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]

    def glint(self, *arguments: str | Path) -> dict[str, Any]:
        """The last JSON object that a command printed. Raises GlintError when it fails."""
        done = _run([*self.command, *map(str, arguments)], self.environment, f"{self.name}: glint {arguments[0]}")
        try:
            return dict(json.loads(done.strip().splitlines()[-1]))
        except (ValueError, IndexError):
            raise GlintError(f"{self.name}: glint {arguments[0]} printed no turn.") from None


def prove(processor: str) -> tuple[Answers, Answers]:
    """Does all of it; what it is about and how long it takes goes to standard output.

    Returns what this machine said and what the emulated one did. Raises GlintError when a step fails.
    """
    with _timed("root"):
        root = make_root(PROCESSORS[processor], progress=_say)
    with tempfile.TemporaryDirectory(prefix="glint-proof-") as name:
        place = Path(name)
        with _timed("archive"):
            archive, key = _build(place)
        environment = {
            **os.environ,
            "GLINT_PYTHON": str(root.python),
            "GLINT_PATIENCE": str(PATIENCE),
            "XDG_CACHE_HOME": str(place / "cache"),
        }
        installation = place / "opt/glint"
        with _timed("install, with doctor and ask"):
            _install(archive, key, root.python, installation, environment)
        current = (installation / "current").resolve()
        record = json.loads((current / RESULT).read_text(encoding="utf-8"))
        there = Machine(f"aarch64, emulated {root.processor.device}", [str(current / "bin/glint")], environment)
        here = Machine(f"{platform.machine()}, this one", [sys.executable, "-m", "device"], _here())
        arm = Answers(there.name, _onnxruntime(record["doctor"]), {ASKED: record["turn"]})
        own = Answers(here.name, "")
        with _timed("this machine"):
            own.onnxruntime = _onnxruntime(here.glint("doctor", "--json"))
            files = ("--image", current / PICTURE, "--audio", current / QUESTION)
            own.turns[ASKED] = here.glint("ask", "--offline", "--json", *files)
            scene = _scene(place, current)
            own.turns[TURN] = _live(here, scene, place / "here.wav")
        with _timed("the live loop"):
            arm.turns[TURN] = _live(there, scene, place / "there.wav")
        return own, arm


def _build(place: Path) -> tuple[Path, str]:
    """An archive of the versions that are installed here, signed with a key that is made for it, and its public key."""
    archive = place / "glint-aarch64.tar"
    environment = _here() | {"XDG_CONFIG_HOME": str(place / "config")}
    builder = Machine("this machine", [sys.executable, "-m", "device", "sideload"], environment)
    built = builder.glint("build", "--target", "aarch64", "--as-installed", "--out", archive, "--json")
    _say(f"{built['size_mb']:.0f} MB in {built['files']} files")
    return archive, str(built["key"])


def _install(archive: Path, key: str, python: Path, into: Path, environment: Mapping[str, str]) -> None:
    """As its user does: the installer is taken out of the archive with tar, and run with Python."""
    into.mkdir(parents=True)
    installer = into.parent / "install.pyz"
    with tarfile.open(archive) as tar, installer.open("wb") as out:
        content = tar.extractfile(installer.name)
        assert content is not None
        shutil.copyfileobj(content, out)
    command = [str(python), str(installer), "install", str(archive)]
    command += ["--root", str(into), "--key", key, "--no-unit", "--self-test-seconds", str(TIMEOUT_S)]
    _say(_run(command, environment, "the installer").rstrip())


@dataclass(frozen=True)
class Scene:
    """What a turn of the live loop is played from: a folder of pictures and a recording."""

    camera: Path
    mic: Path


def _scene(place: Path, version: Path) -> Scene:
    """The self-test's picture and question, and a call ahead of it in the same breath.

    So everything that decides what was heard goes by the recording's clock, and nothing by how fast a machine is.
    """
    import onnxruntime

    from models.fetch import ensure
    from models.piper import Piper

    camera = place / "camera"
    camera.mkdir()
    shutil.copy(version / PICTURE, camera)
    onnxruntime.set_seed(1)  # so that the call sounds the same in every run
    piper = Piper(ensure("piper-joe-medium"))
    call = Sound(np.concatenate(list(piper.speak("Hey Jarvis."))), piper.rate)
    parts = [_room(0.5), _audible(call), _room(0.1), _audible(read_sound(version / QUESTION)), _room(1.5)]
    write_wav(place / "talk.wav", Sound(np.concatenate(parts), RATE))
    return Scene(camera, place / "talk.wav")


def _audible(sound: Sound) -> np.ndarray:
    """float32 [n] at RATE, from the first to the last audible sample."""
    samples = sound.resampled(RATE).samples
    heard = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[heard[0] : heard[-1] + 1]


def _room(seconds: float) -> np.ndarray:
    """float32 [n] at RATE: a room that is not quite silent."""
    return np.random.default_rng(1).normal(0, 2e-3, int(seconds * RATE)).astype(np.float32)


def _live(machine: Machine, scene: Scene, spoken: Path) -> dict[str, Any]:
    files = ("--camera", scene.camera, "--mic", scene.mic, "--speaker", spoken)
    turn = machine.glint("run", "--offline", "--json", *files)
    if np.abs(read_sound(spoken).samples).max() < LOUD:
        raise GlintError(f"{machine.name}: glint run answered {turn['answer']!r} and said nothing aloud.")
    return turn


def _here() -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def _onnxruntime(doctor: Mapping[str, Any]) -> str:
    """Its version, which the doctor tells first."""
    return next(str(check["detail"]).split()[0] for check in doctor["checks"] if check["name"] == "onnxruntime")


def _run(command: Sequence[str], environment: Mapping[str, str], what: str) -> str:
    """What a command printed. Raises GlintError, with the last it said, when it fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise GlintError(f"{what} gave no answer within {TIMEOUT_S:.0f} s.") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise GlintError(f"{what} ended with status {done.returncode} ({said}).")
    return done.stdout


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    _say(f"{what}: {time.monotonic() - start:.0f} s")


def _say(line: str) -> None:
    print(line, flush=True)


def _show(here: Answers, there: Answers) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", here.machine, there.machine)
    table.add_row("onnxruntime", here.onnxruntime, there.onnxruntime)
    for what, turn in here.turns.items():
        other = there.turns[what]
        table.add_row(f"{what}: heard", turn["transcript"], other["transcript"])
        table.add_row("answered", turn["answer"], other["answer"])
        table.add_row("chance of these words", f"{chance(turn):.3f}", f"{chance(other):.3f}")
    Console().print(table)


@click.command()
@click.option("--processor", type=click.Choice(list(PROCESSORS)), default="cortex-a76", show_default=True)
def main(processor: str) -> None:
    """Build, install and ask on an emulated ARM machine and here; fail where the answers differ."""
    try:
        here, there = prove(processor)
    except GlintError as error:
        sys.exit(f"glint: {error}")
    _show(here, there)
    if found := differences(here, there):
        sys.exit("\n".join(["The two differ:", *found]))
    _say("The same words were heard and the same answers given on both.")


if __name__ == "__main__":
    main()
