"""Whether a version works on this machine: its own doctor, and one spoken question about a picture."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from .refusal import Refusal

RESULT = "self-test.json"
PICTURE, QUESTION = "selftest/photo.jpg", "selftest/question.wav"


def self_test(version: Path, python: str, seconds: float) -> dict[str, Any]:
    """Runs both through the version's own launcher. Returns what they said: {"doctor": ..., "turn": ...}.

    Raises Refusal, with the reason, when one fails, says nothing that can be read or takes longer than `seconds`.
    """
    question = ("--image", str(version / PICTURE), "--audio", str(version / QUESTION))
    with tempfile.TemporaryDirectory() as kept:  # bytecode, which is of no use once the version has been moved
        environment = {**os.environ, "GLINT_PYTHON": python, "CACHE_DIRECTORY": kept}
        doctor = _run(version, environment, seconds, "doctor", "--json")
        turn = _run(version, environment, seconds, "ask", "--offline", "--json", *question)
    if not str(turn.get("answer", "")).strip():
        raise Refusal(f"The self-test failed: {version.name} had no answer to {QUESTION}.")
    return {"doctor": doctor, "turn": turn}


def _run(version: Path, environment: dict[str, str], seconds: float, command: str, *options: str) -> dict[str, Any]:
    what = f"The self-test failed: `glint {command}` of {version.name}"
    try:
        done = subprocess.run(
            [str(version / "bin/glint"), command, *options],
            env=environment,
            cwd=version,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise Refusal(f"{what} gave no answer within {seconds:.0f} s.") from None
    except OSError as error:
        raise Refusal(f"{what} cannot be started ({error.strerror}).") from None
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = {}
    if done.returncode or not isinstance(said, dict) or not said:
        raise Refusal(f"{what} ended with status {done.returncode} ({_reason(said, done.stderr)}).")
    return said


def _reason(said: Any, errors: str) -> str:
    checks = said.get("checks", []) if isinstance(said, dict) else []
    missing = [f"{check['name']}: {check['detail']}" for check in checks if check.get("state") == "missing"]
    last = errors.strip().splitlines()
    return "; ".join(missing) or (last[-1] if last else "it said nothing")
