"""Which machine and which versions figures are of. Nothing in it says whose machine it is."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("glint", "onnxruntime", "numpy")
PEERS = ("llama-cpp-python", "vosk")  # named where they are installed
_INSTRUCTIONS = ("amx_int8", "avx512_vnni", "avx_vnni", "avx2", "i8mm", "asimddp")  # that the models gain from


def machine() -> dict[str, Any]:
    """processor, its name; cores that this process may use; memory_mb (10^6 bytes); instructions, a list; system."""
    name, known = _processor()
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        memory = 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "processor": name,
        "cores": cores,
        "memory_mb": round(memory / 1e6),
        "instructions": known,
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, Any]:
    """By package; `python`; `models`, by the names of the catalogue: those that the assistant uses."""
    from models.catalog import catalog

    found: dict[str, Any] = {"python": platform.python_version()}
    for package in (*PACKAGES, *PEERS):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            if package in PACKAGES:
                found[package] = "not installed"
    return found | {"models": {model.name: model.version for model in catalog().defaults()}}


def processor() -> str:
    """The processor's name and what it can do, as far as the system tells."""
    name, known = _processor()
    return f"{name} ({', '.join(known) or 'no vector extensions known'})"


def _processor() -> tuple[str, list[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model"))]
    flags = next((set(line.split()) for line in lines if line.startswith(("flags", "Features"))), set())
    return named[0] if named else platform.machine(), [flag for flag in _INSTRUCTIONS if flag in flags]
